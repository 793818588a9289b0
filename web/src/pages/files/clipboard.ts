/** Cut and copy within the page: what was taken waits until it is pasted somewhere. */
import type { Entry } from '../../lib/entry';
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';
import type { FilesStore } from './store.svelte';

const words = messages.files.clipboard;

export function take(store: FilesStore, entries: readonly Entry[], cut: boolean): void {
  if (entries.length === 0 || store.inTrash) return;
  store.clipboard = { cut, entries: [...entries] };
  store.select((selection) => selection.clear());
  toast(cut ? words.wasCut(entries.length) : words.wasCopied(entries.length));
}
