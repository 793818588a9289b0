/** What can be done with some entries: the same for the menu of a row and for the bar over a selection. */
import ArchiveRestore from '@lucide/svelte/icons/archive-restore';
import ClipboardCopy from '@lucide/svelte/icons/clipboard-copy';
import Copy from '@lucide/svelte/icons/copy';
import Download from '@lucide/svelte/icons/download';
import FolderInput from '@lucide/svelte/icons/folder-input';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import Info from '@lucide/svelte/icons/info';
import Lock from '@lucide/svelte/icons/lock';
import Pencil from '@lucide/svelte/icons/pencil';
import Scissors from '@lucide/svelte/icons/scissors';
import Tag from '@lucide/svelte/icons/tag';
import Trash from '@lucide/svelte/icons/trash-2';
import Share from '@lucide/svelte/icons/users-round';
import type { Component } from 'svelte';
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
  icon: Component<{ size?: number; 'aria-hidden'?: 'true' }>;
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
    { label: words.restore, short: words.restore, icon: ArchiveRestore, run: restore },
    { label: words.destroy, short: words.destroy, icon: Trash, run: destroy, danger: true },
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
      icon: FolderOpen,
      run: open,
      minor: true,
    });
  }
  if (only) {
    const details = () => (store.detailsID = only.id);
    deeds.push({ label: words.open, short: words.open, icon: Info, run: details, minor: true });
  }
  if (entries.every(isFile)) {
    const run = () => ops.download(entries.map(({ id }) => id));
    deeds.push({ label: words.download, short: words.download, icon: Download, run });
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
      icon: Share,
      run: () => void ops.shareFiles(store, share, true),
    });
  if (unshare.length > 0)
    deeds.push({
      label: words.unshare,
      short: words.unshare,
      icon: Lock,
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
    deeds.push({ label: words.tag, short: words.tag, icon: Tag, run: tags });
  }
  const [only] = entries.length === 1 ? entries : [];
  if (only) {
    const rename = () => (store.dialog = { kind: 'rename', entry: only });
    deeds.push({ label: words.rename, short: words.rename, icon: Pencil, run: rename });
  }
  deeds.push(
    { label: words.move, short: words.moveShort, icon: FolderInput, run: target(false) },
    { label: words.copyTo, short: words.copyTo, icon: Copy, run: target(true), minor: true },
    {
      label: words.cut,
      short: words.cut,
      icon: Scissors,
      run: () => take(store, entries, true),
      minor: true,
    },
    {
      label: words.copy,
      short: words.copy,
      icon: ClipboardCopy,
      run: () => take(store, entries, false),
      minor: true,
    },
    {
      label: words.remove,
      short: words.remove,
      icon: Trash,
      run: () => void ops.deleteEntries(store, entries),
      danger: true,
    },
  );
  return deeds;
}
