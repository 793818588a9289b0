import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ChangeFeed } from './changes';
import type { Change } from './types';

/** An EventSource whose other end is the test. */
class FakeSource extends EventTarget {
  closed = false;
  constructor(readonly url: string) {
    super();
  }
  close() {
    this.closed = true;
  }
  open(cursor = '5') {
    this.dispatchEvent(new MessageEvent('ready', { data: '{}', lastEventId: cursor }));
  }
  change(cursor: string, id: string) {
    const data = JSON.stringify({ id, type: 'created' });
    this.dispatchEvent(new MessageEvent('change', { data, lastEventId: cursor }));
  }
  breaks() {
    this.dispatchEvent(new Event('error'));
  }
}

let sources: FakeSource[];
let heard: string[][];
let gaps: number;
let knows: (since: string) => Promise<boolean>;
let page: EventTarget & { visibilityState: string };
let feed: ChangeFeed;

beforeEach(() => {
  vi.useFakeTimers();
  sources = [];
  heard = [];
  gaps = 0;
  knows = async () => true;
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const here = new EventTarget();
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', here.addEventListener.bind(here));
  vi.stubGlobal('removeEventListener', here.removeEventListener.bind(here));
  vi.stubGlobal('window', here);
  feed = new ChangeFeed({
    url: '/events',
    onChanges: (changes: Change[]) => heard.push(changes.map(({ id }) => id)),
    onGap: () => gaps++,
    knows: (since) => knows(since),
    makeSource: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source as unknown as EventSource;
    },
    random: () => 1,
  });
  feed.start();
});

afterEach(() => {
  feed.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const last = () => sources.at(-1) as FakeSource;

test('what comes together is told together, and the first connection may have missed something', async () => {
  last().open();
  expect(gaps).toBe(1);
  last().change('1', 'a');
  last().change('2', 'b');
  await vi.advanceTimersByTimeAsync(200);
  last().change('3', 'c');
  await vi.advanceTimersByTimeAsync(200);
  expect(heard).toEqual([['a', 'b'], ['c']]);
});

test('a broken connection goes on from where it was heard last, with growing pauses', async () => {
  last().open();
  last().change('7', 'a');
  last().breaks();
  expect(last().closed).toBe(true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(last().url).toBe('/events?since=7');
  last().breaks();
  await vi.advanceTimersByTimeAsync(1_900);
  expect(sources).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(100);
  expect(sources).toHaveLength(3);
  last().open();
  expect(gaps).toBe(1);
});

test('a connection that brought nothing but its beginning goes on from there, too', async () => {
  last().open('5');
  last().breaks();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(last().url).toBe('/events?since=5');
});

test('a place the server no longer knows is a gap', async () => {
  last().open();
  last().change('7', 'a');
  knows = async () => false;
  last().breaks();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(last().url).toBe('/events');
  last().open();
  expect(gaps).toBe(2);
});

test('as long as the server cannot be asked, it is asked again', async () => {
  last().change('7', 'a');
  knows = async () => Promise.reject(new Error('away'));
  last().breaks();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sources).toHaveLength(1);
  knows = async () => true;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(sources).toHaveLength(2);
});

test('a page that nobody looks at gives its connection back, and takes it again', async () => {
  last().change('7', 'a');
  page.visibilityState = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(59_000);
  expect(last().closed).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(last().closed).toBe(true);
  page.visibilityState = 'visible';
  page.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(0);
  expect(last().url).toBe('/events?since=7');
});
