/** Keeps the page as the house is: what others change, and what this page changed itself, shows by itself. */
import { ApiError, api } from '../../lib/api';
import { ChangeFeed } from '../../lib/changes';
import { isFolder } from '../../lib/entry';
import type { Change } from '../../lib/types';
import type { FilesStore } from './store.svelte';
import { FILES_URL } from './urls';

const EVENTS_URL = '/api/v1/events';
/** What happens in the folder shown is shown at once, but no more often than this. */
const SOON_MS = 1_000;
/** What happens further down only changes sizes. */
const DEEP_MS = 5_000;
/** A place so old that the server forgot what came after it. */
const GONE = 410;

const OUT = new Set(['trashed', 'removed']);
const IN_AND_OUT = new Set(['trashed', 'restored', 'removed', 'moved']);

export type Concern = 'none' | 'sizes' | 'rows' | 'here';

/** What a change means for what is shown. */
export function concernOf(store: FilesStore, change: Change): Concern {
  const { place, folder } = store;
  if (change.kind === 'folder' && folder?.path.some(({ id }) => id === change.id)) return 'here';
  // A folder that comes or goes takes its files along.
  if (place.view === 'all') return change.kind === 'file' || IN_AND_OUT.has(change.type) ? 'rows' : 'none';
  if (place.view === 'trash') return IN_AND_OUT.has(change.type) ? 'rows' : 'none';
  if (place.view === 'usage') return 'rows';
  if (change.folder_id === folder?.id || store.list.find(change.id)) return 'rows';
  return store.rows.some(isFolder) ? 'sizes' : 'none';
}

/** Watches until the returned function is called. */
export function watchChanges(store: FilesStore): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = Number.POSITIVE_INFINITY;
  let last = 0;

  function refreshWithin(pause: number) {
    const at = Math.max(Date.now(), last + pause);
    if (at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => void refresh(), at - Date.now());
  }

  async function refresh() {
    due = Number.POSITIVE_INFINITY;
    const began = Date.now();
    await store.refresh();
    // A server, or a line, that takes long to answer is asked less often.
    last = Date.now() + (Date.now() - began) * 2;
  }

  const feed = new ChangeFeed({
    url: EVENTS_URL,
    onChanges: (changes) => {
      store.forget(changes.filter(({ type }) => OUT.has(type)).map(({ id }) => id));
      const concerns = new Set(changes.map((change) => concernOf(store, change)));
      if (changes.some(({ kind, folder_id }) => kind === 'folder' && folder_id === ''))
        void store.loadRoots();
      if (concerns.has('here')) store.hereChanged();
      else if (concerns.has('rows')) refreshWithin(SOON_MS);
      else if (concerns.has('sizes')) refreshWithin(DEEP_MS);
    },
    onGap: () => refreshWithin(0),
    knows: async (since) => {
      try {
        await api.get(`${FILES_URL}/changes`, { query: { since, limit: 1 } });
        return true;
      } catch (problem) {
        if (problem instanceof ApiError && problem.status === GONE) return false;
        throw problem;
      }
    },
  });
  feed.start();
  return () => {
    clearTimeout(timer);
    feed.stop();
  };
}
