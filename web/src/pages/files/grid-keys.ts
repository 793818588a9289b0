/** What the keys do inside the grid of files. */

import { isFolder, isTrashed, nameOf } from '../../lib/entry';
import { TypeAhead } from '../../lib/filelist-typeahead';
import { singleKeysOff } from '../../lib/keys';
import type { FilesStore } from './store.svelte';
import type { Viewport } from './viewport.svelte';

/** Letters that are shortcuts of the page, and so begin no name. */
const RESERVED = 'ugn/?';

export class GridKeys {
  readonly #typeAhead = new TypeAhead();
  readonly #store: FilesStore;
  readonly #viewport: Viewport;

  constructor(store: FilesStore, viewport: Viewport) {
    this.#store = store;
    this.#viewport = viewport;
  }

  press(event: KeyboardEvent): void {
    // Rows of a place that was left are only there until the new ones come.
    if (event.defaultPrevented || event.altKey || this.#store.list.stale) return;
    const onRow = event.target instanceof HTMLElement && event.target.role === 'row';
    const handled = this.#move(event) || (onRow && this.#act(event));
    if (handled || event.ctrlKey || event.metaKey) this.#typeAhead.reset();
    if (handled || (onRow && this.#type(event))) event.preventDefault();
  }

  #move(event: KeyboardEvent): boolean {
    const store = this.#store;
    const { columns, rowsPerPage } = this.#viewport;
    const steps: Record<string, number> = {
      ArrowDown: columns,
      ArrowUp: -columns,
      ...(columns > 1 ? { ArrowRight: 1, ArrowLeft: -1 } : {}),
      PageDown: rowsPerPage,
      PageUp: -rowsPerPage,
      Home: -store.total,
      End: store.total,
    };
    const step = event.ctrlKey || event.metaKey ? undefined : steps[event.key];
    if (step === undefined) return this.#sideways(event);
    const from = store.rows[store.current];
    store.moveTo(store.current + step);
    const to = store.rows[store.current];
    if (event.shiftKey && to) {
      store.select((selection, rows) => {
        if (selection.size === 0 && from) selection.anchorAt(from.id);
        selection.range(to.id, rows, false);
      });
    } else if (to && store.selectedCount === 0) {
      store.select((selection) => selection.anchorAt(to.id));
    }
    store.focusCurrent();
    return true;
  }

  /** Left and right walk through the controls of a row. */
  #sideways(event: KeyboardEvent): boolean {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return false;
    const row = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[role=row]') : null;
    if (!row) return false;
    const stops = [row, ...row.querySelectorAll<HTMLElement>('a, button')];
    const at = stops.indexOf(event.target as HTMLElement);
    stops[at + (event.key === 'ArrowRight' ? 1 : -1)]?.focus();
    return true;
  }

  #act(event: KeyboardEvent): boolean {
    const store = this.#store;
    const row = store.rows[store.current];
    if (!row) return false;
    if (event.key === ' ') {
      store.select((selection, rows) => {
        if (event.shiftKey) selection.range(row.id, rows);
        else selection.toggle(row.id);
      });
      return true;
    }
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      if (isFolder(row)) void store.openFolder(row.id);
      else if (isTrashed(row)) store.select((selection) => selection.toggle(row.id));
      else store.detailsID = row.id;
      return true;
    }
    return false;
  }

  #type(event: KeyboardEvent): boolean {
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey) return false;
    const store = this.#store;
    const reserved = singleKeysOff() ? '' : RESERVED;
    const names = store.rows.map(nameOf);
    const found = this.#typeAhead.press(event.key, event.timeStamp, names, store.current, reserved);
    if (found === undefined) return false;
    if (found !== null) {
      store.moveTo(found);
      store.focusCurrent();
    }
    return true;
  }
}
