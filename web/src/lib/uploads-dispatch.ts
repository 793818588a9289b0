/** What is being sent at the moment: each request with its uploads, how fast it goes, and how it is ended. */
import type { FileInfo } from './types';
import { isSmall } from './uploads-batch';
import { SpeedMeter } from './uploads-speed';
import type { SendMany, SendOne, Upload, UploadProblem } from './uploads-types';

export interface Outcome {
  arrived: (upload: Upload, answer: FileInfo | undefined) => void;
  /** `again`: the dropped connection was told of already, for another upload. */
  failed: (upload: Upload, problem: UploadProblem, again: boolean) => void;
  /** The server has made a place for it. */
  placed: (upload: Upload) => void;
  progressed: () => void;
  /** A request has ended: there is room for another one. */
  ended: () => void;
}

/** One request of many files, or one resumable upload. */
type Sending = { uploads: Set<Upload>; controller: AbortController };

export class Dispatch {
  readonly #slots = new Set<Sending>();
  readonly #running = new Map<Upload, Sending>();
  #meter = new SpeedMeter();
  #moved = 0;

  constructor(
    private readonly transports: { one: SendOne; many: SendMany },
    private readonly outcome: Outcome,
    private readonly now: () => number,
  ) {}

  /** Requests under way. */
  get busy(): number {
    return this.#slots.size;
  }

  has(upload: Upload): boolean {
    return this.#running.has(upload);
  }

  /** Bytes per second, of all together. */
  speed(): number {
    return this.busy > 0 ? this.#meter.add(this.now(), this.#moved) : 0;
  }

  send(uploads: readonly [Upload, ...Upload[]]): void {
    if (this.busy === 0) this.#meter = new SpeedMeter();
    if (isSmall(uploads[0])) void this.#sendMany(uploads);
    else void this.#sendOne(uploads[0]);
  }

  /** An upload is no longer part of its request, whose outcome for it counts no more. */
  leave(upload: Upload): void {
    this.#running.get(upload)?.uploads.delete(upload);
    this.#running.delete(upload);
    upload.speed = 0;
  }

  /** Ends the request an upload is part of, and gives the others of that request. */
  abort(upload: Upload): Upload[] {
    const sending = this.#running.get(upload);
    if (!sending) return [];
    const others = [...sending.uploads].filter((one) => one !== upload);
    for (const one of [...sending.uploads]) this.leave(one);
    this.#slots.delete(sending);
    sending.controller.abort();
    return others;
  }

  #begin(uploads: readonly Upload[]): Sending {
    const sending: Sending = { uploads: new Set(uploads), controller: new AbortController() };
    this.#slots.add(sending);
    for (const upload of uploads) {
      this.#running.set(upload, sending);
      upload.state = 'sending';
      delete upload.problem;
    }
    return sending;
  }

  async #sendOne(upload: Upload): Promise<void> {
    const sending = this.#begin([upload]);
    const meter = new SpeedMeter();
    let begun = false;
    const onProgress = (sent: number) => {
      if (!sending.uploads.has(upload)) return;
      // The first one only says where it begins.
      if (begun && sent > upload.sent) {
        this.#moved += sent - upload.sent;
        upload.retries = 0;
      }
      begun = true;
      upload.sent = Math.min(sent, upload.size);
      upload.speed = meter.add(this.now(), upload.sent);
      this.outcome.progressed();
    };
    const onPlace = (url: string) => {
      if (!sending.uploads.has(upload)) return;
      upload.url = url;
      this.outcome.placed(upload);
    };
    try {
      const { signal } = sending.controller;
      const answer = await this.transports.one(upload, { signal, onProgress, onPlace });
      if (sending.uploads.has(upload)) this.outcome.arrived(upload, answer);
    } catch (problem) {
      if (sending.uploads.has(upload)) this.outcome.failed(upload, problem as UploadProblem, false);
    }
    this.#slots.delete(sending);
    this.outcome.ended();
  }

  async #sendMany(batch: readonly Upload[]): Promise<void> {
    const sending = this.#begin(batch);
    let seen = 0;
    const onProgress = (sent: number) => {
      this.#moved += Math.max(0, sent - seen);
      seen = sent;
      spread(batch, sending.uploads, sent);
      this.outcome.progressed();
    };
    let problem: UploadProblem = { kind: 'connection', status: 0 };
    try {
      await this.transports.many(batch, {
        signal: sending.controller.signal,
        onProgress,
        onResult: (index, result) => {
          const upload = batch[index];
          if (!upload || !sending.uploads.has(upload)) return;
          if ('file' in result) this.outcome.arrived(upload, result.file);
          else this.outcome.failed(upload, result.problem, false);
          this.outcome.progressed();
        },
      });
    } catch (thrown) {
      problem = thrown as UploadProblem;
    }
    // A request that ended early has no word about some of them.
    for (const [at, upload] of [...sending.uploads].entries()) this.outcome.failed(upload, problem, at > 0);
    this.#slots.delete(sending);
    this.outcome.ended();
  }
}

/** Says for each of a batch how much of it is through: they go one after the other. */
function spread(batch: readonly Upload[], open: ReadonlySet<Upload>, sent: number): void {
  let rest = sent;
  for (const upload of batch) {
    if (open.has(upload)) upload.sent = Math.min(upload.size, rest);
    rest = Math.max(0, rest - upload.size);
  }
}
