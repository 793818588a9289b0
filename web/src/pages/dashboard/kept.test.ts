import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CHANGED } from '../../lib/api';
import { type Arrangement, type ChartSpec, MOST_CHARTS } from '../../lib/arrangement';
import { toasts } from '../../ui/toasts.svelte';
import { Kept } from './kept.svelte';

type Put = { ifMatch: string | undefined; document: Arrangement };

/** Keeps one document as the server does; `hold` and `refuse` are what it does to the next writes. */
class Keeper {
  revision = 1;
  document: object = {};
  puts: Put[] = [];
  refuse = 0;
  hold: Promise<void> | undefined;

  readonly fetch = async (_: string, init: RequestInit): Promise<Response> => {
    if (init.method !== 'PUT') return this.answer();
    const ifMatch = (init.headers as Record<string, string>)['If-Match'];
    const { document } = JSON.parse(String(init.body)) as { document: Arrangement };
    this.puts.push({ ifMatch, document });
    const { hold } = this;
    this.hold = undefined;
    await hold;
    const changed = ifMatch !== undefined && ifMatch !== `"r${this.revision}"`;
    if (changed || this.refuse-- > 0)
      return Response.json({ type: CHANGED, detail: 'It was arranged anew elsewhere.' }, { status: 412 });
    this.revision++;
    this.document = document;
    return this.answer();
  };

  private answer(): Response {
    return Response.json({ document: this.document, etag: `"r${this.revision}"` });
  }
}

let keeper: Keeper;
let page: EventTarget;

beforeEach(() => {
  vi.useFakeTimers();
  keeper = new Keeper();
  page = new EventTarget();
  vi.stubGlobal('fetch', keeper.fetch);
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  toasts.items = [];
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function opened(): Promise<Kept> {
  const kept = new Kept();
  await kept.read();
  kept.watch();
  return kept;
}

describe('what a person arranged', () => {
  test('is kept although the page is left while an earlier change is on its way', async () => {
    const kept = await opened();
    let arrive = () => {};
    keeper.hold = new Promise((resolve) => (arrive = resolve));
    kept.change((one) => ({ ...one, compare: true }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.puts.length).toBe(1);
    kept.change((one) => ({ ...one, cards: ['network'] }));
    page.dispatchEvent(new Event('pagehide'));
    await vi.advanceTimersByTimeAsync(0);
    expect(keeper.document).toMatchObject({ compare: true, cards: ['network'] });
    // What was on its way comes too late, and undoes nothing.
    arrive();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.document).toMatchObject({ compare: true, cards: ['network'] });
    expect(keeper.puts.length).toBe(2);
    // Whoever comes back goes on from there.
    kept.change((one) => ({ ...one, cards: ['storage'] }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.document).toMatchObject({ compare: true, cards: ['storage'] });
    expect(keeper.puts.at(-1)?.ifMatch).toBe('"r2"');
  });

  test('is written once when nothing was changed since', async () => {
    const kept = await opened();
    let arrive = () => {};
    keeper.hold = new Promise((resolve) => (arrive = resolve));
    kept.change((one) => ({ ...one, compare: true }));
    await vi.advanceTimersByTimeAsync(1_000);
    page.dispatchEvent(new Event('pagehide'));
    arrive();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.puts.length).toBe(1);
  });

  test('stays while others are quicker, and is said not to be kept in the end', async () => {
    const kept = await opened();
    keeper.refuse = 3;
    kept.change((one) => ({ ...one, compare: true }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.document).toMatchObject({ compare: true });
    expect(toasts.items).toEqual([]);
    keeper.refuse = 4;
    kept.change((one) => ({ ...one, compare: false }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.document).toMatchObject({ compare: true });
    expect(toasts.items.map(({ kind }) => kind)).toEqual(['error']);
    // It is written with the next change.
    kept.change((one) => ({ ...one, cards: [] }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keeper.document).toMatchObject({ compare: false, cards: [] });
  });

  test('is never more charts than there may be, whatever another browser adds meanwhile', async () => {
    const charts = (from: number, to: number): ChartSpec[] =>
      Array.from({ length: to - from }, (_, i) => ({
        id: `c${from + i}`,
        series: ['cpu_percent'],
        wide: false,
      }));
    const add = (kept: Kept, id: string) =>
      kept.change((one) => ({
        ...one,
        charts: [...one.charts, { id, series: ['cpu_percent'], wide: false }],
      }));
    keeper.document = { charts: charts(0, MOST_CHARTS - 1) };
    const [first, second] = [await opened(), await opened()];
    add(first, 'first');
    await vi.advanceTimersByTimeAsync(1_000);
    add(second, 'second');
    second.change((one) => ({ ...one, compare: true }));
    await vi.advanceTimersByTimeAsync(1_000);
    const kept = keeper.document as Arrangement;
    expect(kept.charts.map(({ id }) => id)).toEqual([
      ...charts(0, MOST_CHARTS - 1).map(({ id }) => id),
      'first',
    ]);
    expect(kept.compare).toBe(true);
    expect(second.arrangement).toEqual(kept);
    expect(toasts.items.map(({ kind }) => kind)).toEqual(['error']);
  });
});
