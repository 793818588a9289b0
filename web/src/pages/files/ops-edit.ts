/** New folders, names and tags. Each throws when the server refuses, for the form to show. */
import { api, sentenceOf } from '../../lib/api';
import { type Entry, isFile, isFolder, nameOf } from '../../lib/entry';
import { visibleName } from '../../lib/filelist-names';
import type { ChangeTagsAnswer, FileInfo, Folder } from '../../lib/types';
import { type TagChange, tagsBack } from '../../lib/undo';
import { messages } from '../../messages/en';
import { filesMore } from '../../messages/en.files-more';
import { toast } from '../../ui/toasts.svelte';
import { chunks, offerUndo, unlessChanged } from './ops-shared';
import type { FilesStore } from './store.svelte';
import { FILES_URL, FOLDERS_URL, fileURL, folderURL } from './urls';

const words = messages.files;

/** Makes a folder in the one shown, and goes to its row. */
export async function makeFolder(store: FilesStore, name: string): Promise<void> {
  const made = await api.post<Folder>(FOLDERS_URL, { parent: store.target, name, on_conflict: 'fail' });
  store.insert(made);
  store.moveToEntry(made.id);
}

const freshFile = (id: string) => () => api.get<FileInfo>(`${fileURL(id)}/metadata`);
const freshFolder = (id: string) => () => api.get<Folder>(folderURL(id));

function patchName(entry: Entry, name: string, ifMatch = ''): Promise<Entry> {
  const on_conflict = 'fail';
  return isFolder(entry)
    ? api.patch<Folder>(folderURL(entry.id), { name, on_conflict }, { ifMatch })
    : api.patch<FileInfo>(fileURL(entry.id), { filename: name, on_conflict }, { ifMatch });
}

/** Renames a file or folder, and offers to undo it. */
export async function rename(store: FilesStore, entry: Entry, name: string): Promise<void> {
  const had = nameOf(entry);
  const act = async (now: Entry) => patchName(now, name, 'etag' in now ? now.etag : '');
  const fresh: () => Promise<Entry> = isFolder(entry) ? freshFolder(entry.id) : freshFile(entry.id);
  const renamed = await unlessChanged(store, entry, visibleName(had), fresh, act);
  if (!renamed) return;
  store.replace(renamed);
  offerUndo(filesMore.rename.done(visibleName(had), visibleName(name)), async () => {
    try {
      store.replace(await patchName(entry, had));
      toast(filesMore.rename.undone(visibleName(had)), { kind: 'ok' });
    } catch (problem) {
      toast(filesMore.move.backFailed(sentenceOf(problem)), { kind: 'error' });
    }
  });
}

/** Changes the tags of one file, as its details do. */
export async function setTags(store: FilesStore, file: FileInfo, change: TagChange): Promise<void> {
  const act = (now: FileInfo) => {
    // What somebody else added meanwhile stays; what is said here is only the difference.
    const kept = now.tags.filter((tag) => !change.remove.includes(tag));
    const next = [...new Set([...kept, ...change.add])];
    return api.patch<FileInfo>(fileURL(file.id), { tags: next }, { ifMatch: now.etag });
  };
  const changed = await unlessChanged(store, file, visibleName(file.filename), freshFile(file.id), act);
  if (!changed) return;
  store.replace(changed);
  offerUndo(words.tags.changed(1), () => tagBack(store, [file], change));
}

/** Adds and removes tags of many files. */
export async function changeTags(store: FilesStore, ids: string[], change: TagChange): Promise<void> {
  const before = store.entries(ids);
  let changed = 0;
  let missing = 0;
  for (const part of chunks(before.filter(isFile).map(({ id }) => id))) {
    const answer = await api.patch<ChangeTagsAnswer>(`${FILES_URL}/tags`, { ids: part, ...change });
    changed += answer.changed;
    missing += answer.missing.length;
    store.retag(new Set(part), change);
  }
  if (missing > 0) {
    toast(words.tags.gone(missing), { kind: 'error' });
    void store.refresh();
  }
  offerUndo(words.tags.changed(changed), () => tagBack(store, before, change));
}

async function tagBack(store: FilesStore, before: readonly Entry[], change: TagChange): Promise<void> {
  try {
    for (const { ids, add, remove } of tagsBack(before, change))
      for (const part of chunks(ids)) {
        await api.patch<ChangeTagsAnswer>(`${FILES_URL}/tags`, { ids: part, add, remove });
        store.retag(new Set(part), { add, remove });
      }
    toast(filesMore.tagsBack, { kind: 'ok' });
  } catch (problem) {
    toast(filesMore.move.backFailed(sentenceOf(problem)), { kind: 'error' });
  }
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
