/**
 * The queue of uploads. It decides who may send, goes on with what a dropped connection cut off, asks about names that
 * are taken, and knows how far everything is. It knows neither the DOM nor requests nor where it is kept: others send
 * and keep, listeners are told of every change.
 */
import type { FileInfo } from './types';
import { batchFrom } from './uploads-batch';
import { Comparison } from './uploads-compare';
import { Dispatch } from './uploads-dispatch';
import { delayAfter, Line } from './uploads-line';
import { totalsOf } from './uploads-totals';
import {
  type Candidate,
  CHANGED,
  type Choice,
  EXISTS,
  isOpen,
  isSettled,
  type QueueTotals,
  type SendMany,
  type SendOne,
  type Upload,
  type UploadPlan,
  type UploadProblem,
  type UploadState,
} from './uploads-types';
import { Waits } from './uploads-waits';

export interface QueueOptions {
  one: SendOne;
  many: SendMany;
  /** Whether the same file is there already; see uploads-same. */
  same?: (upload: Upload) => Promise<FileInfo | undefined>;
  /** Takes away what the server has of an upload. */
  forget?: (url: string) => void;
  /** Called after every change; the listener batches as it likes. */
  onChange?: () => void;
  /** Something about it changed that must outlive the page; `gone` when it was removed. */
  onDurable?: (upload: Upload, gone: boolean) => void;
  onDone?: (upload: Upload) => void;
  /** The file is not the one that was begun elsewhere: it is uploaded from the start. */
  onOther?: (upload: Upload) => void;
  /** A name is taken, and nobody has yet said what then. */
  onConflict?: () => void;
  /** The server asked who we are: the queue holds still until `goOn`. */
  onSessionEnded?: () => void;
  now?: () => number;
}

/** Three at a time fill a home network; more only divide it and hold more buffers on the server. */
export const CONCURRENCY = 3;
/** Answers of a proxy or a busy server that say nothing about the file itself. */
const PASSING_STATUS = new Set([429, 502, 503, 504]);

export class UploadQueue {
  readonly uploads: Upload[] = [];
  /** True while a sign-in is awaited. */
  held = false;

  readonly #options: QueueOptions;
  readonly #line = new Line(() => this.#changed());
  readonly #dispatch: Dispatch;
  readonly #comparison: Comparison | undefined;
  readonly #waits: Waits<Upload>;
  /** What a person chose for all, until the queue is through. */
  #forAll: Choice | undefined;
  #series = newSeries();
  #nextKey = 1;
  /** Everything before this index has left the waiting state: a queue of 10,000 is not searched from its head each time. */
  #firstWaiting = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
    const outcome = {
      arrived: (upload: Upload, answer: FileInfo | undefined) => this.#arrived(upload, answer),
      failed: (upload: Upload, problem: UploadProblem, again: boolean) =>
        this.#failed(upload, problem, again),
      placed: (upload: Upload) => {
        this.#line.came();
        this.#durable(upload);
      },
      progressed: () => options.onChange?.(),
      ended: () => this.#changed(),
    };
    const now = options.now ?? (() => performance.now());
    this.#dispatch = new Dispatch(options, outcome, now);
    this.#waits = new Waits((all) => {
      for (const upload of all) this.#requeue(upload);
      this.#changed();
    }, now);
    if (options.same)
      this.#comparison = new Comparison(options.same, (...result) => this.#compared(...result));
  }

  /** The server was not reached lately: it is tried again by itself. */
  get away(): boolean {
    return this.#line.away;
  }

  add(candidates: Iterable<Candidate>, plan: UploadPlan): void {
    if (!this.uploads.some((upload) => isOpen(upload) || upload.state === 'conflict'))
      this.#forAll = undefined;
    for (const { file, path } of candidates) {
      this.uploads.push({
        ...plan,
        tags: [...plan.tags],
        key: `${this.#series}-${this.#nextKey++}`,
        file,
        path: path ?? file.name,
        size: file.size,
        modified: file.lastModified,
        elsewhere: false,
        state: 'waiting',
        sent: 0,
        speed: 0,
        retries: 0,
        kept: false,
      });
      this.#durable(this.uploads.at(-1) as Upload);
    }
    this.#changed();
  }

  /** Takes in what was kept from before, or is known from elsewhere. */
  restore(uploads: readonly Upload[]): void {
    this.uploads.push(...uploads);
    this.#changed();
  }

  /** Gives an upload the file that it lacked; `chosen` says how that was asked for by itself. */
  attach(upload: Upload, file: File, chosen?: Upload['chosen']): void {
    upload.file = file;
    if (chosen) upload.chosen = chosen;
    if (upload.state === 'fileless') this.#requeue(upload);
    this.#changed();
  }

  pause(upload: Upload): void {
    if (!isOpen(upload)) return;
    this.#stop(upload, 'paused');
    this.#changed();
  }

  pauseAll(): void {
    for (const upload of this.uploads) if (isOpen(upload)) this.#stop(upload, 'paused');
    this.#changed();
  }

  /** Goes on with what is paused, failed, or waits for the connection. */
  resume(upload: Upload): void {
    if (upload.state !== 'paused' && upload.state !== 'failed' && upload.state !== 'pausing') return;
    upload.retries = 0;
    this.#requeue(upload);
    this.#line.tryNow();
  }

  resumeAll(): void {
    for (const upload of this.uploads) if (upload.state === 'paused') this.#requeue(upload);
    this.#line.tryNow();
  }

  retryFailed(): void {
    for (const upload of this.uploads) if (upload.state === 'failed') this.#requeue(upload);
    this.#line.tryNow();
  }

  /** Ends every wait between tries: the network is back. */
  retryNow(): void {
    for (const upload of this.#waits.all()) this.#requeue(upload);
    this.#line.tryNow();
  }

  /** Takes one out, and what the server has of it. */
  remove(upload: Upload): void {
    this.#takeOut((one) => one === upload);
  }

  /** Takes out all that is not done. */
  cancelAll(): void {
    this.#takeOut((upload) => !isSettled(upload));
  }

  /** Takes settled rows out; failed ones stay, so that nothing is lost unseen. */
  clearFinished(): void {
    this.#takeOut(isSettled);
  }

  clear(): void {
    this.#takeOut(() => true);
  }

  /** Goes on after a sign-in. */
  goOn(): void {
    this.held = false;
    this.#changed();
  }

  /** What to do where the name is taken; `all` also holds for the names still to come. */
  decide(upload: Upload, choice: Choice, all: boolean): void {
    const concerned = all ? this.uploads.filter((one) => one.state === 'conflict') : [upload];
    if (all) this.#forAll = choice;
    for (const one of concerned) this.#decided(one, choice);
    this.#changed();
  }

  totals(): QueueTotals {
    return totalsOf(this.uploads, this.#dispatch.speed());
  }

  #changed(): void {
    this.#fill();
    this.#options.onChange?.();
  }

  #durable(upload: Upload, gone = false): void {
    this.#options.onDurable?.(upload, gone);
  }

  /** Starts waiting uploads while there is room. */
  #fill(): void {
    const room = this.held ? 0 : this.#line.room(CONCURRENCY);
    let index = this.#firstWaiting;
    for (; index < this.uploads.length && this.#dispatch.busy < room; index++) {
      const upload = this.uploads[index];
      if (upload?.state === 'waiting') this.#dispatch.send(batchFrom(this.uploads, index, upload));
    }
    this.#firstWaiting = index;
  }

  #arrived(upload: Upload, answer: FileInfo | undefined): void {
    this.#line.came();
    this.#leave(upload, 'done');
    upload.sent = upload.size;
    delete upload.url;
    delete upload.problem;
    if (answer) upload.answer = answer;
    upload.file = null;
    this.#durable(upload);
    this.#options.onDone?.(upload);
  }

  /** `again`: the same dropped connection was counted already. */
  #failed(upload: Upload, problem: UploadProblem, again = false): void {
    if (problem.status === 401) {
      this.#requeue(upload);
      const first = !this.held;
      this.held = true;
      if (first) this.#options.onSessionEnded?.();
      return;
    }
    if (problem.kind === 'other') {
      this.#beginAnew(upload);
      return;
    }
    upload.problem = problem;
    if (problem.type === EXISTS || problem.type === CHANGED) {
      this.#collided(upload);
      return;
    }
    const passing =
      problem.kind === 'connection' || (problem.kind === 'refused' && PASSING_STATUS.has(problem.status));
    if (passing && !again) this.#line.dropped();
    else if (!passing && problem.kind === 'refused') this.#line.came();
    if (!passing) {
      this.#leave(upload, 'failed');
      this.#durable(upload);
      return;
    }
    this.#leave(upload, 'pausing');
    this.#waits.add(upload, Math.max(delayAfter(upload.retries++), (problem.retryAfter ?? 0) * 1_000));
  }

  /** What was begun elsewhere goes on waiting for its own file; the one that was chosen is sent by itself. */
  #beginAnew(upload: Upload): void {
    const { file, path, ...plan } = { ...planOf(upload), ...upload.chosen, file: upload.file };
    this.#line.came();
    upload.file = null;
    upload.elsewhere = true;
    delete upload.chosen;
    this.#leave(upload, 'fileless');
    this.#durable(upload, true);
    if (file) this.add([{ file, path }], plan);
    this.#options.onOther?.(upload);
  }

  /** The name is taken: by the same file, or else it is for a person to say what then. */
  #collided(upload: Upload): void {
    this.#line.came();
    if (upload.problem?.type === EXISTS && this.#comparison) {
      // It counts as on its way until it has been compared.
      this.#leave(upload, 'sending');
      this.#comparison.add(upload);
    } else {
      this.#ask(upload);
    }
  }

  #compared(upload: Upload, found: FileInfo | undefined): void {
    // Paused, removed or sent again meanwhile: then this says nothing any more.
    if (upload.state !== 'sending' || this.#dispatch.has(upload)) return;
    if (found) this.#arrived(upload, found);
    else this.#ask(upload);
    this.#changed();
  }

  #ask(upload: Upload): void {
    this.#leave(upload, 'conflict');
    // What was chosen for all was refused, too, if it has been tried.
    if (this.#forAll !== undefined && upload.onConflict === 'fail') {
      this.#decided(upload, this.#forAll);
      return;
    }
    // Whatever is decided, it is sent again or not at all.
    upload.sent = 0;
    this.#durable(upload);
    this.#options.onConflict?.();
  }

  #decided(upload: Upload, choice: Choice): void {
    if (upload.state !== 'conflict') return;
    // What is whole on the server is finished there with what was decided; only what it was to replace cannot be unsaid.
    if (upload.url !== undefined && (choice === 'skip' || upload.replaces !== undefined)) {
      this.#options.forget?.(upload.url);
      delete upload.url;
    }
    if (choice === 'skip') {
      this.#leave(upload, 'skipped');
      upload.file = null;
    } else {
      upload.onConflict = choice;
      delete upload.ifMatch;
      if (choice !== 'replace') delete upload.replaces;
      this.#requeue(upload);
    }
    this.#durable(upload);
  }

  #requeue(upload: Upload): void {
    const next = upload.file ? 'waiting' : 'fileless';
    const changed = upload.state === 'paused' || upload.state === 'failed' || upload.state === 'fileless';
    this.#leave(upload, next);
    this.#firstWaiting = 0;
    if (changed) this.#durable(upload);
  }

  #stop(upload: Upload, state: UploadState): void {
    // A request of many ends as a whole: the others go on in the next one.
    for (const other of this.#dispatch.abort(upload)) this.#requeue(other);
    this.#leave(upload, state);
    this.#durable(upload);
  }

  #takeOut(concerned: (upload: Upload) => boolean): void {
    const out = this.uploads.filter(concerned);
    const gone = new Set(out);
    const kept = this.uploads.filter((upload) => !gone.has(upload));
    this.uploads.splice(0, this.uploads.length, ...kept);
    for (const upload of out) {
      if (isOpen(upload)) this.#stop(upload, 'paused');
      if (upload.url !== undefined) this.#options.forget?.(upload.url);
      this.#durable(upload, true);
    }
    this.#firstWaiting = 0;
    this.#changed();
  }

  /** The one place where an upload ends its wait and leaves its request. */
  #leave(upload: Upload, state: UploadState): void {
    this.#waits.delete(upload);
    this.#dispatch.leave(upload);
    upload.state = state;
  }
}

/** How an upload that was begun elsewhere is sent by itself. */
function planOf({
  path,
  folder,
  folderName,
  tags,
  shared,
  onConflict,
}: Upload): UploadPlan & { path: string } {
  return { path, folder, folderName, tags, shared, onConflict };
}

/** Keys must not meet those of the page's earlier life. Not randomUUID, which plain http does not have. */
function newSeries(): string {
  return [...crypto.getRandomValues(new Uint32Array(2))].map((part) => part.toString(36)).join('');
}
