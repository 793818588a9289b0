/** What an upload is, for the queue, the transports, what keeps them, and the page. */
import type { FileInfo } from './types';

export type UploadState =
  | 'waiting'
  | 'sending'
  /** The connection dropped: it goes on by itself after a while. */
  | 'pausing'
  | 'paused'
  /** Something of this name is there: a person decides. */
  | 'conflict'
  /** Known from before, but the browser has no file for it: it must be chosen again. */
  | 'fileless'
  | 'failed'
  | 'skipped'
  | 'done';

/** What the server does when the name is taken. */
export type OnConflict = 'fail' | 'keep' | 'rename' | 'replace';
/** What a person may answer to that. */
export type Choice = 'skip' | 'rename' | 'replace' | 'keep';

export const EXISTS = 'urn:homeserver:exists';
export const CHANGED = 'urn:homeserver:changed';

/** Why a file did not arrive: what a person reads is made from this by the page. */
export interface UploadProblem {
  kind:
    | 'connection'
    | 'unreadable'
    | 'refused'
    /** What the server has is not the beginning of this file. */
    | 'other';
  /** HTTP status; 0 when there was no answer. */
  status: number;
  /** Which kind of refusal, where the status alone does not say. */
  type?: string;
  /** The server's own sentence, when it gave one. */
  detail?: string;
  /** Seconds the server asked to wait. */
  retryAfter?: number;
}

/** Where uploads go, and how. */
export interface UploadPlan {
  /** A folder's id; `mine` is one's own root. */
  folder: string;
  folderName: string;
  tags: readonly string[];
  /** With the household, as soon as it has arrived. */
  shared: boolean;
  onConflict: OnConflict;
  /** The file that gets this as its new version. */
  replaces?: string;
  /** The state of that file which was meant. */
  ifMatch?: string;
}

export interface Upload extends UploadPlan {
  readonly key: string;
  file: File | null;
  /** Folders and name, below the folder it goes to. */
  path: string;
  readonly size: number;
  /** When the file was last changed, in ms; 0 while only its name and size are known, and not what is in it. */
  modified: number;
  /** Begun on another device or in another browser, as far as is known: the bytes have not been compared yet. */
  elsewhere: boolean;
  state: UploadState;
  sent: number;
  /** Bytes per second, 0 while unknown. */
  speed: number;
  /** Automatic tries since the last progress. */
  retries: number;
  /** How it was asked for when its file was chosen: so it goes if what the server has is not of this file. */
  chosen?: UploadPlan & { path: string };
  /** How many bytes on the server are known to be of this file: this page sent or compared them. */
  own?: number;
  /** The file is being compared with what the server has. */
  comparing?: boolean;
  /** Where the server keeps what it has of it. */
  url?: string;
  /** The browser keeps a copy of the file, so that even a reload of the page does not need it again. */
  kept: boolean;
  problem?: UploadProblem;
  answer?: FileInfo;
}

/** A file to be added, with the folders it lay in. */
export interface Candidate {
  file: File;
  path?: string;
}

export interface SendOptions {
  signal: AbortSignal;
  /** Bytes that are through; the first call after a resumption says where it begins. */
  onProgress: (sentBytes: number) => void;
  /** The server has made a place for it. */
  onPlace: (url: string) => void;
}

/** Sends one file, resumably. Rejects with an UploadProblem. */
export type SendOne = (upload: Upload, options: SendOptions) => Promise<FileInfo | undefined>;

/** What became of one of many. */
export type BatchResult = { file: FileInfo } | { problem: UploadProblem };

export interface BatchOptions {
  signal: AbortSignal;
  /** Bytes of all of them that are through. */
  onProgress: (sentBytes: number) => void;
  onResult: (index: number, result: BatchResult) => void;
}

/** Sends many small files in one request. Rejects with an UploadProblem when the request as a whole failed. */
export type SendMany = (uploads: readonly Upload[], options: BatchOptions) => Promise<void>;

export interface QueueTotals {
  count: number;
  done: number;
  failed: number;
  /** Waiting, sending or pausing. */
  open: number;
  paused: number;
  conflicts: number;
  fileless: number;
  bytes: number;
  sentBytes: number;
  speed: number;
}

/** Whether it goes on by itself. */
export function isOpen(upload: Pick<Upload, 'state'>): boolean {
  return upload.state === 'waiting' || upload.state === 'sending' || upload.state === 'pausing';
}

/** Whether nothing is left to be done for it, by anybody. */
export function isSettled(upload: Pick<Upload, 'state'>): boolean {
  return upload.state === 'done' || upload.state === 'skipped';
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const ORDER: readonly UploadState[] = [
  'sending',
  'pausing',
  'conflict',
  'failed',
  'fileless',
  'paused',
  'waiting',
  'skipped',
  'done',
];

/** The rows as a person wants them: what moves first, then what needs a hand, then the rest. */
export function byInterest(uploads: readonly Upload[]): Upload[] {
  const groups = new Map<UploadState, Upload[]>(ORDER.map((state) => [state, []]));
  for (const upload of uploads) groups.get(upload.state)?.push(upload);
  return [...groups.values()].flat();
}
