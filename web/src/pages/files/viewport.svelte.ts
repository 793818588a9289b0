/** Follows the window: how far the list is scrolled, and how high a row is. */
import { rowsPerPage, scrollToReveal } from '../../lib/windowing';

/** Rows as the style sheet has them, in rem: one line, or two where there is little width. */
const ROW_REM = 3.25;
const TWO_LINE_ROW_REM = 4.5;
/** Same width as the container query of the list. */
const NARROW_REM = 44;

export class Viewport {
  scrollTop = $state(0);
  height = $state(0);
  rowHeight = $state(ROW_REM * 16);
  narrow = $state(false);
  #rows: HTMLElement | undefined;

  /** Watches the element that holds the rows; returns how to stop. */
  watch(rows: HTMLElement): () => void {
    this.#rows = rows;
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
    this.rowHeight = (this.narrow ? TWO_LINE_ROW_REM : ROW_REM) * rem;
    this.scrollTop = -box.top;
    this.height = innerHeight;
  }

  /** Scrolls just so far that a row is clear of the sticky heads above and the bars below. */
  reveal(index: number, total: number): void {
    if (!this.#rows) return;
    this.#measure();
    const input = {
      total,
      rowHeight: this.rowHeight,
      scrollTop: this.scrollTop,
      viewportHeight: this.height,
    };
    const target = scrollToReveal(input, index, this.#covered('top'), this.#covered('bottom'));
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

  get rowsPerPage(): number {
    return rowsPerPage(this.height - this.#covered('top') - this.#covered('bottom'), this.rowHeight);
  }
}
