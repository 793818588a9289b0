/** What the list of the files page can hold: files, folders, and things in the trash. */
import type { FileInfo, Folder, TrashItem } from './types';

export type Entry = FileInfo | Folder | TrashItem;
export type EntryKind = 'file' | 'folder';

export function isFolder(entry: Entry): entry is Folder {
  return 'parent_id' in entry;
}

export function isTrashed(entry: Entry): entry is TrashItem {
  return 'deleted_at' in entry;
}

export function isFile(entry: Entry): entry is FileInfo {
  return 'filename' in entry;
}

/** What an entry is, or was before it came into the trash. */
export function kindOf(entry: Entry): EntryKind {
  if (isTrashed(entry)) return entry.kind === 'folder' ? 'folder' : 'file';
  return isFolder(entry) ? 'folder' : 'file';
}

export function nameOf(entry: Entry): string {
  return isFile(entry) ? entry.filename : entry.name;
}

export function sizeOf(entry: Entry): number {
  return isFile(entry) ? entry.size : entry.bytes;
}

/** When it came: a file its upload, a folder its making, a thing in the trash its deletion. */
export function dateOf(entry: Entry): string {
  if (isFile(entry)) return entry.upload_date;
  return isFolder(entry) ? entry.created : entry.deleted_at;
}

export function tagsOf(entry: Entry): readonly string[] {
  return isFile(entry) ? entry.tags : [];
}

/** The ids of files and folders apart, as the API takes them. */
export function split(entries: readonly Entry[]): { files: string[]; folders: string[] } {
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) (kindOf(entry) === 'folder' ? folders : files).push(entry.id);
  return { files, folders };
}

/** What an entry is to be told to the server as, so that a change somebody else made meanwhile is noticed. */
export function stamped(entry: Entry): { id: string; if_match?: string } {
  const etag = 'etag' in entry ? entry.etag : '';
  return etag ? { id: entry.id, if_match: etag } : { id: entry.id };
}
