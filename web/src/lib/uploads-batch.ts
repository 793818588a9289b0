/**
 * Many small files in one request: a folder of thousands would otherwise wait a round trip and a flush of the disk for
 * each. XMLHttpRequest, because fetch still cannot report the progress of what it sends.
 */
import { errorFrom } from './api';
import type { FileInfo } from './types';
import type { BatchOptions, BatchResult, Upload, UploadProblem } from './uploads-types';

export const BATCH_URL = '/api/v1/files/batch';
/** Larger files go one by one and resumably: what a dropped connection repeats stays small. */
export const SMALL_BYTES = 1024 * 1024;
/** Of one request: enough that its round trip does not count, few enough that a pause or a reload repeats little. */
export const BATCH_FILES = 100;
export const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * A connection that took no byte for this long is given up: after sleep or a change of network it may otherwise hang
 * for many minutes. It only counts while bytes remain to be sent, since the server may take its time to make them durable.
 */
export const STALL_MS = 60_000;

export const UNREADABLE: UploadProblem = { kind: 'unreadable', status: 0 };

export function sendBatch(uploads: readonly Upload[], options: BatchOptions): Promise<void> {
  const { signal, onProgress, onResult } = options;
  return new Promise((resolve, reject: (problem: UploadProblem) => void) => {
    const request = new XMLHttpRequest();
    const watch = stallWatch(() => request.abort());
    const lines = new LineReader((line) => {
      const result = resultOf(line);
      if (result) onResult(result.index, result.result);
    });
    const dropped = async () => {
      watch.stop();
      // One file that is gone ends the request of all: the others go on without it.
      if (!signal.aborted)
        for (const index of await unreadable(uploads)) onResult(index, { problem: UNREADABLE });
      reject({ kind: 'connection', status: 0 });
    };
    request.upload.onprogress = (event) => {
      watch.saw(event.loaded < event.total);
      onProgress(event.loaded);
    };
    request.onprogress = () => {
      if (request.status === 200) lines.read(request.responseText);
    };
    request.onload = () => {
      watch.stop();
      if (request.status !== 200) return reject(problemOf(request));
      lines.read(`${request.responseText}\n`);
      resolve();
    };
    request.onerror = () => void dropped();
    request.onabort = () => void dropped();
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.open('POST', BATCH_URL);
    request.setRequestHeader('Accept', 'application/x-ndjson, application/problem+json');
    request.send(formOf(uploads));
    watch.saw(true);
  });
}

/** All of a batch go to one place in one way; see `fitsBatch`. */
function formOf(uploads: readonly Upload[]): FormData {
  const form = new FormData();
  const [first] = uploads;
  // Before the files, so that the server can read these without waiting for the bytes.
  if (first) {
    form.append('folder', first.folder);
    form.append('on_conflict', first.onConflict);
    if (first.tags.length > 0) form.append('tags', first.tags.join(','));
    if (first.shared) form.append('shared', 'true');
  }
  for (const { file, path } of uploads) if (file) form.append('file', file, path);
  return form;
}

/** Whether a file may go in a request with others at all: sent twice by a cut connection, it must not be there twice. */
export function isSmall(upload: Upload): boolean {
  const repeatable = upload.onConflict === 'fail' || upload.onConflict === 'replace';
  return (
    upload.size <= SMALL_BYTES && repeatable && upload.replaces === undefined && upload.url === undefined
  );
}

export function fitsBatch(first: Upload, other: Upload): boolean {
  return (
    isSmall(other) &&
    first.folder === other.folder &&
    first.onConflict === other.onConflict &&
    first.shared === other.shared &&
    first.tags.join(',') === other.tags.join(',')
  );
}

/** The upload at an index, and what may go in one request with it. */
export function batchFrom(uploads: readonly Upload[], index: number, first: Upload): [Upload, ...Upload[]] {
  const batch: [Upload, ...Upload[]] = [first];
  if (!isSmall(first)) return batch;
  let bytes = first.size;
  for (let at = index + 1; at < uploads.length && batch.length < BATCH_FILES && bytes < BATCH_BYTES; at++) {
    const other = uploads[at];
    if (other?.state !== 'waiting' || !fitsBatch(first, other)) continue;
    batch.push(other);
    bytes += other.size;
  }
  return batch;
}

/** Gives the lines of a text that grows. */
export class LineReader {
  #at = 0;

  constructor(private readonly onLine: (line: string) => void) {}

  read(text: string): void {
    for (let end = text.indexOf('\n', this.#at); end >= 0; end = text.indexOf('\n', this.#at)) {
      const line = text.slice(this.#at, end).trim();
      this.#at = end + 1;
      if (line !== '') this.onLine(line);
    }
  }
}

type Line = {
  index?: number;
  status?: number;
  file?: FileInfo;
  detail?: string;
  type?: string;
};

/** One line of the answer; the last one, which only counts, is none. */
export function resultOf(text: string): { index: number; result: BatchResult } | undefined {
  let line: Line;
  try {
    line = JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
  if (typeof line.index !== 'number') return undefined;
  if (line.file) return { index: line.index, result: { file: line.file } };
  const { index, status = 0, detail, type } = line;
  const problem: UploadProblem = { kind: 'refused', status };
  if (detail !== undefined) problem.detail = detail;
  if (type !== undefined) problem.type = type;
  return { index, result: { problem } };
}

function problemOf(request: XMLHttpRequest): UploadProblem {
  return refusal(request.status, request.responseText, request.getResponseHeader('Retry-After'));
}

/** A problem from an answer's status and body. */
export function refusal(status: number, body: string, retryAfter: string | null): UploadProblem {
  const error = errorFrom(status, body, retryAfter);
  const problem: UploadProblem = { kind: 'refused', status, detail: error.message };
  if (error.type !== '') problem.type = error.type;
  if (error.retryAfter !== undefined) problem.retryAfter = error.retryAfter;
  return problem;
}

/** Calls `onStall` when nothing was seen for too long while more should have come. */
export function stallWatch(onStall: () => void): { saw: (more: boolean) => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => clearTimeout(timer);
  const saw = (more: boolean) => {
    stop();
    if (more) timer = setTimeout(onStall, STALL_MS);
  };
  return { saw, stop };
}

async function unreadable(uploads: readonly Upload[]): Promise<number[]> {
  const readable = await Promise.all(uploads.map(({ file }) => file !== null && isReadable(file)));
  return readable.flatMap((can, index) => (can ? [] : [index]));
}

/** A file that changed or vanished since it was chosen fails like a dropped connection: this tells them apart. */
export async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
