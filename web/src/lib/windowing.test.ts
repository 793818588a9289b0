import { describe, expect, it } from 'vitest';
import { MAX_HEIGHT_PX, OVERSCAN_ROWS, rowsPerPage, scrollToReveal, visibleWindow } from './windowing';

const base = { total: 100_000, rowHeight: 50, scrollTop: 0, viewportHeight: 900 };

describe('visibleWindow', () => {
  it('draws only what is in sight, and a little more', () => {
    expect(visibleWindow(base)).toEqual({ start: 0, end: 18 + OVERSCAN_ROWS, shift: 0, height: 5_000_000 });
    const middle = visibleWindow({ ...base, scrollTop: 250_010 });
    expect(middle.start).toBe(5_000 - OVERSCAN_ROWS);
    expect(middle.end).toBe(5_019 + OVERSCAN_ROWS);
  });

  it('draws fewer rows while the list begins below the edge', () => {
    expect(visibleWindow({ ...base, scrollTop: -400 }).end).toBe(10 + OVERSCAN_ROWS);
    expect(visibleWindow({ ...base, scrollTop: -2_000 }).end).toBe(OVERSCAN_ROWS);
  });

  it('stays inside the list when it has shrunk under the scroll position', () => {
    const got = visibleWindow({ ...base, total: 30, scrollTop: 100_000 });
    expect(got.end).toBe(30);
    expect(got.start).toBe(12 - OVERSCAN_ROWS);
  });

  it('is empty for an empty list', () => {
    expect(visibleWindow({ ...base, total: 0 })).toEqual({ start: 0, end: 0, shift: 0, height: 0 });
  });

  it('reaches the last row of a list higher than browsers allow', () => {
    const long = { ...base, total: 1_000_000 };
    const { height } = visibleWindow(long);
    expect(height).toBe(MAX_HEIGHT_PX);
    const end = visibleWindow({ ...long, scrollTop: height - 900 });
    expect(end.end).toBe(1_000_000);
    // The last row ends exactly at the end of the list.
    expect(end.shift + 1_000_000 * 50).toBeCloseTo(height, 3);
  });
});

describe('scrollToReveal', () => {
  it('leaves a row alone that is in sight', () => {
    expect(scrollToReveal({ ...base, scrollTop: 1_000 }, 25)).toBe(1_000);
  });
  it('scrolls no further than needed, either way', () => {
    expect(scrollToReveal({ ...base, scrollTop: 1_000 }, 10)).toBe(500);
    expect(scrollToReveal({ ...base, scrollTop: 1_000 }, 10, 100)).toBe(400);
    expect(scrollToReveal({ ...base, scrollTop: 0 }, 40)).toBe(1_150);
    expect(scrollToReveal({ ...base, scrollTop: 0 }, 40, 0, 60)).toBe(1_210);
  });
  it('finds a row in a squeezed list', () => {
    const long = { ...base, total: 1_000_000 };
    const target = scrollToReveal(long, 900_000);
    const seen = visibleWindow({ ...long, scrollTop: target });
    expect(seen.start).toBeLessThanOrEqual(900_000);
    expect(seen.end).toBeGreaterThan(900_000);
  });
});

it('moves by a page less one row', () => {
  expect(rowsPerPage(900, 50)).toBe(17);
  expect(rowsPerPage(10, 50)).toBe(1);
});
