import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, api, errorFrom, isAbort, sentenceOf } from './api';
import { session } from './session';

const fetched = vi.fn<typeof fetch>();

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
}

beforeEach(() => {
  fetched.mockReset();
  vi.stubGlobal('fetch', fetched);
});
afterEach(() => vi.unstubAllGlobals());

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no failure',
    (thrown) => thrown,
  );
}

describe('api', () => {
  test('sends a query without what is not set', async () => {
    fetched.mockResolvedValue(answer(200, { total: 0 }));
    await api.get('/list', { query: { tag: 'a b', q: '', limit: 5, cursor: undefined } });
    expect(fetched.mock.calls[0]?.[0]).toBe('/list?tag=a+b&limit=5');
  });

  test('an answer without content is nothing', async () => {
    fetched.mockResolvedValue(answer(204, null));
    expect(await api.delete('/x')).toBeUndefined();
  });

  test('a problem becomes its sentence', async () => {
    fetched.mockResolvedValue(answer(422, { detail: 'The name is too long.', errors: [{ message: 'm' }] }));
    const thrown = (await failure(api.post('/x', {}))) as ApiError;
    expect([thrown.message, thrown.status, thrown.errors.length]).toEqual(['The name is too long.', 422, 1]);
  });

  test('an unreachable server becomes a sentence', async () => {
    fetched.mockRejectedValue(new TypeError('failed to fetch'));
    const thrown = (await failure(api.get('/x'))) as ApiError;
    expect([sentenceOf(thrown), thrown.unreachable]).toEqual(['The server cannot be reached.', true]);
  });

  test('what we cancelled ourselves stays a cancellation', async () => {
    fetched.mockRejectedValue(new DOMException('gone', 'AbortError'));
    expect(isAbort(await failure(api.get('/x')))).toBe(true);
  });

  test('a 401 asks once for all requests and then they go on', async () => {
    let signedIn = false;
    fetched.mockImplementation(async () =>
      signedIn ? answer(200, { ok: true }) : answer(401, { detail: 'Sign in.' }),
    );
    const both = Promise.all([api.get('/a'), api.post('/b', { kept: 1 })]);
    await vi.waitFor(() => expect(session.needed).toBe(true));
    await vi.waitFor(() => expect(fetched).toHaveBeenCalledTimes(2));
    signedIn = true;
    session.succeeded();
    expect(await both).toEqual([{ ok: true }, { ok: true }]);
    expect(fetched.mock.calls[3]?.[1]?.body).toBe('{"kept":1}');
    expect(session.needed).toBe(false);
  });

  test('whoever declines to sign in gets a sentence', async () => {
    fetched.mockImplementation(async () => answer(401, {}));
    const work = failure(api.get('/a'));
    await vi.waitFor(() => expect(session.needed).toBe(true));
    session.declined('You are not signed in.');
    expect(sentenceOf(await work)).toBe('You are not signed in.');
  });

  test('the login itself is not asked to log in', async () => {
    fetched.mockResolvedValue(answer(401, { detail: 'That key is not right.' }));
    const thrown = await failure(api.post('/session', {}, { neverAsk: true }));
    expect([sentenceOf(thrown), session.needed]).toEqual(['That key is not right.', false]);
  });
});

test('a proxy’s HTML page still becomes a sentence, with the wait it asks for', () => {
  const error = errorFrom(503, '<html>', '5');
  expect([error.message, error.retryAfter]).toEqual(['The server could not do this (503).', 5]);
  expect(errorFrom(404, '{"detail":"File not found"}', null).message).toBe('File not found');
  expect(new ApiError('x', 0).retryAfter).toBeUndefined();
});
