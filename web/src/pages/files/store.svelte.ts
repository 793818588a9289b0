/** The state of the files page, in one place: the list, the selection, the row with the focus, and what is open. */
import { api, isAbort } from '../../lib/api';
import { type FetchPage, FileListing, type Removed } from '../../lib/filelist';
import {
  addressOf,
  DEFAULT_QUERY,
  type ListQuery,
  NATURAL_ORDER,
  queryFromAddress,
  type SortKey,
  type SortOrder,
} from '../../lib/filelist-query';
import { Selection } from '../../lib/selection';
import type { FileInfo, FileList, TagCount, TagList } from '../../lib/types';

export const FILES_URL = '/api/v1/files';

/** A pause in typing after which the search is sent. */
const SEARCH_DELAY_MS = 200;
/** Many uploads end close together; their tags are counted once. */
const TAGS_DELAY_MS = 600;

export type OpenDialog = { kind: 'rename'; file: FileInfo } | { kind: 'tags'; ids: string[] } | null;

const fetchPage: FetchPage = (query, page, signal) =>
  api.get<FileList>(`${FILES_URL}/list`, { query: { ...query, ...page }, signal });

export class FilesStore {
  /** What the search field holds; the list follows after a pause. */
  search = $state('');
  tags = $state.raw<TagCount[]>([]);
  dialog = $state.raw<OpenDialog>(null);
  detailsID = $state<string | null>(null);
  /** The row that has the grid's tab stop. */
  current = $state(0);
  /** Counts the requests to move the focus to the current row. */
  focusRequests = $state(0);
  revealing = true;

  #version = $state(0);
  #currentID: string | null = null;
  readonly #listing = new FileListing(fetchPage, () => this.#changed());
  readonly #selection = new Selection();
  #searchTimer: ReturnType<typeof setTimeout> | undefined;
  #tagsTimer: ReturnType<typeof setTimeout> | undefined;

  /** The folder that uploads go into. */
  readonly target = 'mine';

  start(): void {
    const query = queryFromAddress(location.search);
    this.search = query.q;
    void this.#listing.load(query);
    void this.#loadTags();
  }

  // The list and the selection are plain objects; reading the version makes a view follow them.
  get list(): FileListing {
    void this.#version;
    return this.#listing;
  }
  get rows(): readonly FileInfo[] {
    return this.list.rows;
  }
  get total(): number {
    return this.list.total;
  }
  get query(): ListQuery {
    return this.list.query;
  }
  get filtered(): boolean {
    return this.query.q !== '' || this.query.tag !== '';
  }
  get selectedCount(): number {
    void this.#version;
    return this.#selection.size;
  }
  get selectedIDs(): string[] {
    void this.#version;
    return this.#selection.ids;
  }
  isSelected(id: string): boolean {
    void this.#version;
    return this.#selection.has(id);
  }
  get details(): FileInfo | undefined {
    return this.detailsID === null ? undefined : this.list.find(this.detailsID);
  }

  /** Runs a change of the selection. */
  select(change: (selection: Selection, rows: readonly FileInfo[]) => void): void {
    change(this.#selection, this.#listing.rows);
    this.#version++;
  }

  /** What an action is meant for: the selection, or else the current row. */
  subjects(): string[] {
    if (this.#selection.size > 0) return this.#selection.ids;
    const row = this.#listing.rows[this.current];
    return row ? [row.id] : [];
  }

  moveTo(index: number): void {
    this.current = Math.max(0, Math.min(index, this.#listing.total - 1));
    this.#currentID = this.#listing.rows[this.current]?.id ?? null;
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

  typeSearch(text: string): void {
    this.search = text;
    clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => this.#ask({ q: text.trim() }), SEARCH_DELAY_MS);
  }

  filterTag(tag: string): void {
    this.#ask({ tag });
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
    void this.#loadTags();
  }

  refresh(): void {
    void this.#listing.refresh();
    this.tagsChanged();
  }

  insert(file: FileInfo): void {
    this.#listing.insert(file);
    this.tagsChanged();
  }

  replace(file: FileInfo): void {
    this.#listing.replace(file);
    this.tagsChanged();
  }

  retag(concerned: (file: FileInfo) => boolean, change: { add: string[]; remove: string[] }): void {
    this.#listing.retag(concerned, change);
    this.tagsChanged();
  }

  reshare(ids: ReadonlySet<string>, shared: boolean): void {
    this.#listing.update(
      (file) => ids.has(file.id),
      (file) => ({ ...file, shared }),
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

  restore(removed: Removed, ids: string[]): void {
    this.#listing.restore(removed, ids);
    this.tagsChanged();
  }

  tagsChanged(): void {
    clearTimeout(this.#tagsTimer);
    this.#tagsTimer = setTimeout(() => void this.#loadTags(), TAGS_DELAY_MS);
  }

  async #loadTags(): Promise<void> {
    try {
      this.tags = (await api.get<TagList>(`${FILES_URL}/tags`)).tags;
    } catch (problem) {
      // The filter then offers what it had; the list itself says what is wrong with the server.
      if (!isAbort(problem)) this.tags = [...this.tags];
    }
  }

  #ask(part: Partial<ListQuery>): void {
    clearTimeout(this.#searchTimer);
    const query = { ...DEFAULT_QUERY, ...this.query, ...part };
    history.replaceState(null, '', location.pathname + addressOf(query));
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
