/** What can be done with some entries: the same for the menu of a row and for the bar over a selection. */
import { type Entry, isFile, isFolder } from '../../lib/entry';
import type { FileInfo } from '../../lib/types';
import { messages } from '../../messages/en';
import { who } from '../../ui/who.svelte';
import { take } from './clipboard';
import * as ops from './ops';
import type { FilesStore } from './store.svelte';

export type Deed = {
  label: string;
  /** The word where there is little room. */
  short: string;
  /** The name of its icon in icons.css. */
  icon: string;
  run: () => void;
  danger?: boolean;
  /** Only in the menu: the bar has room for the main ones. */
  minor?: boolean;
};

const words = messages.files.actions;

/** The files among those that the reader can share, or no longer, and that are not so already. */
function shareable(files: readonly FileInfo[], shared: boolean): string[] {
  return files.filter((file) => who.mayShare(file) && file.shared !== shared).map(({ id }) => id);
}

function trashDeeds(store: FilesStore, entries: readonly Entry[]): Deed[] {
  if (who.isGuest) return [];
  const restore = () => void ops.restoreEntries(store, entries);
  const destroy = () => void ops.deleteEntries(store, entries);
  return [
    { label: words.restore, short: words.restore, icon: 'restore', run: restore },
    { label: words.destroy, short: words.destroy, icon: 'trash', run: destroy, danger: true },
  ];
}

function looks(store: FilesStore, entries: readonly Entry[]): Deed[] {
  const [only] = entries.length === 1 ? entries : [];
  const deeds: Deed[] = [];
  if (only && isFolder(only)) {
    const open = () => void store.openFolder(only.id);
    deeds.push({
      label: words.openFolder,
      short: words.openFolder,
      icon: 'open',
      run: open,
      minor: true,
    });
  }
  if (only) {
    const details = () => (store.detailsID = only.id);
    deeds.push({ label: words.open, short: words.open, icon: 'details', run: details, minor: true });
  }
  if (entries.every(isFile)) {
    const run = () => ops.download(entries.map(({ id }) => id));
    deeds.push({ label: words.download, short: words.download, icon: 'download', run });
  }
  return deeds;
}

function sharing(store: FilesStore, files: readonly FileInfo[]): Deed[] {
  if (!who.amongPeople) return [];
  const deeds: Deed[] = [];
  const share = shareable(files, true);
  const unshare = shareable(files, false);
  if (share.length > 0)
    deeds.push({
      label: words.share,
      short: words.shareShort,
      icon: 'share',
      run: () => void ops.shareFiles(store, share, true),
    });
  if (unshare.length > 0)
    deeds.push({
      label: words.unshare,
      short: words.unshare,
      icon: 'private',
      run: () => void ops.shareFiles(store, unshare, false),
    });
  return deeds;
}

export function deedsFor(store: FilesStore, entries: readonly Entry[]): Deed[] {
  if (entries.length === 0) return [];
  if (store.inTrash) return trashDeeds(store, entries);
  if (who.isGuest) return looks(store, entries);
  const files = entries.filter(isFile);
  const target = (copy: boolean) => () => (store.dialog = { kind: 'target', entries: [...entries], copy });
  const deeds = [...looks(store, entries), ...sharing(store, files)];
  if (files.length === entries.length) {
    const tags = () => (store.dialog = { kind: 'tags', ids: files.map(({ id }) => id) });
    deeds.push({ label: words.tag, short: words.tag, icon: 'tag', run: tags });
  }
  const [only] = entries.length === 1 ? entries : [];
  if (only) {
    const rename = () => (store.dialog = { kind: 'rename', entry: only });
    deeds.push({ label: words.rename, short: words.rename, icon: 'rename', run: rename });
  }
  deeds.push(
    { label: words.move, short: words.moveShort, icon: 'move', run: target(false) },
    { label: words.copyTo, short: words.copyTo, icon: 'copy-to', run: target(true), minor: true },
    {
      label: words.cut,
      short: words.cut,
      icon: 'cut',
      run: () => take(store, entries, true),
      minor: true,
    },
    {
      label: words.copy,
      short: words.copy,
      icon: 'copy',
      run: () => take(store, entries, false),
      minor: true,
    },
    {
      label: words.remove,
      short: words.remove,
      icon: 'trash',
      run: () => void ops.deleteEntries(store, entries),
      danger: true,
    },
  );
  return deeds;
}
