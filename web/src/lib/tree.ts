/** The shapes of folders, trash, versions and moves. */
import type { FileInfo } from './types';

export type FolderStep = { id: string; name: string };

export type Folder = {
  id: string;
  name: string;
  parent_id: string | null;
  owner: string;
  owner_name: string;
  files: number;
  bytes: number;
  folders: number;
  created: string;
  modified: string;
  revision: number;
  etag: string;
  /** From the root down to the folder itself. */
  path: FolderStep[];
};

export type Entries = {
  folders: Folder[];
  files: FileInfo[];
  total_folders: number;
  total_files: number;
  next_cursor?: string;
};

export type Usage = { folders: Folder[]; files_here: number; bytes_here: number };

/** What became of an item: `of` is the id that was named, `id` that of the copy, or of the file it replaced. */
export type Done = {
  id: string;
  of: string;
  kind: string;
  name: string;
  folder_id: string;
  from: string;
  replaced?: string;
};
export type Failed = { id: string; kind: string; status: number; detail: string; type: string };
export type Moved = { done: Done[]; failed: Failed[] };
export type OnConflict = 'keep' | 'rename' | 'replace' | 'fail';

export type TrashItem = {
  id: string;
  kind: string;
  item_id: string;
  name: string;
  path: string[];
  owner: string;
  files: number;
  bytes: number;
  deleted_at: string;
  deleted_by: string;
  deleted_by_name: string;
  expires_at: string | null;
};
export type Trash = { items: TrashItem[]; total: number; bytes: number; next_cursor?: string };
export type Restored = {
  restored: { id: string; kind: string; item_id: string; name: string; folder_id: string }[];
  failed: Failed[];
};

export type Version = {
  id: string;
  size: number;
  sha256: string;
  content_type: string;
  created: string;
  replaced: string;
  replaced_by: string;
  replaced_by_name: string;
  pinned: boolean;
};

export type Change = {
  cursor: string;
  type: string;
  kind: string;
  id: string;
  folder_id: string;
  name: string;
  at: string;
  by: string;
  by_name: string;
  revision: number;
};
