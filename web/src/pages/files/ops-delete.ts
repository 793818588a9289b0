/** Into the trash, out of it again, and out of the house for good. */
import { ApiError, api, sentenceOf } from '../../lib/api';
import { type Entry, isTrashed, nameOf, split } from '../../lib/entry';
import type { Removed } from '../../lib/filelist';
import { visibleName } from '../../lib/filelist-names';
import type { DeleteManyAnswer, Failed, Restored } from '../../lib/types';
import { messages } from '../../messages/en';
import { filesMore } from '../../messages/en.files-more';
import { toast } from '../../ui/toasts.svelte';
import { ask, chunks, offerUndo, parcels } from './ops-shared';
import type { FilesStore } from './store.svelte';
import { FILES_URL, TRASH_URL } from './urls';

const words = messages.files.remove;
const more = filesMore.trash;

/** Whether the server asks for a second word, and which. */
function secondWord(problem: unknown): string {
  return problem instanceof ApiError && problem.status === 409 ? problem.confirm : '';
}

/** Hides the rows, moves them into the trash, and offers to undo it. What the server did not take comes back. */
export async function deleteEntries(store: FilesStore, entries: readonly Entry[]): Promise<void> {
  if (entries.length === 0) return;
  if (store.inTrash) return destroy(store, entries);
  const { files, folders } = split(entries);
  const removed = store.remove([...files, ...folders]);
  const trash: string[] = [];
  const parts = parcels(files, folders);
  let done = 0;
  for (let part = parts.shift(); part; part = parts.shift()) {
    const ids = [...part.files, ...part.folders];
    try {
      const answer = await trashOne(store, { ids: part.files, folders: part.folders });
      if (answer) {
        trash.push(...answer.trash);
        done += ids.length;
        store.settle(ids);
        continue;
      }
    } catch (problem) {
      toast(words.failed(sentenceOf(problem)), { kind: 'error' });
    }
    store.restore(removed, [...ids, ...parts.flatMap((one) => [...one.files, ...one.folders])]);
    break;
  }
  if (done === 0) return;
  const only = entries.length === 1 ? entries[0] : undefined;
  const text = only ? words.one(visibleName(nameOf(only))) : more.deleted(done);
  offerUndo(text, () => undoDelete(store, removed, trash));
}

/** One request; asks for the second word if the server wants it. Undefined if it was not given. */
async function trashOne(
  store: FilesStore,
  body: { ids: string[]; folders: string[] },
): Promise<DeleteManyAnswer | undefined> {
  try {
    return await api.post<DeleteManyAnswer>(`${FILES_URL}/delete`, body);
  } catch (problem) {
    const count = secondWord(problem);
    if (count === '') throw problem;
    const yes = await ask<boolean>(store, (answer) => ({
      kind: 'confirm',
      title: more.massTitle(Number(count)),
      text: more.massText(sentenceOf(problem)),
      action: more.massAction(Number(count)),
      typed: '',
      answer,
    }));
    return yes ? api.post<DeleteManyAnswer>(`${FILES_URL}/delete`, { ...body, confirm: count }) : undefined;
  }
}

async function undoDelete(store: FilesStore, removed: Removed, trash: readonly string[]): Promise<void> {
  try {
    const { restored, failed } = await restoreAll(trash);
    store.restore(
      removed,
      restored.map(({ item_id }) => item_id),
    );
    sayRestored(restored.length, failed);
  } catch (problem) {
    toast(words.restoreFailed(sentenceOf(problem)), {
      kind: 'error',
      action: { label: messages.errors.tryAgain, run: () => void undoDelete(store, removed, trash) },
    });
  }
  await store.refresh();
}

async function restoreAll(ids: readonly string[]): Promise<Restored> {
  const all: Restored = { restored: [], failed: [] };
  for (const part of chunks(ids)) {
    const answer = await api.post<Restored>(`${TRASH_URL}/restore`, { ids: part, on_conflict: 'rename' });
    all.restored.push(...answer.restored);
    all.failed.push(...answer.failed);
  }
  return all;
}

function sayRestored(count: number, failed: readonly Failed[]): void {
  const [first] = failed;
  if (first) toast(more.notRestored(failed.length, first.detail), { kind: 'error' });
  else if (count > 0) toast(more.restored(count), { kind: 'ok' });
}

/** Puts things of the trash back where they were. */
export async function restoreEntries(store: FilesStore, entries: readonly Entry[]): Promise<void> {
  const ids = entries.filter(isTrashed).map(({ id }) => id);
  if (ids.length === 0) return;
  const removed = store.remove(ids);
  try {
    const { restored, failed } = await restoreAll(ids);
    store.settle(restored.map(({ id }) => id));
    store.restore(
      removed,
      failed.map(({ id }) => id),
    );
    sayRestored(restored.length, failed);
  } catch (problem) {
    store.restore(removed, ids);
    toast(words.restoreFailed(sentenceOf(problem)), { kind: 'error' });
  }
}

/** Takes things out of the trash for good, after a question. */
async function destroy(store: FilesStore, entries: readonly Entry[]): Promise<void> {
  const trashed = entries.filter(isTrashed);
  if (trashed.length === 0) return;
  const files = trashed.reduce((sum, one) => sum + one.files, 0);
  const [only] = trashed.length === 1 ? trashed : [];
  const yes = await ask<boolean>(store, (answer) => ({
    kind: 'confirm',
    title: only ? more.destroyOneTitle(visibleName(only.name)) : more.destroyTitle(trashed.length),
    text: more.destroyText(files),
    action: more.destroyAction,
    typed: '',
    answer,
  }));
  if (!yes) return;
  const ids = trashed.map(({ id }) => id);
  const removed = store.remove(ids);
  const open = chunks(ids);
  try {
    for (let part = open[0]; part; part = open[0]) {
      await confirmed(store, `${TRASH_URL}/delete`, { ids: part });
      store.settle(part);
      open.shift();
    }
    toast(more.destroyed(trashed.length), { kind: 'ok' });
  } catch (problem) {
    store.restore(removed, open.flat());
    if (problem !== NOT_CONFIRMED) toast(words.failed(sentenceOf(problem)), { kind: 'error' });
  }
}

const NOT_CONFIRMED = new Error('not confirmed');

/** A request that cannot be undone: what concerns many files has to be typed. */
async function confirmed(store: FilesStore, url: string, body: object): Promise<void> {
  try {
    await api.post(url, body);
  } catch (problem) {
    const count = secondWord(problem);
    if (count === '') throw problem;
    const yes = await ask<boolean>(store, (answer) => ({
      kind: 'confirm',
      title: more.destroyManyTitle(Number(count)),
      text: more.destroyText(Number(count)),
      action: more.destroyAction,
      typed: count,
      answer,
    }));
    if (!yes) throw NOT_CONFIRMED;
    await api.post(url, { ...body, confirm: count });
  }
}

/** Empties the trash for good, after a question. */
export async function emptyTrash(store: FilesStore): Promise<void> {
  const yes = await ask<boolean>(store, (answer) => ({
    kind: 'confirm',
    title: more.emptyTitle,
    text: more.emptyText(store.total),
    action: more.empty,
    typed: '',
    answer,
  }));
  if (!yes) return;
  try {
    await confirmed(store, `${TRASH_URL}/empty`, {});
    toast(more.emptied, { kind: 'ok' });
  } catch (problem) {
    if (problem !== NOT_CONFIRMED) toast(words.failed(sentenceOf(problem)), { kind: 'error' });
  }
  await store.refresh();
}
