/** One page of the rows of a place: each place has its own way to ask for them. */
import { api } from '../../lib/api';
import type { FetchPage, Page } from '../../lib/filelist';
import type { Place } from '../../lib/place';
import type { Entries, FileList, Trash } from '../../lib/types';
import { FILES_URL, folderURL, TRASH_URL } from './urls';

/** How many of all rows are folders is known for a folder only. */
export type EntriesPage = Page & { folders: number };

export async function fetchEntries(
  place: Place,
  ...[query, page, signal]: Parameters<FetchPage>
): Promise<EntriesPage> {
  if (place.view === 'trash') {
    const { items, total, next_cursor } = await api.get<Trash>(TRASH_URL, { query: page, signal });
    return { rows: items, total, next_cursor, folders: 0 };
  }
  const { tag, ...rest } = query;
  if (place.view === 'all') {
    const answer = await api.get<FileList>(`${FILES_URL}/list`, { query: { ...rest, tag, ...page }, signal });
    return { rows: answer.files, total: answer.total, next_cursor: answer.next_cursor, folders: 0 };
  }
  const url = `${folderURL(place.folder)}/entries`;
  const answer = await api.get<Entries>(url, { query: { ...rest, ...page }, signal });
  return {
    rows: [...answer.folders, ...answer.files],
    total: answer.total_folders + answer.total_files,
    next_cursor: answer.next_cursor,
    folders: answer.total_folders,
  };
}
