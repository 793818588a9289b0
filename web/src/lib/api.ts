/**
 * The door to the server. Every failure leaves here as an ApiError whose message is one sentence a person
 * can read. A 401 asks once, over the page, who it is, and the request then goes on as if nothing had been.
 */
import { messages } from '../messages/en';
import { Sentence } from './sentence';
import { session } from './session';

/** The kinds of 401 that a page must tell apart from "sign in". */
export const SECOND_FACTOR = 'urn:homeserver:second-factor';
const CONFIRM = 'urn:homeserver:confirm';
/** A name is taken already. */
export const EXISTS = 'urn:homeserver:exists';
/** Somebody else changed it meanwhile. */
export const CHANGED = 'urn:homeserver:changed';

export type FieldError = { message: string; location?: string };

/** What went wrong, in one sentence; status 0 means the server was not reached at all. */
export class ApiError extends Sentence {
  constructor(
    message: string,
    readonly status: number,
    readonly errors: FieldError[] = [],
    /** Seconds the server asked us to wait, if it did. */
    readonly retryAfter?: number,
    /** Which kind of problem it is, where its status alone does not say. */
    readonly type: string = '',
    /** The second word that is asked for, where one is: how many files it is about. */
    readonly confirm: string = '',
  ) {
    super(message);
    this.name = 'ApiError';
  }

  get unreachable(): boolean {
    return this.status === 0;
  }
}

export type QueryValue = string | number | boolean | null | undefined;

export type RequestOptions = {
  query?: Record<string, QueryValue>;
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal;
  /** Only if it still is what this ETag says; an empty one asks for nothing. */
  ifMatch?: string;
  /** Goes on although the page is left. */
  keepalive?: boolean;
  /** A 401 is an answer, not a question: used by the login dialog itself. */
  neverAsk?: boolean;
};

/** Sends one request and returns its JSON; void for an empty answer. */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  const init: RequestInit = { method, headers, signal: options.signal ?? null };
  if (options.keepalive) init.keepalive = true;
  if (options.ifMatch) headers['If-Match'] = options.ifMatch;
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(options.body);
  }
  const response = await send(path + queryString(options.query), init, options.neverAsk);
  try {
    const text = await response.text();
    // Some answers say all with their status.
    return (text === '' ? undefined : JSON.parse(text)) as T;
  } catch (cause) {
    if (isAbort(cause)) throw cause;
    throw new ApiError(messages.errors.unreadable, response.status);
  }
}

export const api = {
  get: <T>(path: string, options?: RequestOptions) => request<T>('GET', path, options),
  post: <T>(path: string, body?: unknown, options?: RequestOptions) =>
    request<T>('POST', path, { ...options, body }),
  patch: <T>(path: string, body: unknown, options?: RequestOptions) =>
    request<T>('PATCH', path, { ...options, body }),
  put: <T>(path: string, body: unknown, options?: RequestOptions) =>
    request<T>('PUT', path, { ...options, body }),
  delete: <T>(path: string, options?: RequestOptions) => request<T>('DELETE', path, options),
};

/** The sentence to show for anything that was thrown. */
export function sentenceOf(thrown: unknown): string {
  if (thrown instanceof Sentence) return thrown.message;
  return messages.errors.unexpected;
}

/** Whether a thrown value only says that we cancelled the request ourselves. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}

/** Makes an ApiError of an answer's status, body and Retry-After; shared with the uploads, which use XHR. */
export function errorFrom(status: number, body: string, retryAfter: string | null): ApiError {
  const seconds = Number(retryAfter);
  const wait = retryAfter !== null && Number.isFinite(seconds) ? seconds : undefined;
  let detail = '';
  let type = '';
  let confirm = '';
  let errors: FieldError[] = [];
  try {
    const problem = JSON.parse(body) as Record<'detail' | 'type' | 'confirm', unknown> & {
      errors?: FieldError[];
    };
    if (typeof problem.type === 'string') type = problem.type;
    if (typeof problem.detail === 'string') detail = problem.detail;
    if (typeof problem.confirm === 'string') confirm = problem.confirm;
    if (Array.isArray(problem.errors)) errors = problem.errors;
  } catch {
    // A proxy's HTML error page: the status is all there is.
  }
  return new ApiError(detail || messages.errors.status(status), status, errors, wait, type, confirm);
}

async function send(url: string, init: RequestInit, neverAsk = false): Promise<Response> {
  for (;;) {
    const response = await reach(url, init);
    if (response.ok) return response;
    const error = errorFrom(response.status, await response.text(), response.headers.get('Retry-After'));
    if (response.status !== 401 || neverAsk) throw error;
    await session.ask(error.type === CONFIRM ? 'confirm' : 'ended');
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    if (isAbort(cause)) throw cause;
    throw new ApiError(messages.errors.unreachable, 0);
  }
}

function queryString(query: Record<string, QueryValue> = {}): string {
  const set = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  );
  if (set.length === 0) return '';
  return `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`;
}
