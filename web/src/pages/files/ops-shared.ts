/** What all work on files needs: requests of a size the server takes, undo, and the answers to what may be asked. */
import { ApiError, CHANGED } from '../../lib/api';
import type { Entry } from '../../lib/entry';
import { messages } from '../../messages/en';
import { filesMore } from '../../messages/en.files-more';
import { toast } from '../../ui/toasts.svelte';
import type { OpenDialog } from './dialogs';
import type { FilesStore } from './store.svelte';

/** What the server takes in one request. */
const IDS_PER_REQUEST = 1_000;
/** Long enough to see it; Ctrl+Z undoes the last one even later. */
const UNDO_SECONDS = 12;

export function chunks<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let from = 0; from < items.length; from += IDS_PER_REQUEST)
    parts.push(items.slice(from, from + IDS_PER_REQUEST));
  return parts;
}

/** Files and folders in requests of at most so many of each as the server takes. */
export function parcels<T>(files: readonly T[], folders: readonly T[]): { files: T[]; folders: T[] }[] {
  const [left, right] = [chunks(files), chunks(folders)];
  return Array.from({ length: Math.max(left.length, right.length) }, (_, at) => ({
    files: left[at] ?? [],
    folders: right[at] ?? [],
  }));
}

let lastUndo: (() => void) | undefined;

/** Says what was done, and offers to undo it: by the button, or by Ctrl+Z. */
export function offerUndo(text: string, undo: () => Promise<void>): void {
  const once = () => {
    if (lastUndo === once) lastUndo = undefined;
    void undo();
  };
  lastUndo = once;
  toast(text, { kind: 'ok', seconds: UNDO_SECONDS, action: { label: messages.toast.undo, run: once } });
}

export function undoLast(): void {
  if (lastUndo) lastUndo();
  else toast(filesMore.nothingToUndo);
}

/** Opens a dialog and waits for its answer. */
export function ask<T>(store: FilesStore, make: (answer: (value: T) => void) => OpenDialog): Promise<T> {
  return new Promise((resolve) => {
    store.dialog = make((value) => {
      store.closeDialog();
      resolve(value);
    });
  });
}

/**
 * Does something with an entry as it was seen; if somebody changed it meanwhile, asks whether both changes should stay.
 * `fresh` then fetches it as it is now.
 */
export async function unlessChanged<T extends Entry, R>(
  store: FilesStore,
  entry: T,
  name: string,
  fresh: () => Promise<T>,
  act: (entry: T) => Promise<R>,
): Promise<R | undefined> {
  try {
    return await act(entry);
  } catch (problem) {
    if (!(problem instanceof ApiError && problem.status === 412 && problem.type === CHANGED)) throw problem;
    const both = await ask<boolean>(store, (answer) => ({ kind: 'changed', name, answer }));
    const now = await fresh();
    store.replace(now);
    if (!both) return undefined;
    return act(now);
  }
}
