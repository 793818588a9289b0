/**
 * Which rows of a long list are in sight. Nothing here knows the DOM: numbers in, numbers out.
 * All rows are equally high. Browsers cap the height of an element (Firefox at about 17.8 million px), so a longer
 * list is squeezed into MAX_HEIGHT_PX: scrolling then moves faster than the finger, but every row can be reached.
 */

/** Below the smallest cap among the browsers, with room for a page's other content. */
export const MAX_HEIGHT_PX = 16_000_000;

/** Rows drawn beyond each edge, so that a scroll of one frame shows no gap; more would exceed 400 nodes on a page. */
export const OVERSCAN_ROWS = 1;

export interface WindowInput {
  /** Number of rows in the list. */
  total: number;
  rowHeight: number;
  /** How far the list's own top has been scrolled out of sight; negative while it is still below the edge. */
  scrollTop: number;
  viewportHeight: number;
}

export interface ListWindow {
  /** First row to draw, and the one after the last. */
  start: number;
  end: number;
  /** What is added to index * rowHeight to place a row inside the list. */
  shift: number;
  /** Height of the whole list. */
  height: number;
}

function scale(total: number, rowHeight: number, viewportHeight: number) {
  const full = total * rowHeight;
  const height = Math.min(full, Math.max(MAX_HEIGHT_PX, viewportHeight));
  const travel = Math.max(0, height - viewportHeight);
  const factor = full > height && travel > 0 ? (full - viewportHeight) / travel : 1;
  return { height, factor };
}

/** The rows to draw for a scroll position. */
export function visibleWindow({ total, rowHeight, scrollTop, viewportHeight }: WindowInput): ListWindow {
  if (total <= 0 || rowHeight <= 0) return { start: 0, end: 0, shift: 0, height: 0 };
  const { height, factor } = scale(total, rowHeight, viewportHeight);
  const physical = Math.max(0, Math.min(scrollTop, Math.max(0, height - viewportHeight)));
  const virtual = physical * factor;
  // A list whose top is still below the edge shows fewer rows than the viewport is high.
  const visibleHeight = Math.max(0, viewportHeight + Math.min(0, scrollTop));
  const start = Math.max(0, Math.floor(virtual / rowHeight) - OVERSCAN_ROWS);
  const end = Math.min(total, Math.ceil((virtual + visibleHeight) / rowHeight) + OVERSCAN_ROWS);
  return { start, end: Math.max(start, end), shift: physical - virtual, height };
}

/**
 * Where to scroll so that a row is wholly in sight below `topInset` (a sticky head) and above `bottomInset`;
 * the current position when it already is.
 */
export function scrollToReveal(input: WindowInput, index: number, topInset = 0, bottomInset = 0): number {
  const { total, rowHeight, scrollTop, viewportHeight } = input;
  const { height, factor } = scale(total, rowHeight, viewportHeight);
  const virtual = Math.max(0, scrollTop) * factor + Math.min(0, scrollTop);
  const top = index * rowHeight;
  let target = virtual;
  if (top < virtual + topInset) target = top - topInset;
  else if (top + rowHeight > virtual + viewportHeight - bottomInset)
    target = top + rowHeight - viewportHeight + bottomInset;
  if (target === virtual) return scrollTop;
  // The insets may ask for a place beyond either end: the page around the list has that room.
  if (target < 0) return target;
  return factor === 1 ? target : Math.min(target / factor, height);
}

/** How many whole rows PageUp and PageDown move. */
export function rowsPerPage(viewportHeight: number, rowHeight: number): number {
  return Math.max(1, Math.floor(viewportHeight / Math.max(1, rowHeight)) - 1);
}
