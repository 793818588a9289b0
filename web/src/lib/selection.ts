/**
 * Which files are selected, by id: the selection survives sorting, paging and rows that come and go.
 * The anchor is where a Shift range begins.
 */
export class Selection {
  #ids = new Set<string>();
  #anchor: string | null = null;

  get size(): number {
    return this.#ids.size;
  }
  get ids(): string[] {
    return [...this.#ids];
  }
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** The one selected file, if it is exactly one. */
  get single(): string | null {
    if (this.#ids.size !== 1) return null;
    for (const id of this.#ids) return id;
    return null;
  }

  toggle(id: string): void {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.#anchor = id;
  }

  only(id: string): void {
    this.#ids = new Set([id]);
    this.#anchor = id;
  }

  /**
   * Selects from the anchor to `id` in the order of the list. Without an anchor in the list the range is that one row.
   * What was selected outside the range stays when `keep` is set (a click on a checkbox), and goes otherwise (arrows).
   */
  range(id: string, order: readonly { id: string }[], keep = true): void {
    const to = order.findIndex((row) => row.id === id);
    if (to < 0) return;
    const anchored = this.#anchor === null ? -1 : order.findIndex((row) => row.id === this.#anchor);
    const from = anchored < 0 ? to : anchored;
    const ids = keep ? new Set(this.#ids) : new Set<string>();
    for (const row of order.slice(Math.min(from, to), Math.max(from, to) + 1)) ids.add(row.id);
    this.#ids = ids;
    if (anchored < 0) this.#anchor = id;
  }

  /** Sets where the next range begins, without selecting anything. */
  anchorAt(id: string): void {
    this.#anchor = id;
  }

  all(rows: Iterable<{ id: string }>): void {
    this.#ids = new Set();
    for (const row of rows) this.#ids.add(row.id);
  }

  /** Forgets files that are gone. */
  drop(ids: Iterable<string>): void {
    for (const id of ids) this.#ids.delete(id);
  }

  clear(): void {
    this.#ids = new Set();
    this.#anchor = null;
  }
}
