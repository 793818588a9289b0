import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, api, errorFrom, isAbort, sentenceOf } from './api';
import type { SessionState } from './people';
import { session } from './session';

const fetched = vi.fn<typeof fetch>();

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
}

const SIGNED_IN: SessionState = {
  required: true,
  authenticated: true,
  method: 'session',
  setup: false,
  user: { id: '1', name: 'ada', display_name: 'Ada', role: 'administrator' },
  role: 'administrator',
  providers: { password: true, api_key: false, passkey: true, oidc: '' },
  expires_at: null,
};

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
    fetched.mockImplementation(async (path) => {
      if (path === '/api/v1/session') return answer(503, {});
      return signedIn ? answer(200, { ok: true }) : answer(401, { detail: 'Sign in.' });
    });
    const both = Promise.all([api.get('/a'), api.post('/b', { kept: 1 })]);
    await vi.waitFor(() => expect(session.needed).toBe('ended'));
    await vi.waitFor(() => expect(fetched.mock.calls.map(([path]) => path)).toContain('/b'));
    signedIn = true;
    session.succeeded(SIGNED_IN);
    expect(await both).toEqual([{ ok: true }, { ok: true }]);
    expect(fetched.mock.calls.filter(([path]) => path === '/b').map(([, init]) => init?.body)).toEqual([
      '{"kept":1}',
      '{"kept":1}',
    ]);
    expect(session.needed).toBeNull();
  });

  test('whoever declines to sign in gets a sentence', async () => {
    fetched.mockImplementation(async () => answer(401, {}));
    const work = failure(api.get('/a'));
    await vi.waitFor(() => expect(session.needed).toBe('ended'));
    session.declined('You are not signed in.');
    expect(sentenceOf(await work)).toBe('You are not signed in.');
  });

  test('the login itself is not asked to log in', async () => {
    fetched.mockResolvedValue(answer(401, { detail: 'That key is not right.' }));
    const thrown = await failure(api.post('/session', {}, { neverAsk: true }));
    expect([sentenceOf(thrown), session.needed]).toEqual(['That key is not right.', null]);
  });

  test('a weighty change asks who it is, and is then made', async () => {
    let confirmed = false;
    fetched.mockImplementation(async () =>
      confirmed
        ? answer(204, null)
        : answer(401, { type: 'urn:homeserver:confirm', detail: 'Sign in again.' }),
    );
    const work = api.delete('/passkey');
    await vi.waitFor(() => expect(session.needed).toBe('confirm'));
    confirmed = true;
    session.succeeded(SIGNED_IN);
    expect(await work).toBeUndefined();
  });
});

test('a proxy’s HTML page still becomes a sentence, with the wait it asks for', () => {
  const error = errorFrom(503, '<html>', '5');
  expect([error.message, error.retryAfter]).toEqual(['The server could not do this (503).', 5]);
  expect(errorFrom(404, '{"detail":"File not found"}', null).message).toBe('File not found');
  expect(new ApiError('x', 0).retryAfter).toBeUndefined();
});
