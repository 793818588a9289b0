/** Sends one file with XMLHttpRequest: fetch still cannot report the progress of what it sends. */
import { errorFrom } from './api';
import type { UploadAnswer } from './types';
import type { SendOptions, UploadProblem } from './uploads-types';

export const UPLOAD_URL = '/api/v1/files/upload';

/**
 * A connection that took no byte for this long is given up: after sleep or a change of network it may otherwise hang
 * for many minutes. It only counts while bytes remain to be sent, since the server may take its time to make them durable.
 */
export const STALL_MS = 60_000;

export function sendFile(file: File, tags: readonly string[], options: SendOptions): Promise<UploadAnswer> {
  const { shared, signal, onProgress } = options;
  return new Promise((resolve, reject: (problem: UploadProblem) => void) => {
    const request = new XMLHttpRequest();
    let stall: ReturnType<typeof setTimeout> | undefined;
    const watch = (sent: number, total: number) => {
      clearTimeout(stall);
      if (sent < total) stall = setTimeout(() => request.abort(), STALL_MS);
    };
    const dropped = () => {
      clearTimeout(stall);
      void isReadable(file).then((readable) =>
        reject({ kind: readable ? 'connection' : 'unreadable', status: 0 }),
      );
    };
    request.upload.onprogress = (event) => {
      watch(event.loaded, event.total);
      onProgress(event.loaded);
    };
    request.onload = () => {
      clearTimeout(stall);
      const answer = parse(request.responseText);
      if (request.status === 200 && isAnswer(answer)) resolve(answer);
      else reject(problemOf(request));
    };
    request.onerror = dropped;
    request.onabort = dropped;
    signal.addEventListener('abort', () => request.abort(), { once: true });

    const form = new FormData();
    // Before the file, so that a server can read these without waiting for the bytes.
    if (shared) form.append('shared', 'true');
    if (tags.length > 0) form.append('tags', tags.join(','));
    form.append('file', file, file.name);
    request.open('POST', UPLOAD_URL);
    request.setRequestHeader('Accept', 'application/json');
    request.send(form);
    watch(0, 1);
  });
}

/** A folder that was dropped, or a file that changed or vanished since, fails like a dropped connection: this tells them apart. */
async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isAnswer(value: unknown): value is UploadAnswer {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
}

function problemOf(request: XMLHttpRequest): UploadProblem {
  const error = errorFrom(request.status, request.responseText, request.getResponseHeader('Retry-After'));
  const problem: UploadProblem = { kind: 'refused', status: error.status, detail: error.message };
  if (error.retryAfter !== undefined) problem.retryAfter = error.retryAfter;
  return problem;
}
