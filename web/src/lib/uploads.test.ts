import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UploadAnswer } from './types';
import { CONCURRENCY, type QueueOptions, UploadQueue } from './uploads';
import { SpeedMeter, secondsLeft } from './uploads-speed';
import { byInterest, type SendOptions, type UploadProblem } from './uploads-types';

interface Sending {
  file: File;
  tags: readonly string[];
  options: SendOptions;
  resolve: (answer: UploadAnswer) => void;
  reject: (problem: UploadProblem) => void;
}

/** A transport whose every sending the test ends by hand. */
function byHand(extra: Partial<QueueOptions> = {}) {
  const sendings: Sending[] = [];
  const queue = new UploadQueue({
    transport: (file, tags, options) =>
      new Promise((resolve, reject) => sendings.push({ file, tags, options, resolve, reject })),
    now: () => Date.now(),
    ...extra,
  });
  const flush = () => vi.advanceTimersByTimeAsync(0);
  const finish = async (sending: Sending | undefined) => {
    sending?.resolve({ id: `id-${sending.file.name}` } as UploadAnswer);
    await flush();
  };
  const fail = async (sending: Sending | undefined, problem: UploadProblem) => {
    sending?.reject(problem);
    await flush();
  };
  return { queue, sendings, finish, fail };
}

const files = (count: number, size = 10) =>
  Array.from({ length: count }, (_, i) => ({ file: new File(['x'.repeat(size)], `f${i}`) }));
const dropped: UploadProblem = { kind: 'connection', status: 0 };
const states = (queue: UploadQueue) => queue.uploads.map((upload) => upload.state).join(' ');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('UploadQueue', () => {
  it('sends three at a time, in order, with the tags', async () => {
    const { queue, sendings, finish } = byHand();
    queue.add(files(5), ['holiday']);
    expect(sendings.map((s) => s.file.name)).toEqual(['f0', 'f1', 'f2']);
    expect(sendings[0]?.tags).toEqual(['holiday']);
    await finish(sendings[1]);
    expect(sendings.map((s) => s.file.name)).toEqual(['f0', 'f1', 'f2', 'f3']);
    expect(states(queue)).toBe('sending done sending sending waiting');
  });

  it('never stops for one failure', async () => {
    const { queue, sendings, finish, fail } = byHand();
    queue.add(files(4));
    await fail(sendings[0], { kind: 'refused', status: 413, detail: 'Too large.' });
    for (const sending of sendings.slice(1)) await finish(sending);
    expect(states(queue)).toBe('failed done done done');
    expect(queue.uploads[0]?.problem?.detail).toBe('Too large.');
    expect(queue.totals()).toMatchObject({ count: 4, done: 3, failed: 1, open: 0 });
  });

  it('tries a dropped connection again three times, giving its slot to others meanwhile', async () => {
    const { queue, sendings, fail } = byHand();
    queue.add(files(CONCURRENCY + 1));
    await fail(sendings[0], dropped);
    expect(states(queue)).toBe('pausing sending sending sending');
    await fail(sendings[3], { kind: 'refused', status: 507 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sendings).toHaveLength(5);
    await fail(sendings[4], dropped);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(sendings).toHaveLength(5);
    await vi.advanceTimersByTimeAsync(1);
    await fail(sendings[5], { kind: 'refused', status: 503 });
    await vi.advanceTimersByTimeAsync(9_000);
    await fail(sendings[6], dropped);
    expect(queue.uploads[0]?.state).toBe('failed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sendings).toHaveLength(7);
  });

  it('waits as long as a busy server asks', async () => {
    const { queue, sendings, fail } = byHand();
    queue.add(files(1));
    await fail(sendings[0], { kind: 'refused', status: 503, retryAfter: 5 });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(sendings).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sendings).toHaveLength(2);
  });

  it('does not wait once the network is back', async () => {
    const { queue, sendings, fail } = byHand();
    queue.add(files(1));
    await fail(sendings[0], dropped);
    queue.retryNow();
    expect(states(queue)).toBe('sending');
  });

  it.each([
    { kind: 'refused', status: 422 },
    { kind: 'refused', status: 429, retryAfter: 1 },
    { kind: 'refused', status: 500 },
    { kind: 'refused', status: 507 },
    { kind: 'unreadable', status: 0 },
  ] satisfies UploadProblem[])('leaves $kind $status to the person', async (problem) => {
    const { queue, sendings, fail, finish } = byHand();
    queue.add(files(1));
    await fail(sendings[0], problem);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states(queue)).toBe('failed');
    const [upload] = queue.uploads;
    if (upload) queue.retry(upload);
    expect(states(queue)).toBe('sending');
    await finish(sendings[1]);
    expect(states(queue)).toBe('done');
  });

  it('holds still when the session ended, asks once, and goes on after the sign-in', async () => {
    const onSessionEnded = vi.fn();
    const { queue, sendings, fail, finish } = byHand({ onSessionEnded });
    queue.add(files(5));
    for (const sending of sendings.slice(0, 3)) await fail(sending, { kind: 'refused', status: 401 });
    expect(onSessionEnded).toHaveBeenCalledTimes(1);
    expect(sendings).toHaveLength(3);
    expect(states(queue)).toBe('waiting waiting waiting waiting waiting');
    queue.resume();
    for (let i = 3; i < 8; i++) await finish(sendings[i]);
    expect(queue.totals().done).toBe(5);
  });

  it('cancels what is sent, what waits and what pauses', async () => {
    const { queue, sendings, fail } = byHand();
    queue.add(files(5));
    await fail(sendings[0], dropped);
    queue.cancelAll();
    expect(sendings[1]?.options.signal.aborted).toBe(true);
    expect(states(queue)).toBe('cancelled cancelled cancelled cancelled cancelled');
    await fail(sendings[1], dropped);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states(queue)).toBe('cancelled cancelled cancelled cancelled cancelled');
    expect(queue.totals().count).toBe(0);
  });

  it('cancels one, removes one, and clears the rest', async () => {
    const { queue, sendings, finish, fail } = byHand();
    queue.add(files(5));
    const [first, second] = queue.uploads;
    if (!first || !second) throw new Error('no uploads');
    queue.cancel(first);
    expect(sendings).toHaveLength(4);
    queue.remove(second);
    expect(queue.uploads).toHaveLength(4);
    await finish(sendings[2]);
    await fail(sendings[3], { kind: 'refused', status: 507 });
    await finish(sendings[4]);
    queue.clearFinished();
    expect(states(queue)).toBe('failed');
    queue.retryFailed();
    expect(states(queue)).toBe('sending');
  });

  it('counts progress without the frame around the file', () => {
    const { queue, sendings } = byHand();
    queue.add(files(2, 1_000));
    sendings[0]?.options.onProgress(400);
    vi.setSystemTime(Date.now() + 1_000);
    sendings[0]?.options.onProgress(1_400);
    expect(queue.totals()).toMatchObject({ bytes: 2_000, sentBytes: 1_000, speed: 600 });
  });

  it('survives thousands of files', async () => {
    const { queue, sendings, finish } = byHand();
    queue.add(files(5_000, 0));
    for (let i = 0; i < sendings.length; i++) await finish(sendings[i]);
    expect(queue.totals().done).toBe(5_000);
  });
});

it('shows what moves first', async () => {
  const { queue, sendings, fail, finish } = byHand();
  queue.add(files(5));
  await finish(sendings[0]);
  await fail(sendings[1], { kind: 'refused', status: 413 });
  expect(byInterest(queue.uploads).map((upload) => upload.file.name)).toEqual(['f2', 'f3', 'f4', 'f1', 'f0']);
});

describe('SpeedMeter', () => {
  it('looks at the last seconds only', () => {
    const meter = new SpeedMeter();
    expect(meter.add(0, 0)).toBe(0);
    expect(meter.add(100, 1_000)).toBe(0);
    expect(meter.add(1_000, 10_000)).toBe(10_000);
    for (let at = 2_000; at <= 10_000; at += 1_000) meter.add(at, 10_000);
    expect(meter.add(10_500, 10_000)).toBe(0);
  });
  it('tells the time left', () => {
    expect(secondsLeft(1_000, 500, 100)).toBe(5);
    expect(secondsLeft(1_000, 500, 0)).toBeNull();
  });
});
