import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FileInfo } from './types';
import { CONCURRENCY, type QueueOptions, UploadQueue } from './uploads';
import { BATCH_FILES } from './uploads-batch';
import { SpeedMeter, secondsLeft } from './uploads-speed';
import {
  type BatchOptions,
  byInterest,
  type Candidate,
  EXISTS,
  nameOf,
  type SendOptions,
  type Upload,
  type UploadPlan,
  type UploadProblem,
} from './uploads-types';

interface One {
  upload: Upload;
  options: SendOptions;
  resolve: (answer: FileInfo) => void;
  reject: (problem: UploadProblem) => void;
}
interface Many {
  uploads: readonly Upload[];
  options: BatchOptions;
  resolve: () => void;
  reject: (problem: UploadProblem) => void;
}

const flush = () => vi.advanceTimersByTimeAsync(0);
const info = (name: string) => ({ id: `id-${name}`, filename: name }) as FileInfo;

/** Transports whose every sending the test ends by hand. */
function byHand(extra: Partial<QueueOptions> = {}) {
  const ones: One[] = [];
  const batches: Many[] = [];
  const queue = new UploadQueue({
    one: (upload, options) =>
      new Promise((resolve, reject) => ones.push({ upload, options, resolve, reject })),
    many: (uploads, options) =>
      new Promise((resolve, reject) => batches.push({ uploads, options, resolve, reject })),
    now: () => Date.now(),
    ...extra,
  });
  const finish = async (sending: One | undefined) => {
    sending?.resolve(info(nameOf(sending.upload.path)));
    await flush();
  };
  const fail = async (sending: One | Many | undefined, problem: UploadProblem) => {
    sending?.reject(problem);
    await flush();
  };
  const finishBatch = async (batch: Many | undefined) => {
    for (const [index, upload] of (batch?.uploads ?? []).entries())
      batch?.options.onResult(index, { file: info(nameOf(upload.path)) });
    batch?.resolve();
    await flush();
  };
  return { queue, ones, batches, finish, fail, finishBatch };
}

const PLAN: UploadPlan = { folder: 'mine', folderName: '', tags: [], shared: false, onConflict: 'fail' };
const MB = 1024 * 1024;

/** Files too large for a batch, which hold nothing. */
function big(count: number, size = 5 * MB): Candidate[] {
  return Array.from({ length: count }, (_, at) => ({
    file: Object.defineProperty(new File([], `f${at}`), 'size', { value: size }),
  }));
}
const small = (count: number, size = 10): Candidate[] =>
  Array.from({ length: count }, (_, at) => ({
    file: new File(['x'.repeat(size)], `s${at}`),
    path: `a/s${at}`,
  }));

const dropped: UploadProblem = { kind: 'connection', status: 0 };
const taken: UploadProblem = { kind: 'refused', status: 409, type: EXISTS, detail: 'It is there.' };
const states = (queue: UploadQueue) => queue.uploads.map((upload) => upload.state).join(' ');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('UploadQueue', () => {
  it('sends three large files at a time, in order', async () => {
    const { queue, ones, finish } = byHand();
    queue.add(big(5), { ...PLAN, tags: ['holiday'] });
    expect(ones.map((one) => one.upload.path)).toEqual(['f0', 'f1', 'f2']);
    expect(ones[0]?.upload.tags).toEqual(['holiday']);
    await finish(ones[1]);
    expect(states(queue)).toBe('sending done sending sending waiting');
    expect(queue.uploads[1]?.answer?.id).toBe('id-f1');
  });

  it('sends small files together, not with others of another folder', async () => {
    const { queue, ones, batches, finishBatch } = byHand();
    queue.add([...small(2), ...big(1), ...small(BATCH_FILES)], PLAN);
    queue.add(small(1), { ...PLAN, folder: 'elsewhere' });
    expect(batches.map((batch) => batch.uploads.length)).toEqual([BATCH_FILES, 2]);
    expect(ones).toHaveLength(1);
    await finishBatch(batches[0]);
    expect(batches[2]?.uploads[0]?.folder).toBe('elsewhere');
    await finishBatch(batches[1]);
    await finishBatch(batches[2]);
    expect(queue.totals()).toMatchObject({ count: BATCH_FILES + 4, done: BATCH_FILES + 3, open: 1 });
  });

  it('never stops for one failure', async () => {
    const { queue, batches, ones, finish, fail } = byHand();
    queue.add([...big(2), ...small(2)], PLAN);
    await fail(ones[0], { kind: 'refused', status: 413, detail: 'Too large.' });
    await finish(ones[1]);
    batches[0]?.options.onResult(0, { problem: { kind: 'refused', status: 422, detail: 'No such name.' } });
    batches[0]?.options.onResult(1, { file: info('s1') });
    batches[0]?.resolve();
    await flush();
    expect(states(queue)).toBe('failed done failed done');
    expect(queue.uploads[2]?.problem?.detail).toBe('No such name.');
    expect(queue.totals()).toMatchObject({ count: 4, done: 2, failed: 2, open: 0 });
  });

  it('goes on with a dropped connection again and again, giving its slot to others meanwhile', async () => {
    const { queue, ones, fail, finish } = byHand();
    queue.add(big(CONCURRENCY + 1), PLAN);
    await fail(ones[0], dropped);
    expect(states(queue)).toBe('pausing sending sending sending');
    for (const one of ones.slice(1)) await finish(one);
    for (const wait of [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000]) {
      const before = ones.length;
      await vi.advanceTimersByTimeAsync(wait - 1);
      if (wait > 1_000) expect(ones).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      ones.at(-1)?.options.onPlace('/there');
      await fail(ones.at(-1), dropped);
      expect(queue.uploads[0]?.state).toBe('pausing');
    }
    queue.resume(queue.uploads[0] as Upload);
    await finish(ones.at(-1));
    expect(queue.totals().done).toBe(4);
  });

  it('begins its waits anew once there was progress', async () => {
    const { queue, ones, fail } = byHand();
    queue.add(big(1), PLAN);
    for (let tries = 0; tries < 3; tries++) {
      await fail(ones.at(-1), dropped);
      await vi.advanceTimersByTimeAsync(10_000);
    }
    ones.at(-1)?.options.onProgress(0);
    ones.at(-1)?.options.onProgress(100);
    expect(queue.uploads[0]?.retries).toBe(0);
  });

  it('lets one file try while the server is away, then all go on', async () => {
    const { queue, ones, fail, finish } = byHand();
    queue.add(big(9), PLAN);
    for (let at = 0; at < ones.length; at++) await fail(ones[at], dropped);
    // Two were on their way when the third one dropped.
    expect(states(queue)).toBe('pausing pausing pausing pausing pausing waiting waiting waiting waiting');
    expect(queue.away).toBe(true);
    await vi.advanceTimersByTimeAsync(999);
    expect(ones).toHaveLength(5);
    await vi.advanceTimersByTimeAsync(1);
    expect(ones).toHaveLength(6);
    await fail(ones[5], { kind: 'refused', status: 502 });
    await vi.advanceTimersByTimeAsync(7_999);
    expect(ones).toHaveLength(6);
    await vi.advanceTimersByTimeAsync(1);
    expect(ones).toHaveLength(7);
    ones[6]?.options.onPlace('/there');
    await finish(ones[6]);
    expect(queue.away).toBe(false);
    expect(queue.uploads.filter((upload) => upload.state === 'sending')).toHaveLength(CONCURRENCY);
  });

  it('counts a cut request of many as one dropped connection', async () => {
    const { queue, batches, fail } = byHand();
    queue.add(small(10), PLAN);
    await fail(batches[0], dropped);
    expect(queue.away).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(batches[1]?.uploads).toHaveLength(10);
  });

  it('waits as long as a busy server asks, and does not wait once the network is back', async () => {
    const { queue, ones, fail } = byHand();
    queue.add(big(1), PLAN);
    await fail(ones[0], { kind: 'refused', status: 503, retryAfter: 5 });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(ones).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(ones).toHaveLength(2);
    await fail(ones[1], dropped);
    queue.retryNow();
    expect(states(queue)).toBe('sending');
  });

  it.each([
    { kind: 'refused', status: 422 },
    { kind: 'refused', status: 500 },
    { kind: 'refused', status: 507 },
    { kind: 'unreadable', status: 0 },
  ] satisfies UploadProblem[])('leaves $kind $status to the person', async (problem) => {
    const { queue, ones, fail, finish } = byHand();
    queue.add(big(1), PLAN);
    await fail(ones[0], problem);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states(queue)).toBe('failed');
    queue.retryFailed();
    await finish(ones[1]);
    expect(states(queue)).toBe('done');
  });

  it('holds still when the session ended, asks once, and goes on after the sign-in', async () => {
    const onSessionEnded = vi.fn();
    const { queue, ones, fail, finish } = byHand({ onSessionEnded });
    queue.add(big(5), PLAN);
    for (const one of ones.slice(0, 3)) await fail(one, { kind: 'refused', status: 401 });
    expect(onSessionEnded).toHaveBeenCalledTimes(1);
    expect(ones).toHaveLength(3);
    expect(states(queue)).toBe('waiting waiting waiting waiting waiting');
    queue.goOn();
    for (let at = 3; at < 8; at++) await finish(ones[at]);
    expect(queue.totals().done).toBe(5);
  });

  it('pauses one of a request of many; the others go on in the next one', async () => {
    const { queue, batches, finishBatch } = byHand();
    queue.add(small(3), PLAN);
    queue.pause(queue.uploads[1] as Upload);
    expect(batches[0]?.options.signal.aborted).toBe(true);
    expect(batches[1]?.uploads.map(({ path }) => path)).toEqual(['a/s0', 'a/s2']);
    // What the first request still says counts no more.
    batches[0]?.options.onResult(1, { file: info('s1') });
    await finishBatch(batches[1]);
    expect(states(queue)).toBe('done paused done');
    queue.resumeAll();
    expect(states(queue)).toBe('done sending done');
  });

  it('pauses and goes on with all', async () => {
    const { queue, ones, fail } = byHand();
    queue.add(big(5), PLAN);
    await fail(ones[0], dropped);
    queue.pauseAll();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states(queue)).toBe('paused paused paused paused paused');
    expect(ones).toHaveLength(4);
    queue.resumeAll();
    expect(states(queue)).toBe('sending sending sending waiting waiting');
  });

  it('removes with what the server has, and clears the rest', async () => {
    const forget = vi.fn();
    const gone: string[] = [];
    const onDurable = (upload: Upload, removed: boolean) => removed && gone.push(upload.path);
    const { queue, ones, finish, fail } = byHand({ forget, onDurable });
    queue.add(big(5), PLAN);
    ones[0]?.options.onPlace('/there/0');
    queue.remove(queue.uploads[0] as Upload);
    expect(ones[0]?.options.signal.aborted).toBe(true);
    expect(forget).toHaveBeenCalledWith('/there/0');
    expect(gone).toEqual(['f0']);
    await finish(ones[1]);
    await fail(ones[2], { kind: 'refused', status: 507 });
    queue.clearFinished();
    expect(states(queue)).toBe('failed sending sending');
    queue.cancelAll();
    expect(queue.uploads).toEqual([]);
    expect(gone).toEqual(['f0', 'f1', 'f2', 'f3', 'f4']);
  });

  it('counts speed over all, and not what was there before a resumption', () => {
    const { queue, ones } = byHand();
    queue.add(big(2, 5_000_000), PLAN);
    for (const one of ones) one.options.onProgress(1_000_000);
    queue.totals();
    vi.setSystemTime(Date.now() + 1_000);
    for (const one of ones) one.options.onProgress(1_600_000);
    expect(queue.totals()).toMatchObject({ bytes: 10_000_000, sentBytes: 3_200_000, speed: 1_200_000 });
  });

  it('survives ten thousand files', async () => {
    const { queue, batches, finishBatch } = byHand();
    queue.add(small(10_000, 0), PLAN);
    for (let at = 0; at < batches.length; at++) await finishBatch(batches[at]);
    expect(queue.totals().done).toBe(10_000);
  });
});

describe('names that are taken', () => {
  it('is no matter when the same file is there', async () => {
    const same = vi.fn(async () => info('there'));
    const { queue, batches } = byHand({ same });
    queue.add(small(5), PLAN);
    for (let at = 0; at < 5; at++) batches[0]?.options.onResult(at, { problem: taken });
    batches[0]?.resolve();
    await flush();
    expect(states(queue)).toBe('done done done done done');
    expect(same).toHaveBeenCalledTimes(5);
  });

  it('asks for each, and does as told', async () => {
    const onConflict = vi.fn();
    const { queue, ones, fail, batches, finishBatch } = byHand({ onConflict, same: async () => undefined });
    queue.add(big(3), PLAN);
    queue.add(small(1), PLAN);
    for (const one of ones.slice(0, 3)) await fail(one, taken);
    await finishBatch(batches[0]);
    expect(states(queue)).toBe('conflict conflict conflict done');
    expect(onConflict).toHaveBeenCalledTimes(3);
    const [first, second, third] = queue.uploads as [Upload, Upload, Upload];
    queue.decide(first, 'skip', false);
    queue.decide(second, 'rename', false);
    queue.decide(third, 'replace', false);
    expect(states(queue)).toBe('skipped sending sending done');
    expect(ones.slice(3).map((one) => one.upload.onConflict)).toEqual(['rename', 'replace']);
    expect(queue.totals().count).toBe(3);
  });

  it('does the same for all, those still to come too, but not twice what was refused', async () => {
    const { queue, ones, fail } = byHand();
    queue.add(big(4), PLAN);
    for (const one of ones.slice(0, 2)) await fail(one, taken);
    queue.decide(queue.uploads[0] as Upload, 'replace', true);
    await fail(ones[2], taken);
    expect(states(queue)).not.toContain('conflict');
    await fail(
      ones.findLast((one) => one.upload.onConflict === 'replace'),
      taken,
    );
    expect(states(queue)).toContain('conflict');
  });

  it('sends small files one by one where a repetition would make two of them', () => {
    const { queue, ones, batches } = byHand();
    queue.add(small(2), { ...PLAN, onConflict: 'rename' });
    expect(ones).toHaveLength(2);
    expect(batches).toHaveLength(0);
  });
});

it('goes on with a file that was chosen again', () => {
  const { queue, ones } = byHand();
  const lost = {
    ...PLAN,
    tags: [],
    key: 'k',
    file: null,
    path: 'f',
    size: 9 * MB,
    modified: 0,
    elsewhere: true,
  };
  const upload: Upload = {
    ...lost,
    state: 'fileless',
    sent: 3,
    speed: 0,
    retries: 0,
    kept: false,
    url: '/there',
  };
  queue.restore([upload]);
  expect(queue.totals()).toMatchObject({ fileless: 1, open: 0, sentBytes: 3 });
  queue.resumeAll();
  expect(ones).toHaveLength(0);
  queue.attach(upload, new File([], 'f'));
  expect(ones[0]?.upload.url).toBe('/there');
});

it('shows what moves first', async () => {
  const { queue, ones, fail, finish } = byHand();
  queue.add(big(5), PLAN);
  await finish(ones[0]);
  await fail(ones[1], { kind: 'refused', status: 413 });
  expect(byInterest(queue.uploads).map((upload) => upload.path)).toEqual(['f2', 'f3', 'f4', 'f1', 'f0']);
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
