import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LiveFeed, type LiveStatus, liveURL } from './live';

const read = (text: string) => {
  try {
    return JSON.parse(text).system?.constructor === Object ? text : undefined;
  } catch {
    return undefined;
  }
};

/** A stream of events whose other end is the test. */
class FakeEvents extends EventTarget {
  onerror: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {
    super();
  }
  close() {
    this.closed = true;
  }
  frame() {
    this.dispatchEvent(Object.assign(new Event('tick'), { data: '{"system":{}}' }));
  }
}

/** A WebSocket whose other end is the test. */
class FakeSocket {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event?: { code: number }) => void) | null = null;
  closed = false;
  close() {
    this.closed = true;
  }
  send(data: unknown) {
    this.onmessage?.({ data });
  }
  frame() {
    this.send(JSON.stringify({ system: {}, storage: {} }));
  }
  end(code = 1006) {
    this.onclose?.({ code });
  }
}

let sockets: FakeSocket[];
let states: LiveStatus[];
let frames: number;
let page: EventTarget & { visibilityState: string };
let feed: LiveFeed<string>;
let streams: FakeEvents[];
let mayConnect: (() => Promise<boolean>) | undefined;

function start(events = false) {
  feed = new LiveFeed({
    url: () => 'ws://here/ws',
    ...(events ? { eventsURL: () => 'http://here/events' } : {}),
    events: ['tick'],
    read,
    makeEvents: (url) => {
      const stream = new FakeEvents(url);
      streams.push(stream);
      return stream as unknown as EventSource;
    },
    onFrame: () => frames++,
    onStatus: (status) => states.push(status),
    mayConnect,
    makeSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    random: () => 1,
  });
  feed.start();
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  streams = [];
  states = [];
  frames = 0;
  mayConnect = undefined;
  const here = new EventTarget();
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', page);
  vi.stubGlobal('navigator', { onLine: true });
  vi.stubGlobal('addEventListener', here.addEventListener.bind(here));
  vi.stubGlobal('removeEventListener', here.removeEventListener.bind(here));
  vi.stubGlobal('dispatchEvent', here.dispatchEvent.bind(here));
});

afterEach(() => {
  feed.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('LiveFeed', () => {
  test('is live with its first frame', () => {
    start();
    sockets[0]?.frame();
    expect([states, frames]).toEqual([['live'], 1]);
  });

  test('comes back after a pause that grows to ten seconds', async () => {
    start();
    sockets[0]?.frame();
    const pauses: number[] = [];
    for (let round = 0; round < 7; round++) {
      const count = sockets.length;
      sockets.at(-1)?.end();
      let waited = 0;
      while (sockets.length === count) {
        await vi.advanceTimersByTimeAsync(100);
        waited += 100;
      }
      pauses.push(waited);
    }
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(states).toEqual(['live', 'reconnecting', 'offline']);
  });

  test('gives up a connection that brings nothing for six seconds', async () => {
    start();
    sockets[0]?.frame();
    await vi.advanceTimersByTimeAsync(5_900);
    expect(sockets[0]?.closed).toBe(false);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(sockets[0]?.closed).toBe(true);
    expect(states).toEqual(['live', 'reconnecting']);
  });

  test('does not wait once the network is back or the page is looked at', () => {
    start();
    sockets[0]?.frame();
    sockets[0]?.end();
    dispatchEvent(new Event('online'));
    expect(sockets.length).toBe(2);
    sockets[1]?.end();
    page.dispatchEvent(new Event('visibilitychange'));
    expect(sockets.length).toBe(3);
  });

  test('says offline at once when the device is', () => {
    start();
    sockets[0]?.frame();
    vi.stubGlobal('navigator', { onLine: false });
    dispatchEvent(new Event('offline'));
    expect(states).toEqual(['live', 'offline']);
  });

  test('asks whether it may try again after a connection that brought nothing', async () => {
    mayConnect = vi.fn(async () => false);
    start();
    sockets[0]?.end();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(mayConnect).toHaveBeenCalledTimes(1);
    expect(sockets.length).toBe(1);
  });

  test('asks when the server ends a living feed because the session ended, but not when it restarts', async () => {
    mayConnect = vi.fn(async () => true);
    start();
    sockets[0]?.frame();
    sockets[0]?.end(1001);
    await vi.advanceTimersByTimeAsync(1_000);
    sockets[1]?.frame();
    expect(mayConnect).not.toHaveBeenCalled();
    sockets[1]?.end(1008);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(mayConnect).toHaveBeenCalledTimes(1);
    expect(sockets.length).toBe(3);
  });

  test('goes over to events where sockets bring nothing, and back when those fail', async () => {
    start(true);
    sockets[0]?.end();
    await vi.advanceTimersByTimeAsync(500);
    sockets[1]?.end();
    expect(streams.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(streams.map((one) => one.url)).toEqual(['http://here/events']);
    streams[0]?.frame();
    expect([states.at(-1), frames]).toEqual(['live', 1]);
    streams[0]?.onerror?.();
    expect([states.at(-1), streams[0]?.closed]).toEqual(['reconnecting', true]);
    await vi.advanceTimersByTimeAsync(500);
    expect(streams.length).toBe(2);
    streams[1]?.onerror?.();
    await vi.advanceTimersByTimeAsync(1_000);
    expect([sockets.length, streams.length]).toEqual([3, 2]);
    sockets[2]?.frame();
    sockets[2]?.end();
    await vi.advanceTimersByTimeAsync(500);
    expect([sockets.length, streams.length]).toEqual([4, 2]);
  });

  test('ignores what is not a frame', () => {
    start();
    sockets[0]?.send('not json');
    sockets[0]?.send('{"system":1}');
    sockets[0]?.send(new ArrayBuffer(2));
    expect(frames).toBe(0);
  });

  test('stops for good', async () => {
    start();
    feed.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([sockets.length, sockets[0]?.closed]).toEqual([1, true]);
  });
});

test('the feed is encrypted when the page is', () => {
  const at = (protocol: string) => liveURL('/ws', { protocol, host: 'home:8000' } as Location);
  expect([at('http:'), at('https:')]).toEqual(['ws://home:8000/ws', 'wss://home:8000/ws']);
});
