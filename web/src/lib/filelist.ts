/**
 * The list of files and folders as far as it has been fetched: pages by cursor, one after the other, and changes made
 * here (new uploads, deletions, their undo) without asking for everything again. `rows` is replaced, never changed in
 * place.
 */
import { type Entry, isFile } from './entry';
import { DEFAULT_QUERY, type ListQuery, matches, position } from './filelist-query';

export type Page = { rows: Entry[]; total: number; next_cursor?: string | undefined };

export type FetchPage = (
  query: ListQuery,
  page: { cursor: string | undefined; limit: number },
  signal: AbortSignal,
) => Promise<Page>;

/** One screen and what follows; small, so that the first rows come at once. */
export const PAGE_ROWS = 100;
/** For a jump far down, where a hundred small pages would take a hundred round trips. The server allows no more. */
export const LONG_PAGE_ROWS = 1_000;
/** Fetched ahead of the rows in sight. */
export const AHEAD_ROWS = 60;

export type ListState = 'loading' | 'ready' | 'failed';

/** What `remove` took out, for putting it back. */
export type Removed = { generation: number; entries: { row: Entry; after: string | null }[] };

export class FileListing {
  rows: readonly Entry[] = [];
  total = 0;
  state: ListState = 'loading';
  /** Why the first page, or a later one, did not come. */
  problem: unknown = null;
  moreProblem: unknown = null;
  query: ListQuery = DEFAULT_QUERY;
  /** The rows are those of an older query: the new ones are on their way. */
  stale = false;

  readonly #fetch: FetchPage;
  readonly #onChange: () => void;
  #cursor: string | undefined;
  #ids = new Set<string>();
  /** Taken away here: a page that was on its way must not bring them back. True once the server has done it, too. */
  readonly #hidden = new Map<string, boolean>();
  #request: AbortController | null = null;
  /** The newest question for a first page. */
  #asked: Promise<void> = Promise.resolve();
  #generation = 0;
  #target = 0;
  #fetchingMore = false;

  constructor(fetch: FetchPage, onChange: () => void) {
    this.#fetch = fetch;
    this.#onChange = onChange;
  }

  get complete(): boolean {
    return this.state === 'ready' && this.#cursor === undefined;
  }

  /**
   * Asks for a query's first page; an older question is dropped, and ends when the one does that took its place: whoever
   * waits for it looks for rows. The old rows stay until the new ones are there.
   */
  async load(query: ListQuery): Promise<void> {
    this.query = query;
    this.stale = this.rows.length > 0;
    this.state = 'loading';
    this.problem = null;
    await this.#begin(PAGE_ROWS);
  }

  /** Asks again for what is shown, without taking it away meanwhile; if nothing comes, what is shown stays. */
  async refresh(): Promise<void> {
    if (this.state !== 'ready') return this.load(this.query);
    await this.#begin(this.rows.length > PAGE_ROWS ? LONG_PAGE_ROWS : PAGE_ROWS, true);
  }

  /** Forgets everything, for another place whose rows have nothing to do with these. */
  clear(): void {
    this.#request?.abort();
    this.#asked = Promise.resolve();
    this.rows = [];
    this.#ids = new Set();
    this.total = 0;
    this.#cursor = undefined;
    this.#target = 0;
  }

  #begin(limit: number, quiet = false): Promise<void> {
    this.#asked = this.#ask(limit, quiet);
    return this.#asked;
  }

  async #ask(limit: number, quiet: boolean): Promise<void> {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    this.#generation++;
    for (const [id, done] of this.#hidden) if (done) this.#hidden.delete(id);
    this.#fetchingMore = false;
    this.moreProblem = null;
    this.#onChange();
    try {
      const page = await this.#fetch(this.query, { cursor: undefined, limit }, request.signal);
      if (request.signal.aborted) return this.#asked;
      this.#ids = new Set();
      const known = new Map(this.rows.map((row) => [row.id, row]));
      this.rows = this.#fresh(page.rows).map((row) => newer(row, known.get(row.id)));
      this.#pageArrived(page);
      this.#target = Math.min(this.#target, this.rows.length - 1);
    } catch (problem) {
      if (request.signal.aborted) return this.#asked;
      if (quiet) return;
      this.state = 'failed';
      this.problem = problem;
    }
    this.stale = false;
    this.#onChange();
  }

  /** Says which row is needed last; pages are fetched until it is there, or another is needed. */
  need(index: number): void {
    this.#target = Math.min(index + AHEAD_ROWS, this.total - 1);
    if (!this.moreProblem) void this.#fetchMore();
  }

  /** Tries a later page again that failed. */
  retryMore(): void {
    this.moreProblem = null;
    this.#onChange();
    void this.#fetchMore();
  }

  async #fetchMore(): Promise<void> {
    if (this.#fetchingMore || this.state !== 'ready' || this.stale) return;
    const request = this.#request;
    if (!request) return;
    this.#fetchingMore = true;
    while (this.#cursor !== undefined && this.#target >= this.rows.length) {
      const far = this.#target - this.rows.length > 3 * PAGE_ROWS;
      const limit = far ? LONG_PAGE_ROWS : PAGE_ROWS;
      try {
        const page = await this.#fetch(this.query, { cursor: this.#cursor, limit }, request.signal);
        if (request.signal.aborted) return;
        this.rows = this.rows.concat(this.#fresh(page.rows));
        this.#pageArrived(page);
      } catch (problem) {
        if (request.signal.aborted) return;
        this.moreProblem = problem;
        break;
      } finally {
        if (!request.signal.aborted) this.#onChange();
      }
    }
    this.#fetchingMore = false;
  }

  #fresh(rows: Entry[]): Entry[] {
    const fresh = rows.filter(({ id }) => !this.#ids.has(id) && !this.#hidden.has(id));
    for (const { id } of fresh) this.#ids.add(id);
    return fresh;
  }

  #pageArrived(page: Page): void {
    this.#cursor = page.next_cursor || undefined;
    this.total = this.#cursor === undefined ? this.rows.length : Math.max(page.total, this.rows.length);
    this.state = 'ready';
  }

  /** Puts a new file where it belongs; beyond the fetched rows it will come with its page. */
  insert(file: Entry): void {
    if (this.state !== 'ready' || this.stale || this.#ids.has(file.id) || !matches(file, this.query)) return;
    const at = position(this.rows, file, this.query);
    this.total++;
    if (at < this.rows.length || this.#cursor === undefined) {
      this.rows = [...this.rows.slice(0, at), file, ...this.rows.slice(at)];
      this.#ids.add(file.id);
    }
    this.#onChange();
  }

  /** Shows a changed file in its place, even when the new name would sort elsewhere: it must not jump away under the hand. */
  replace(file: Entry): void {
    this.rows = this.rows.map((row) => (row.id === file.id ? file : row));
    this.#onChange();
  }

  /** Shows added and removed tags as the server does: the removed go, the added follow, none twice. */
  retag(concerned: (row: Entry) => boolean, change: { add: string[]; remove: string[] }): void {
    this.update(concerned, (row) => {
      if (!isFile(row)) return row;
      const kept = row.tags.filter((tag) => !change.remove.includes(tag));
      // What the file's new etag is, only the server knows.
      return { ...row, etag: '', tags: [...new Set([...kept, ...change.add])] };
    });
  }

  /** Shows some rows as they are now. */
  update(concerned: (row: Entry) => boolean, now: (row: Entry) => Entry): void {
    this.rows = this.rows.map((row) => (concerned(row) ? now(row) : row));
    this.#onChange();
  }

  find(id: string): Entry | undefined {
    return this.rows.find((row) => row.id === id);
  }

  remove(ids: Iterable<string>): Removed {
    const gone = new Set(ids);
    const removed: Removed = { generation: this.#generation, entries: [] };
    this.rows.forEach((row, index) => {
      if (gone.has(row.id)) removed.entries.push({ row, after: this.rows[index - 1]?.id ?? null });
    });
    for (const id of gone) {
      this.#hidden.set(id, false);
      this.#ids.delete(id);
    }
    this.rows = this.rows.filter((row) => !gone.has(row.id));
    this.total = Math.max(this.rows.length, this.total - removed.entries.length);
    this.#onChange();
    return removed;
  }

  /** Says that the server has taken these away as well: what a later page brings of them is true again. */
  settle(ids: Iterable<string>): void {
    for (const id of ids) if (this.#hidden.has(id)) this.#hidden.set(id, true);
  }

  /** Puts rows back behind the neighbours they had; in another list than they came from, where they sort. */
  restore(removed: Removed, ids: Iterable<string>): void {
    const back = new Set(ids);
    for (const id of back) this.#hidden.delete(id);
    const entries = removed.entries.filter(({ row }) => back.has(row.id) && !this.#ids.has(row.id));
    if (removed.generation !== this.#generation) {
      for (const { row } of entries) this.insert(row);
      return;
    }
    const followers = new Map<string | null, Entry[]>();
    const present = new Set(this.#ids);
    const lost: Entry[] = [];
    for (const { row, after } of entries) {
      if (after !== null && !present.has(after)) {
        lost.push(row);
        continue;
      }
      followers.set(after, [...(followers.get(after) ?? []), row]);
      present.add(row.id);
    }
    const rows: Entry[] = [];
    const put = (row: Entry) => {
      for (const open = [row]; open.length > 0; ) {
        const next = open.shift() as Entry;
        rows.push(next);
        open.unshift(...(followers.get(next.id) ?? []));
      }
    };
    for (const row of followers.get(null) ?? []) put(row);
    for (const row of this.rows) put(row);
    this.rows = rows;
    this.total += entries.length - lost.length;
    for (const { row } of entries) if (present.has(row.id)) this.#ids.add(row.id);
    this.#onChange();
    for (const row of lost) this.insert(row);
  }
}

/** A page that was on its way while something was changed here must not bring back what it was before. */
function newer(row: Entry, known: Entry | undefined): Entry {
  return known && 'revision' in known && 'revision' in row && known.revision > row.revision ? known : row;
}
