/** Where the server has files, folders and the trash. */
export const FILES_URL = '/api/v1/files';
export const FOLDERS_URL = '/api/v1/folders';
export const TRASH_URL = '/api/v1/trash';

export const fileURL = (id: string) => `${FILES_URL}/${encodeURIComponent(id)}`;
export const folderURL = (id: string) => `${FOLDERS_URL}/${encodeURIComponent(id)}`;
export const downloadURL = (id: string) => `${fileURL(id)}/download`;
export const previewURL = (id: string) => `${downloadURL(id)}?inline=1`;
export const versionURL = (id: string, version: string) =>
  `${fileURL(id)}/versions/${encodeURIComponent(version)}`;
