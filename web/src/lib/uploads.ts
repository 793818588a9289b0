/**
 * The queue of uploads. It decides who may send, tries again what a dropped connection cut off, and knows how far
 * everything is. It knows neither the DOM nor XMLHttpRequest: a Transport sends, listeners are told of every change.
 */
import type { UploadAnswer } from './types';
import { SpeedMeter } from './uploads-speed';
import {
  isOpen,
  type QueueTotals,
  type Transport,
  type Upload,
  type UploadProblem,
  type UploadState,
} from './uploads-types';

export interface QueueOptions {
  transport: Transport;
  /** Called after every change; the listener batches as it likes. */
  onChange?: () => void;
  onDone?: (upload: Upload, answer: UploadAnswer) => void;
  /** The server asked who we are: the queue holds still until `resume`. */
  onSessionEnded?: () => void;
  now?: () => number;
}

/** Three at a time fill a home network; more only divide it and hold more buffers on the server. */
export const CONCURRENCY = 3;
/** How long to wait before each automatic retry, in ms. */
export const RETRY_DELAYS_MS = [1_000, 3_000, 9_000] as const;
/** Answers of a proxy or a busy server that say nothing about the file itself. */
const PASSING_STATUS = new Set([0, 502, 503, 504]);

export class UploadQueue {
  readonly uploads: Upload[] = [];
  /** True while a sign-in is awaited. */
  held = false;

  readonly #options: QueueOptions;
  readonly #now: () => number;
  readonly #running = new Map<Upload, AbortController>();
  readonly #timers = new Map<Upload, ReturnType<typeof setTimeout>>();
  #nextKey = 1;
  /** Everything before this index has left the waiting state: a queue of 10,000 is not searched from its head each time. */
  #firstWaiting = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  add(files: Iterable<{ file: File; path?: string }>, tags: readonly string[] = [], shared = false): void {
    for (const { file, path } of files) {
      this.uploads.push({
        key: this.#nextKey++,
        file,
        path: path ?? file.name,
        tags: [...tags],
        shared,
        state: 'waiting',
        sent: 0,
        speed: 0,
        retries: 0,
      });
    }
    this.#changed();
  }

  /** Stops one upload; it can be retried. */
  cancel(upload: Upload): void {
    if (!isOpen(upload)) return;
    this.#stop(upload, 'cancelled');
    this.#changed();
  }

  cancelAll(): void {
    for (const upload of this.uploads) if (isOpen(upload)) this.#stop(upload, 'cancelled');
    this.#changed();
  }

  /** Sends again what failed or was cancelled, with all its automatic tries. */
  retry(upload: Upload): void {
    if (upload.state !== 'failed' && upload.state !== 'cancelled') return;
    upload.retries = 0;
    this.#requeue(upload);
    this.#changed();
  }

  retryFailed(): void {
    for (const upload of this.uploads) {
      if (upload.state !== 'failed') continue;
      upload.retries = 0;
      this.#requeue(upload);
    }
    this.#changed();
  }

  /** Ends every wait between tries: the network is back. */
  retryNow(): void {
    for (const upload of [...this.#timers.keys()]) this.#requeue(upload);
    this.#changed();
  }

  remove(upload: Upload): void {
    this.#stop(upload, 'cancelled');
    const index = this.uploads.indexOf(upload);
    if (index >= 0) this.uploads.splice(index, 1);
    this.#firstWaiting = 0;
    this.#changed();
  }

  /** Takes done and cancelled rows out; failed ones stay, so that nothing is lost unseen. */
  clearFinished(): void {
    const kept = this.uploads.filter((upload) => upload.state !== 'done' && upload.state !== 'cancelled');
    this.uploads.splice(0, this.uploads.length, ...kept);
    this.#firstWaiting = 0;
    this.#changed();
  }

  /** Goes on after a sign-in. */
  resume(): void {
    this.held = false;
    this.#changed();
  }

  totals(): QueueTotals {
    const totals: QueueTotals = { count: 0, done: 0, failed: 0, open: 0, bytes: 0, sentBytes: 0, speed: 0 };
    for (const upload of this.uploads) {
      if (upload.state === 'cancelled') continue;
      totals.count++;
      totals.bytes += upload.file.size;
      totals.sentBytes += upload.state === 'done' ? upload.file.size : upload.sent;
      if (upload.state === 'done') totals.done++;
      else if (upload.state === 'failed') totals.failed++;
      else totals.open++;
      if (upload.state === 'sending') totals.speed += upload.speed;
    }
    return totals;
  }

  #changed(): void {
    this.#fill();
    this.#options.onChange?.();
  }

  /** Starts waiting uploads while there is room. */
  #fill(): void {
    let index = this.#firstWaiting;
    for (; index < this.uploads.length && this.#running.size < CONCURRENCY && !this.held; index++) {
      const upload = this.uploads[index];
      if (upload?.state === 'waiting') void this.#send(upload);
    }
    this.#firstWaiting = index;
  }

  async #send(upload: Upload): Promise<void> {
    const controller = new AbortController();
    const meter = new SpeedMeter();
    this.#running.set(upload, controller);
    upload.state = 'sending';
    upload.sent = 0;
    delete upload.problem;
    const onProgress = (sent: number) => {
      if (controller.signal.aborted) return;
      // What a browser counts includes the multipart frame around the file.
      upload.sent = Math.min(sent, upload.file.size);
      upload.speed = meter.add(this.#now(), upload.sent);
      this.#options.onChange?.();
    };
    try {
      const answer = await this.#options.transport(upload.file, upload.tags, {
        shared: upload.shared,
        signal: controller.signal,
        onProgress,
      });
      if (controller.signal.aborted) return;
      this.#leave(upload, 'done');
      upload.sent = upload.file.size;
      upload.answer = answer;
      this.#options.onDone?.(upload, answer);
    } catch (problem) {
      if (controller.signal.aborted) return;
      this.#failed(upload, problem as UploadProblem);
    }
    this.#changed();
  }

  #failed(upload: Upload, problem: UploadProblem): void {
    if (problem.status === 401) {
      this.#leave(upload, 'waiting');
      upload.sent = 0;
      this.#firstWaiting = 0;
      const first = !this.held;
      this.held = true;
      if (first) this.#options.onSessionEnded?.();
      return;
    }
    upload.problem = problem;
    const passing = problem.kind !== 'unreadable' && PASSING_STATUS.has(problem.status);
    const delay = RETRY_DELAYS_MS[upload.retries];
    if (!passing || delay === undefined) {
      this.#leave(upload, 'failed');
      return;
    }
    this.#leave(upload, 'pausing');
    upload.retries++;
    upload.sent = 0;
    const wait = Math.max(delay, (problem.retryAfter ?? 0) * 1_000);
    this.#timers.set(
      upload,
      setTimeout(() => {
        this.#requeue(upload);
        this.#changed();
      }, wait),
    );
  }

  #requeue(upload: Upload): void {
    this.#leave(upload, 'waiting');
    upload.sent = 0;
    this.#firstWaiting = 0;
  }

  #stop(upload: Upload, state: UploadState): void {
    this.#running.get(upload)?.abort();
    this.#leave(upload, state);
  }

  /** The one place where an upload gives back its slot and its timer. */
  #leave(upload: Upload, state: UploadState): void {
    clearTimeout(this.#timers.get(upload));
    this.#timers.delete(upload);
    this.#running.delete(upload);
    upload.speed = 0;
    upload.state = state;
  }
}
