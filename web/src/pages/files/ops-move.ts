/** Moving and copying, with the choices for names that are taken, and the way back. */
import { ApiError, api, EXISTS, sentenceOf } from '../../lib/api';
import { type Entry, kindOf, nameOf, stamped } from '../../lib/entry';
import { visibleName } from '../../lib/filelist-names';
import type { Done, Failed, Moved, OnConflict, Restored, Trash, Versions } from '../../lib/types';
import { merged, movesBack, namesBack } from '../../lib/undo';
import { filesMore } from '../../messages/en.files-more';
import { toast } from '../../ui/toasts.svelte';
import { who } from '../../ui/who.svelte';
import type { Choices } from './dialogs';
import { folderName } from './names';
import { ask, offerUndo, parcels } from './ops-shared';
import type { FilesStore } from './store.svelte';
import { FILES_URL, fileURL, folderURL, TRASH_URL, versionURL } from './urls';

type Verb = 'move' | 'copy';
type Item = { id: string; if_match?: string };
/** Where things go, and how that is called. */
export type Target = { id: string; name: string; owner?: string };

const words = filesMore.move;

async function send(
  verb: Verb,
  to: string,
  files: Item[],
  folders: Item[],
  conflict: OnConflict,
): Promise<Moved> {
  const all: Moved = { done: [], failed: [] };
  for (const part of parcels(files, folders)) {
    const answer = await api.post<Moved>(`${FILES_URL}/${verb}`, { ...part, to, on_conflict: conflict });
    all.done.push(...answer.done);
    all.failed.push(...answer.failed);
  }
  return all;
}

function apart(entries: readonly Entry[]): { files: Item[]; folders: Item[] } {
  const items = (kind: string) => entries.filter((one) => kindOf(one) === kind).map(stamped);
  return { files: items('file'), folders: items('folder') };
}

/** Sends everything; asks about taken names until there are none left, and tells what became of each. */
async function sendAll(store: FilesStore, verb: Verb, entries: readonly Entry[], to: string): Promise<Moved> {
  const { files, folders } = apart(entries);
  // A copy beside its original needs another name, and nobody has to be asked for it.
  const beside = verb === 'copy' && to === store.folder?.id;
  const result = await send(verb, to, files, folders, beside ? 'rename' : 'fail');
  const taken = result.failed.filter(({ type }) => type === EXISTS);
  if (taken.length === 0) return result;
  const names = new Map(entries.map((one) => [one.id, nameOf(one)]));
  const choices = await ask<Choices | null>(store, (answer) => ({
    kind: 'conflicts',
    failed: taken,
    names,
    answer,
  }));
  result.failed = result.failed.filter(({ type }) => type !== EXISTS);
  for (const conflict of ['rename', 'replace'] as const) {
    const chosen = entries.filter(({ id }) => choices?.get(id) === conflict);
    if (chosen.length === 0) continue;
    const part = apart(chosen);
    const answer = await send(verb, to, part.files, part.folders, conflict);
    result.done.push(...answer.done);
    result.failed.push(...answer.failed);
  }
  return result;
}

function sayFailed(verb: Verb, failed: readonly Failed[]): void {
  const [first] = failed;
  if (first) toast(words.failed(verb, failed.length, first.detail), { kind: 'error' });
}

function done(verb: Verb, entries: readonly Entry[], count: number, to: Target): string {
  const [only] = entries.length === 1 ? entries : [];
  return only ? words.doneOne(verb, visibleName(nameOf(only)), to.name) : words.done(verb, count, to.name);
}

/** Moves files and folders into another folder, and offers to undo it. */
export async function moveEntries(store: FilesStore, entries: readonly Entry[], to: Target): Promise<void> {
  const here = store.inFolder ? store.folder?.id : undefined;
  const moving = entries.filter(({ id }) => id !== to.id);
  if (moving.length === 0 || to.id === here) return;
  // In the flat list files stay where they are seen.
  const removed = here === undefined ? undefined : store.remove(moving.map(({ id }) => id));
  let moved: Done[] = [];
  try {
    const result = await sendAll(store, 'move', moving, to.id);
    moved = result.done;
    sayFailed('move', result.failed);
  } catch (problem) {
    toast(words.failed('move', moving.length, sentenceOf(problem)), { kind: 'error' });
  }
  const gone = new Set(moved.map(({ of }) => of));
  if (removed) {
    store.settle(gone);
    store.restore(
      removed,
      moving.filter(({ id }) => !gone.has(id)).map(({ id }) => id),
    );
  }
  void store.refresh();
  if (moved.length > 0) tellMoved(store, moving, moved, to);
}

/** Says what was moved, and offers to undo it; what a member gave away only administrators can take back. */
function tellMoved(store: FilesStore, before: readonly Entry[], moved: readonly Done[], to: Target): void {
  const text = done('move', before, moved.length, to);
  const given = to.owner !== undefined && before.some(({ owner }) => owner !== to.owner);
  if (given && !who.isAdministrator) toast(text, { kind: 'ok' });
  else offerUndo(text, () => moveBack(store, before, moved));
}

/** Leads everything back to where it came from, under the name it had. */
async function moveBack(store: FilesStore, before: readonly Entry[], moved: readonly Done[]): Promise<void> {
  const failed: Failed[] = [];
  let back = 0;
  try {
    for (const { to, files, folders } of movesBack(moved)) {
      const answer = await send('move', to, files, folders, 'rename');
      failed.push(...answer.failed);
      back += answer.done.length;
    }
    for (const { id, kind, name } of namesBack(moved, before))
      if (kind === 'folder') await api.patch(folderURL(id), { name, on_conflict: 'rename' });
      else await api.patch(fileURL(id), { filename: name });
    back += await unmerge(moved);
    if (failed.length === 0) toast(words.back(back), { kind: 'ok' });
    sayFailed('move', failed);
  } catch (problem) {
    toast(words.backFailed(sentenceOf(problem)), { kind: 'error' });
  }
  await store.refresh();
}

/** Gives back what was replaced: the version that a file was before, and what went to the trash for it. */
async function unmerge(moved: readonly Done[]): Promise<number> {
  const replacing = moved.filter(({ replaced }) => replaced !== undefined);
  if (replacing.length === 0) return 0;
  const times = new Map<string, number>();
  for (const { id } of replacing.filter(merged)) times.set(id, (times.get(id) ?? 0) + 1);
  for (const [id, count] of times) {
    const { versions } = await api.get<Versions>(`${fileURL(id)}/versions`);
    // Several files of one name replaced it one after the other: it goes back behind all of them.
    const before = versions[count - 1];
    if (before) await api.post(`${versionURL(id, before.id)}/restore`);
  }
  const wanted = new Set(replacing.map((one) => (merged(one) ? one.of : one.replaced)));
  // What was just replaced is what came into the trash last.
  const { items } = await api.get<Trash>(TRASH_URL, { query: { limit: 1_000 } });
  const ids = items.filter(({ item_id }) => wanted.has(item_id)).map(({ id }) => id);
  if (ids.length > 0) await api.post<Restored>(`${TRASH_URL}/restore`, { ids, on_conflict: 'rename' });
  return replacing.filter(merged).length;
}

/** Copies files and folders, without copying their bytes. */
export async function copyEntries(store: FilesStore, entries: readonly Entry[], to: Target): Promise<void> {
  if (entries.length === 0) return;
  try {
    const result = await sendAll(store, 'copy', entries, to.id);
    sayFailed('copy', result.failed);
    await store.refresh();
    const [first] = result.done;
    if (!first) return;
    store.moveToEntry(first.id);
    store.focusCurrent();
    offerUndo(done('copy', entries, result.done.length, to), () => uncopy(store, result.done));
  } catch (problem) {
    toast(words.failed('copy', entries.length, sentenceOf(problem)), { kind: 'error' });
  }
}

/** Copies of many files are many files: the second word was given by asking for the undo. */
async function takeAway(body: { ids: string[]; folders: string[] }): Promise<void> {
  try {
    await api.post(`${FILES_URL}/delete`, body);
  } catch (problem) {
    if (!(problem instanceof ApiError) || problem.confirm === '') throw problem;
    await api.post(`${FILES_URL}/delete`, { ...body, confirm: problem.confirm });
  }
}

async function uncopy(store: FilesStore, copies: readonly Done[]): Promise<void> {
  const ids = copies.filter((one) => one.kind !== 'folder' && !merged(one)).map(({ id }) => id);
  const folders = copies.filter(({ kind }) => kind === 'folder').map(({ id }) => id);
  try {
    for (const part of parcels(ids, folders)) await takeAway({ ids: part.files, folders: part.folders });
    await unmerge(copies);
    toast(words.uncopied(copies.length), { kind: 'ok' });
  } catch (problem) {
    toast(words.backFailed(sentenceOf(problem)), { kind: 'error' });
  }
  await store.refresh();
}

/** Takes what is cut or copied into the folder one is in. */
export async function paste(store: FilesStore): Promise<void> {
  const { clipboard, folder } = store;
  if (!clipboard || !store.inFolder || !folder) {
    toast(clipboard ? words.noFolder : words.nothingToPaste);
    return;
  }
  const target = { id: folder.id, name: folderName(folder), owner: folder.owner };
  if (clipboard.cut) {
    store.clipboard = null;
    await pasteMoved(store, clipboard.entries, target);
  } else await copyEntries(store, clipboard.entries, target);
}

/** What was cut in another folder is not among the rows here. */
async function pasteMoved(store: FilesStore, entries: readonly Entry[], to: Target): Promise<void> {
  const there = new Set(store.rows.map(({ id }) => id));
  const moving = entries.filter(({ id }) => !there.has(id) && id !== to.id);
  if (moving.length === 0) return;
  try {
    const result = await sendAll(store, 'move', moving, to.id);
    sayFailed('move', result.failed);
    await store.refresh();
    const [first] = result.done;
    if (!first) return;
    store.moveToEntry(first.id);
    store.focusCurrent();
    tellMoved(store, moving, result.done, to);
  } catch (problem) {
    toast(words.failed('move', moving.length, sentenceOf(problem)), { kind: 'error' });
  }
}
