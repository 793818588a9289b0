import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FeedSeries } from '../../lib/feed';
import { History } from '../../lib/history';
import type { View } from '../../lib/view';
import { Source } from './source.svelte';

const NOW = Date.UTC(2026, 10, 26, 12);
const MINUTE = 60_000;

let asked: URL[];
let visibilityState: DocumentVisibilityState;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  asked = [];
  visibilityState = 'visible';
  vi.stubGlobal('document', {
    get visibilityState() {
      return visibilityState;
    },
  });
  // As the server does, in points of 2 s.
  vi.stubGlobal('fetch', async (address: string) => {
    const url = new URL(address, 'http://home');
    asked.push(url);
    const [from, to] = ['from', 'to'].map((name) => Date.parse(url.searchParams.get(name) ?? '')) as [
      number,
      number,
    ];
    const mean = Array.from({ length: (to - from) / 2000 }, (_, at) => at);
    const series = [{ metric: 'cpu_percent', mean, min: mean, max: mean, count: mean }];
    return Response.json({ from: new Date(from).toISOString(), step_seconds: 2, tier: '2s', series });
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const live = (): View => ({ from: Date.now() - 15 * MINUTE, to: Date.now(), live: true });
const past = (days: number): View => {
  const to = NOW - days * 24 * 60 * MINUTE;
  return { from: to - 15 * MINUTE, to, live: false };
};

async function answered(source: Source, view: () => View): Promise<void> {
  source.ask(view, 400, false);
  await vi.advanceTimersByTimeAsync(200);
}

describe('what a chart asks for', () => {
  test('is asked again every minute while somebody looks, and at once by whoever comes back', async () => {
    const source = new Source(['cpu_percent']);
    await answered(source, live);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(asked.length).toBe(2);
    source.look();
    expect(asked.length, 'what has just come').toBe(2);
    visibilityState = 'hidden';
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(asked.length, 'while nobody looks').toBe(2);
    visibilityState = 'visible';
    source.look();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked.length, 'at once').toBe(3);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(asked.length, 'and goes on').toBe(4);
    source.stop();
    source.look();
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(asked.length, 'after the end').toBe(4);
  });

  test('is awaited until there is an answer for what is shown', async () => {
    const source = new Source(['cpu_percent']);
    await answered(source, live);
    expect(source.waiting).toBe(false);
    source.ask(() => past(3), 400, false);
    expect(source.waiting).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(source.waiting).toBe(false);
  });

  test('is not drawn on to now when it was about days ago', async () => {
    const source = new Source(['cpu_percent']);
    await answered(source, () => past(1));
    const remembered = source.points(new History(), past(1)).times.length;
    const history = new History();
    history.describe([{ key: 'cpu_percent' } as FeedSeries], 2000);
    history.add([[NOW, 1]]);
    expect(source.points(history, { ...live(), to: NOW }).times.length).toBe(remembered);
    const hour = NOW - 60 * MINUTE;
    await answered(source, () => ({ from: hour - 15 * MINUTE, to: hour, live: false }));
    const lately = source.points(history, { from: NOW - 15 * MINUTE, to: NOW, live: true });
    expect((lately.times.at(-1) ?? 0) * 1000).toBeLessThan(NOW - 15 * MINUTE);
  });
});
