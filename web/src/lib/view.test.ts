import { describe, expect, test } from 'vitest';
import { advance, LONGEST, liveView, pan, SHORTEST, type View, zoom, zoomAt } from './view';

const NOW = Date.UTC(2026, 10, 26, 12);
const HOUR = 3_600_000;
const past = (from: number, to: number): View => ({
  from: NOW - from * HOUR,
  to: NOW - to * HOUR,
  live: false,
});

describe('zooming', () => {
  test('keeps what it points at where it is', () => {
    const view = past(10, 6);
    const anchor = NOW - 7 * HOUR;
    const closer = zoom(view, 0.5, NOW, anchor);
    expect(closer.to - closer.from).toBe(2 * HOUR);
    expect((anchor - closer.from) / (closer.to - closer.from)).toBe(
      (anchor - view.from) / (view.to - view.from),
    );
  });

  test('there and back again is where it began', () => {
    const view = past(10, 6);
    expect(zoom(zoom(view, 0.5, NOW), 2, NOW)).toEqual(view);
  });

  test('stops at a minute and at five years', () => {
    let near = past(10, 6);
    let far = near;
    for (let step = 0; step < 40; step++) {
      near = zoom(near, 0.5, NOW);
      far = zoom(far, 2, NOW);
    }
    expect([near.to - near.from, far.to - far.from]).toEqual([SHORTEST, LONGEST]);
    expect(far.to).toBeLessThanOrEqual(NOW);
  });

  test('what goes on with the time goes on', () => {
    expect(zoom(liveView(HOUR, NOW), 2, NOW)).toEqual(liveView(2 * HOUR, NOW));
    expect(zoomAt(liveView(HOUR, NOW), 0.5, NOW, NOW - HOUR / 20)).toEqual(liveView(HOUR / 2, NOW));
    const old = zoomAt(liveView(HOUR, NOW), 0.5, NOW, NOW - HOUR * 0.8);
    expect([old.live, old.to < NOW]).toEqual([false, true]);
  });
});

describe('moving', () => {
  test('into the past, and back to now, from where it goes on', () => {
    const before = pan(liveView(HOUR, NOW), -0.25, NOW);
    expect(before).toEqual({ from: NOW - 1.25 * HOUR, to: NOW - 0.25 * HOUR, live: false });
    expect(advance(before, NOW + HOUR)).toEqual(before);
    const again = pan(before, 0.3, NOW);
    expect(again).toEqual(liveView(HOUR, NOW));
    expect(advance(again, NOW + 2000)).toEqual(liveView(HOUR, NOW + 2000));
  });

  test('never beyond what is remembered', () => {
    let view = liveView(24 * HOUR, NOW);
    for (let step = 0; step < 3_000; step++) view = pan(view, -1, NOW);
    expect(view.from).toBe(NOW - LONGEST);
    expect(view.to - view.from).toBe(24 * HOUR);
  });
});
