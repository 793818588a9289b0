/** Follows the window: how far the list is scrolled, how high a row is, and how many entries stand in one. */
import { rowsPerPage, scrollToReveal } from '../../lib/windowing';
import type { Layout } from './layout';

/** Rows as the style sheet has them, in rem: one line, or two where there is little width; and tiles. */
const ROW_REM = 3.25;
const TWO_LINE_ROW_REM = 4.5;
const TILE_WIDTH_REM = 11.5;
const TILE_HEIGHT_REM = 11;
/** Two tiles beside each other fit on every phone. */
const NARROW_TILE_WIDTH_REM = 9;
/** Same width as the container query of the list. */
const NARROW_REM = 44;

export class Viewport {
  scrollTop = $state(0);
  height = $state(0);
  rowHeight = $state(ROW_REM * 16);
  narrow = $state(false);
  /** Entries beside each other. */
  columns = $state(1);
  width = $state(0);
  #rows: HTMLElement | undefined;
  #layout: Layout = 'list';

  /** Watches the element that holds the rows; returns how to stop. */
  watch(rows: HTMLElement, layout: Layout): () => void {
    this.#rows = rows;
    this.#layout = layout;
    const measure = () => this.#measure();
    const observer = new ResizeObserver(measure);
    observer.observe(rows);
    addEventListener('scroll', measure, { passive: true });
    addEventListener('resize', measure);
    measure();
    return () => {
      observer.disconnect();
      removeEventListener('scroll', measure);
      removeEventListener('resize', measure);
    };
  }

  #measure(): void {
    if (!this.#rows) return;
    const box = this.#rows.getBoundingClientRect();
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    this.narrow = box.width <= NARROW_REM * rem;
    this.width = box.width;
    const tile = (this.narrow ? NARROW_TILE_WIDTH_REM : TILE_WIDTH_REM) * rem;
    const tiles = this.#layout === 'tiles';
    this.columns = tiles ? Math.max(1, Math.floor(box.width / tile)) : 1;
    this.rowHeight = (tiles ? TILE_HEIGHT_REM : this.narrow ? TWO_LINE_ROW_REM : ROW_REM) * rem;
    this.scrollTop = -box.top;
    this.height = innerHeight;
  }

  /** Scrolls just so far that an entry is clear of the sticky heads above and the bars below. */
  reveal(index: number, total: number): void {
    if (!this.#rows) return;
    this.#measure();
    const input = {
      total: Math.ceil(total / this.columns),
      rowHeight: this.rowHeight,
      scrollTop: this.scrollTop,
      viewportHeight: this.height,
    };
    const row = Math.floor(index / this.columns);
    const target = scrollToReveal(input, row, this.#covered('top'), this.#covered('bottom'));
    if (target !== this.scrollTop) scrollBy({ top: target - this.scrollTop, behavior: 'instant' });
    this.#measure();
  }

  /** How much of the window sticky and fixed parts cover: both say so as scroll-padding. */
  #covered(side: 'top' | 'bottom'): number {
    const style = getComputedStyle(document.documentElement);
    if (side === 'bottom') return Number.parseFloat(style.scrollPaddingBottom) || 0;
    let covered = 0;
    for (const part of document.querySelectorAll<HTMLElement>('[data-sticky]'))
      if (getComputedStyle(part).position === 'sticky') covered += part.offsetHeight;
    return covered;
  }

  /** How many entries PageUp and PageDown move. */
  get rowsPerPage(): number {
    const clear = this.height - this.#covered('top') - this.#covered('bottom');
    return rowsPerPage(clear, this.rowHeight) * this.columns;
  }
}
