/** What can be done with files. Each action changes the page at once, and takes it back with a sentence if the server refuses. */
import { api, sentenceOf } from '../../lib/api';
import type { Removed } from '../../lib/filelist';
import { visibleName } from '../../lib/filelist-names';
import type { ChangeTagsAnswer, DeleteManyAnswer, FileInfo, RestoreManyAnswer } from '../../lib/types';
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';
import { who } from '../../ui/who.svelte';
import { submitArchive } from './archive';
import { FILES_URL, type FilesStore } from './store.svelte';

/** What the server takes in one request. */
const IDS_PER_REQUEST = 1_000;
const MAX_ARCHIVE_FILES = 10_000;
/** The server keeps deleted files for 60 s; the offer ends well before. */
const UNDO_SECONDS = 10;

const words = messages.files;

export const downloadURL = (id: string) => `${FILES_URL}/${encodeURIComponent(id)}/download`;
export const previewURL = (id: string) => `${downloadURL(id)}?inline=1`;

function chunks(ids: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let from = 0; from < ids.length; from += IDS_PER_REQUEST)
    parts.push(ids.slice(from, from + IDS_PER_REQUEST));
  return parts;
}

/** Hides the rows, deletes on the server, and offers to undo it. Parts the server did not delete come back. */
export async function deleteFiles(store: FilesStore, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const only = ids.length === 1 ? store.list.find(ids[0] as string) : undefined;
  const removed = store.remove(ids);
  const deleted: string[] = [];
  const parts = chunks(ids);
  try {
    for (let part = parts.shift(); part; part = parts.shift()) {
      try {
        deleted.push(...(await api.post<DeleteManyAnswer>(`${FILES_URL}/delete`, { ids: part })).deleted);
      } catch (problem) {
        parts.unshift(part);
        throw problem;
      }
    }
  } catch (problem) {
    store.restore(removed, parts.flat());
    toast(words.remove.failed(sentenceOf(problem)), { kind: 'error' });
  }
  if (deleted.length === 0) return;
  const text = only ? words.remove.one(visibleName(only.filename)) : words.remove.many(deleted.length);
  toast(text, {
    seconds: UNDO_SECONDS,
    action: { label: messages.toast.undo, run: () => void undoDelete(store, removed, deleted) },
  });
}

async function undoDelete(store: FilesStore, removed: Removed, ids: string[]): Promise<void> {
  let missing = 0;
  const restored: string[] = [];
  try {
    for (const part of chunks(ids)) {
      const answer = await api.post<RestoreManyAnswer>(`${FILES_URL}/restore`, { ids: part });
      restored.push(...answer.restored);
      missing += answer.missing.length;
    }
  } catch (problem) {
    toast(words.remove.restoreFailed(sentenceOf(problem)), {
      kind: 'error',
      action: {
        label: messages.errors.tryAgain,
        run: () => void undoDelete(store, removed, ids),
      },
    });
  }
  store.restore(removed, restored);
  if (missing > 0) toast(words.remove.restoreGone(missing), { kind: 'error' });
  else if (restored.length > 0) toast(words.remove.restored(restored.length), { kind: 'ok' });
}

/** Changes name or tags of one file; throws when the server refuses, for the form to show. */
export async function changeFile(
  store: FilesStore,
  id: string,
  change: { filename?: string; tags?: string[] },
): Promise<FileInfo> {
  const file = await api.patch<FileInfo>(`${FILES_URL}/${encodeURIComponent(id)}`, change);
  store.replace(file);
  return file;
}

/** Adds and removes tags of many files; throws when the server refuses. */
export async function changeTags(
  store: FilesStore,
  ids: string[],
  change: { add: string[]; remove: string[] },
): Promise<void> {
  let changed = 0;
  let missing = 0;
  for (const part of chunks(ids)) {
    const answer = await api.patch<ChangeTagsAnswer>(`${FILES_URL}/tags`, { ids: part, ...change });
    changed += answer.changed;
    missing += answer.missing.length;
    const touched = new Set(part);
    store.retag((file) => touched.has(file.id), change);
  }
  if (missing > 0) {
    toast(words.tags.gone(missing), { kind: 'error' });
    store.refresh();
  }
  toast(words.tags.changed(changed), { kind: 'ok' });
}

/** The files among those that the reader can share, or no longer, and that are not so already. */
export function shareable(files: readonly FileInfo[], shared: boolean): string[] {
  return files.filter((file) => who.mayShare(file) && file.shared !== shared).map(({ id }) => id);
}

/** Shares files with the household, or no longer; says how it went. */
export async function shareFiles(store: FilesStore, ids: string[], shared: boolean): Promise<void> {
  let changed = 0;
  try {
    for (const part of chunks(ids)) {
      changed += (await api.patch<ChangeTagsAnswer>(`${FILES_URL}/share`, { ids: part, shared })).changed;
      store.reshare(new Set(part), shared);
    }
  } catch (problem) {
    toast(words.sharing.failed(sentenceOf(problem)), { kind: 'error' });
  }
  if (changed > 0)
    toast(shared ? words.sharing.shared(changed) : words.sharing.unshared(changed), { kind: 'ok' });
}

/** Starts the browser's own download: one file as it is, several as one archive. */
export function download(ids: string[]): void {
  const [first] = ids;
  if (first === undefined) return;
  if (ids.length === 1) {
    const link = document.createElement('a');
    link.href = downloadURL(first);
    link.download = '';
    link.click();
    return;
  }
  if (ids.length > MAX_ARCHIVE_FILES) {
    toast(words.archive.tooMany, { kind: 'error' });
    return;
  }
  submitArchive(`${FILES_URL}/archive`, ids);
  toast(words.archive.started(ids.length));
}
