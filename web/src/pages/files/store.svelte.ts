/** The state of the files page, in one place: where one is, the list, the selection, the row with the focus, and what is open. */
import { api, isAbort } from '../../lib/api';
import { type Entry, isFile, isFolder } from '../../lib/entry';
import { type FetchPage, FileListing, type Removed } from '../../lib/filelist';
import { type ListQuery, NATURAL_ORDER, type SortKey, type SortOrder } from '../../lib/filelist-query';
import { addressOf, defaultQuery, fromAddress, HOME, MINE, type Place, samePlace } from '../../lib/place';
import { Selection } from '../../lib/selection';
import type { Folder, Roots, TagCount, TagList } from '../../lib/types';
import type { OpenDialog } from './dialogs';
import { fetchEntries } from './fetch-entries';
import { keepLayout, type Layout, readLayout } from './layout';
import { folderAddress } from './names';
import { FILES_URL, FOLDERS_URL, folderURL } from './urls';

/** A pause in typing after which the search is sent. */
const SEARCH_DELAY_MS = 200;
/** Many uploads end close together; their tags are counted once. */
const TAGS_DELAY_MS = 600;
/** What Ctrl+C or Ctrl+X took; it stays while one goes from folder to folder. */
export type Clipboard = { cut: boolean; entries: readonly Entry[] } | null;
type Visit = { id: string | null; top: number };

export class FilesStore {
  place = $state.raw<Place>(HOME);
  /** The folder shown, as soon as the server has told of it. */
  folder = $state.raw<Folder | null>(null);
  /** The trees one may see. */
  roots = $state.raw<readonly Folder[]>([]);
  /** What the search field holds; the list follows after a pause. */
  search = $state('');
  tags = $state.raw<TagCount[]>([]);
  dialog = $state.raw<OpenDialog>(null);
  detailsID = $state<string | null>(null);
  layout = $state<Layout>(readLayout());
  clipboard = $state.raw<Clipboard>(null);
  /** What is being dragged within the page. */
  dragged = $state.raw<readonly Entry[]>([]);
  /** The row that has the grid's tab stop. */
  current = $state(0);
  /** Counts the requests to move the focus to the current row. */
  focusRequests = $state(0);
  revealing = true;

  #version = $state(0);
  #currentID: string | null = null;
  readonly #listing = new FileListing(
    (...question) => this.#fetch(...question),
    () => this.#changed(),
  );
  readonly #selection = new Selection();
  #folderCount = 0;
  /** What is selected, as it was when it was: a list that is read anew has fewer rows for a while. */
  readonly #picked = new Map<string, Entry>();
  readonly #visits = new Map<string, Visit>();
  #searchTimer: ReturnType<typeof setTimeout> | undefined;
  #tagsTimer: ReturnType<typeof setTimeout> | undefined;

  /** Shows what the address says, and follows Back and Forward; returns how to stop. */
  start(): () => void {
    const { place, query } = fromAddress(location.search);
    history.scrollRestoration = 'manual';
    void this.#enter(place, query);
    void this.loadRoots();
    void this.#loadTags();
    const back = () => {
      this.#leave();
      const address = fromAddress(location.search);
      void this.#enter(address.place, address.query, this.#visits.get(location.search));
    };
    addEventListener('popstate', back);
    return () => removeEventListener('popstate', back);
  }

  // The list and the selection are plain objects; reading the version makes a view follow them.
  get list(): FileListing {
    void this.#version;
    return this.#listing;
  }
  get rows(): readonly Entry[] {
    return this.list.rows;
  }
  get total(): number {
    return this.list.total;
  }
  /** How many of all are folders: they come first, and are counted as far as they are here. */
  get folderCount(): number {
    if (!this.inFolder) return 0;
    const at = this.rows.findIndex((row) => !isFolder(row));
    if (at >= 0) return at;
    return this.rows.length < this.total ? this.#folderCount : this.rows.length;
  }
  get query(): ListQuery {
    return this.list.query;
  }
  get filtered(): boolean {
    return this.query.q !== '' || this.query.tag !== '';
  }
  get inTrash(): boolean {
    return this.place.view === 'trash';
  }
  get inFolder(): boolean {
    return this.place.view === 'folder';
  }
  get selectedCount(): number {
    void this.#version;
    return this.#selection.size;
  }
  get selectedIDs(): string[] {
    void this.#version;
    return this.#selection.ids;
  }
  get selected(): Entry[] {
    return this.entries(this.selectedIDs);
  }
  isSelected(id: string): boolean {
    void this.#version;
    return this.#selection.has(id);
  }
  get details(): Entry | undefined {
    return this.detailsID === null ? undefined : this.list.find(this.detailsID);
  }
  /** The id of the folder that uploads and new folders go into. */
  get target(): string {
    return 'folder' in this.place ? (this.folder?.id ?? this.place.folder) : MINE;
  }

  /** The entries of these ids, as they are shown; what is selected is known also while its row is not here. */
  entries(ids: Iterable<string>): Entry[] {
    const wanted = new Set(ids);
    if (wanted.size === 0) return [];
    const found = this.rows.filter(({ id }) => wanted.delete(id));
    for (const id of wanted) {
      const picked = this.#picked.get(id);
      if (picked) found.push(picked);
    }
    return found;
  }

  /** Runs a change of the selection. */
  select(change: (selection: Selection, rows: readonly Entry[]) => void): void {
    change(this.#selection, this.#listing.rows);
    if (this.#selection.size === 0) this.#picked.clear();
    else for (const row of this.#listing.rows) if (this.#selection.has(row.id)) this.#picked.set(row.id, row);
    this.#version++;
  }

  /** What is gone is no longer selected. */
  forget(ids: Iterable<string>): void {
    this.#selection.drop(ids);
    this.#version++;
  }

  /** What an action is meant for: the selection, or else the current row; nothing while the rows are not those of the place. */
  subjects(): Entry[] {
    if (this.#listing.state !== 'ready' || this.#listing.stale || this.place.view === 'usage') return [];
    if (this.#selection.size > 0) return this.selected;
    const row = this.#listing.rows[this.current];
    return row ? [row] : [];
  }

  moveTo(index: number): void {
    this.current = Math.max(0, Math.min(index, this.#listing.total - 1));
    this.#currentID = this.#listing.rows[this.current]?.id ?? null;
  }

  /** Moves to an entry if it is among the rows. */
  moveToEntry(id: string): void {
    const at = this.#listing.rows.findIndex((row) => row.id === id);
    if (at >= 0) this.moveTo(at);
  }

  /** Moves the focus to the current row; without `reveal` the page is not scrolled for it. */
  focusCurrent(reveal = true): void {
    this.revealing = reveal;
    this.focusRequests++;
  }

  /** A dialog that is taken away gives the focus to nobody: the list takes it. */
  closeDialog(): void {
    this.dialog = null;
    this.focusCurrent(false);
  }

  /** Goes somewhere else, with Back leading here again. */
  async go(place: Place, focus?: string): Promise<void> {
    if (samePlace(place, this.place) && !this.filtered) {
      this.focusCurrent(false);
      return;
    }
    const query = defaultQuery(place);
    this.#leave();
    history.pushState(null, '', location.pathname + addressOf(place, query));
    await this.#enter(place, query, { id: focus ?? null, top: 0 });
  }

  /** Goes somewhere else instead of here: Back does not lead here. */
  replacePlace(place: Place): void {
    history.replaceState(null, '', location.pathname + addressOf(place));
    void this.#enter(place, defaultQuery(place));
  }

  openFolder(id: string): Promise<void> {
    return this.go({ view: 'folder', folder: id });
  }

  /** The folder above, with the focus on the one that was left. */
  async up(): Promise<void> {
    const here = this.folder;
    if (this.place.view === 'folder' && here?.parent_id)
      await this.go({ view: 'folder', folder: folderAddress(here.parent_id) }, here.id);
  }

  setLayout(layout: Layout): void {
    this.layout = layout;
    keepLayout(layout);
  }

  typeSearch(text: string): void {
    this.search = text;
    clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => this.#ask({ q: text.trim() }), SEARCH_DELAY_MS);
  }

  filterTag(tag: string): void {
    if (this.place.view === 'all') {
      this.#ask({ tag });
      return;
    }
    const place: Place = { view: 'all' };
    const query = { ...defaultQuery(place), tag };
    this.#leave();
    history.pushState(null, '', location.pathname + addressOf(place, query));
    void this.#enter(place, query);
  }

  clearFilters(): void {
    this.search = '';
    this.#ask({ q: '', tag: '' });
  }

  /** Sorts by a column; the same column again turns the order round. */
  sortBy(sort: SortKey): void {
    const { sort: now, order } = this.query;
    const turned: SortOrder = order === 'asc' ? 'desc' : 'asc';
    this.sortAs(sort, sort === now ? turned : NATURAL_ORDER[sort]);
  }

  sortAs(sort: SortKey, order: SortOrder): void {
    this.#ask({ sort, order });
  }

  retry(): void {
    void this.#listing.load(this.query);
    void this.#loadFolder();
    void this.loadRoots();
    void this.#loadTags();
  }

  /** Asks again for what is shown, without taking it away. */
  async refresh(): Promise<void> {
    this.tagsChanged();
    await Promise.all([
      this.place.view === 'usage' ? undefined : this.#listing.refresh(),
      this.#loadFolder(),
    ]);
  }

  /** The folder shown was itself renamed, moved or taken away, or one above it. */
  hereChanged(): void {
    void this.#loadFolder();
    if (this.place.view !== 'usage') void this.#listing.load(this.query);
  }

  /** Shows a new row if it belongs to what is shown. */
  insert(entry: Entry): void {
    const { place } = this;
    const belongs =
      place.view === 'all'
        ? isFile(entry)
        : place.view === 'folder' &&
          (isFolder(entry) ? entry.parent_id : isFile(entry) && entry.folder_id) === this.folder?.id;
    if (belongs) this.#listing.insert(entry);
    this.tagsChanged();
  }

  replace(entry: Entry): void {
    this.#listing.replace(entry);
    this.tagsChanged();
  }

  retag(ids: ReadonlySet<string>, change: { add: string[]; remove: string[] }): void {
    this.#listing.retag(({ id }) => ids.has(id), change);
    this.tagsChanged();
  }

  reshare(ids: ReadonlySet<string>, shared: boolean): void {
    this.#listing.update(
      (row) => ids.has(row.id),
      (row) => (isFile(row) ? { ...row, shared, etag: '' } : row),
    );
  }

  remove(ids: string[]): Removed {
    this.#selection.drop(ids);
    if (this.detailsID !== null && ids.includes(this.detailsID)) this.detailsID = null;
    const gone = new Set(ids);
    // If the row with the focus goes, too, the one now in its place takes it, and the list stays where it is.
    if (this.#currentID !== null && gone.has(this.#currentID))
      this.current -= this.rows.slice(0, this.current).filter((row) => gone.has(row.id)).length;
    const removed = this.#listing.remove(ids);
    this.tagsChanged();
    this.focusCurrent(false);
    return removed;
  }

  settle(ids: Iterable<string>): void {
    this.#listing.settle(ids);
  }

  restore(removed: Removed, ids: string[]): void {
    this.#listing.restore(removed, ids);
    this.tagsChanged();
  }

  tagsChanged(): void {
    clearTimeout(this.#tagsTimer);
    this.#tagsTimer = setTimeout(() => void this.#loadTags(), TAGS_DELAY_MS);
  }

  async loadRoots(): Promise<void> {
    try {
      this.roots = (await api.get<Roots>(FOLDERS_URL)).roots;
    } catch {
      // The places then offer what they had; the list itself says what is wrong with the server.
    }
  }

  readonly #fetch: FetchPage = async (...question) => {
    const page = await fetchEntries(this.place, ...question);
    this.#folderCount = page.folders;
    return page;
  };

  async #loadFolder(): Promise<void> {
    const { place } = this;
    if (!('folder' in place)) return;
    try {
      const folder = await api.get<Folder>(folderURL(place.folder));
      if (samePlace(place, this.place)) this.folder = folder;
    } catch {
      // The list says what is wrong.
    }
  }

  async #loadTags(): Promise<void> {
    try {
      this.tags = (await api.get<TagList>(`${FILES_URL}/tags`)).tags;
    } catch (problem) {
      // The filter then offers what it had; the list itself says what is wrong with the server.
      if (!isAbort(problem)) this.tags = [...this.tags];
    }
  }

  /** Remembers where one was, for coming back. */
  #leave(): void {
    this.#visits.set(addressOf(this.place, this.query), { id: this.#currentID, top: scrollY });
  }

  async #enter(place: Place, query: ListQuery, visit?: Visit): Promise<void> {
    clearTimeout(this.#searchTimer);
    const moved = !samePlace(place, this.place);
    this.place = place;
    this.search = query.q;
    this.#selection.clear();
    if (moved) {
      this.detailsID = null;
      if (!('folder' in place) || this.folder?.id !== place.folder) this.folder = this.#known(place);
    }
    void this.#loadFolder();
    if (place.view === 'usage') {
      this.#listing.clear();
      this.#changed();
      return;
    }
    await this.#listing.load(query);
    // Somebody may have gone on, and come back here, too: that visit then says where.
    if (this.place !== place) return;
    this.moveTo(0);
    if (visit?.id) this.moveToEntry(visit.id);
    scrollTo({ top: visit?.top ?? 0, behavior: 'instant' });
    if (visit) this.focusCurrent(visit.id !== null && visit.top === 0);
  }

  /** A folder whose row was just seen is known before the server is asked. */
  #known(place: Place): Folder | null {
    if (!('folder' in place)) return null;
    const row = this.#listing.find(place.folder);
    return row && isFolder(row) && row.path.length > 0 ? row : null;
  }

  #ask(part: Partial<ListQuery>): void {
    clearTimeout(this.#searchTimer);
    const query = { ...this.query, ...part };
    history.replaceState(null, '', location.pathname + addressOf(this.place, query));
    this.#selection.clear();
    this.moveTo(0);
    void this.#listing.load(query);
    scrollTo({ top: 0 });
  }

  #changed(): void {
    this.#version++;
    const rows = this.#listing.rows;
    if (this.#currentID === null || rows[this.current]?.id !== this.#currentID) {
      const found = this.#currentID === null ? -1 : rows.findIndex((row) => row.id === this.#currentID);
      this.moveTo(found >= 0 ? found : this.current);
    }
  }
}
