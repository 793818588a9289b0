/** Cut and copy within the page: what was taken waits until it is pasted somewhere. */
import type { Entry } from '../../lib/entry';
import { filesMore } from '../../messages/en.files-more';
import { toast } from '../../ui/toasts.svelte';
import type { FilesStore } from './store.svelte';

export function take(store: FilesStore, entries: readonly Entry[], cut: boolean): void {
  if (entries.length === 0 || store.inTrash) return;
  store.clipboard = { cut, entries: [...entries] };
  store.select((selection) => selection.clear());
  toast(cut ? filesMore.cut(entries.length) : filesMore.copied(entries.length));
}
