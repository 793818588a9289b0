/** What an upload is, for the queue, the transport and the page. */
import type { UploadAnswer } from './types';

export type UploadState = 'waiting' | 'sending' | 'pausing' | 'done' | 'failed' | 'cancelled';

/** Why a file did not arrive: what a person reads is made from this by the page. */
export interface UploadProblem {
  kind: 'connection' | 'unreadable' | 'refused';
  /** HTTP status; 0 when there was no answer. */
  status: number;
  /** The server's own sentence, when it gave one. */
  detail?: string;
  /** Seconds the server asked to wait. */
  retryAfter?: number;
}

export interface Upload {
  readonly key: number;
  readonly file: File;
  /** Name with the folders it came from, for people only: the server keeps the last element. */
  readonly path: string;
  readonly tags: readonly string[];
  /** With the household, as soon as it has arrived. */
  readonly shared: boolean;
  state: UploadState;
  sent: number;
  /** Bytes per second, 0 while unknown. */
  speed: number;
  /** Automatic tries so far. */
  retries: number;
  problem?: UploadProblem;
  answer?: UploadAnswer;
}

export interface SendOptions {
  /** Shared with the household at once. */
  shared: boolean;
  signal: AbortSignal;
  onProgress: (sentBytes: number) => void;
}

/** Sends one file. Resolves with the server's answer; rejects with an UploadProblem. */
export type Transport = (file: File, tags: readonly string[], options: SendOptions) => Promise<UploadAnswer>;

export interface QueueTotals {
  count: number;
  done: number;
  failed: number;
  /** Waiting, sending or pausing. */
  open: number;
  bytes: number;
  sentBytes: number;
  speed: number;
}

export function isOpen(upload: Upload): boolean {
  return upload.state === 'waiting' || upload.state === 'sending' || upload.state === 'pausing';
}

const ORDER: Record<UploadState, number> = {
  sending: 0,
  pausing: 1,
  failed: 2,
  waiting: 3,
  cancelled: 4,
  done: 5,
};

/** The rows as a person wants them: what moves first, then what needs a hand, then the rest. */
export function byInterest(uploads: readonly Upload[]): Upload[] {
  return [...uploads].sort((a, b) => ORDER[a.state] - ORDER[b.state] || a.key - b.key);
}
