import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SessionState, User } from './people';
import { Session } from './session';

const ADA: User = { id: '1', name: 'ada', display_name: 'Ada', role: 'administrator' };
const BOB: User = { id: '2', name: 'bob', display_name: 'Bob', role: 'member' };
const replaced = vi.fn();
const reloaded = vi.fn();
let answer: SessionState | undefined;

function state(user: User | null, part: Partial<SessionState> = {}): SessionState {
  return {
    required: true,
    authenticated: user !== null,
    method: user ? 'session' : '',
    setup: false,
    user,
    role: user?.role ?? '',
    providers: { password: true, api_key: false, passkey: false, oidc: '' },
    expires_at: null,
    ...part,
  };
}

beforeEach(() => {
  replaced.mockReset();
  reloaded.mockReset();
  vi.stubGlobal('location', {
    pathname: '/static/files.html',
    search: '',
    hash: '',
    replace: replaced,
    reload: reloaded,
  });
  vi.stubGlobal('BroadcastChannel', undefined);
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(answer), { status: answer ? 200 : 503 }));
});
afterEach(() => vi.unstubAllGlobals());

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('who is asked, and how', () => {
  test('nobody was here yet: the page for signing in, and back', async () => {
    answer = state(null);
    const session = new Session();
    void session.ask();
    await vi.waitFor(() => expect(replaced).toHaveBeenCalled());
    expect(replaced.mock.calls[0]?.[0]).toBe('/static/login.html?next=%2Fstatic%2Ffiles.html');
    expect(session.needed).toBeNull();
  });

  test('nothing is set up yet: the setup', async () => {
    answer = state(null, { setup: true });
    void new Session().ask();
    await vi.waitFor(() => expect(replaced).toHaveBeenCalledWith('/static/setup.html'));
  });

  test('a session that ends on an open page: the dialog, and everything goes on', async () => {
    answer = state(ADA);
    const session = new Session();
    await session.read();
    const work = session.ask();
    expect([session.needed, replaced.mock.calls.length]).toEqual(['ended', 0]);
    session.succeeded(state(ADA));
    await work;
    expect([session.needed, reloaded.mock.calls.length]).toEqual([null, 0]);
  });

  test('somebody else signs in: the page begins anew, and no request of the first goes on', async () => {
    answer = state(ADA);
    const session = new Session();
    await session.read();
    const went = vi.fn();
    void session.ask().then(went, went);
    session.succeeded(state(BOB));
    await settled();
    expect([reloaded.mock.calls.length, went.mock.calls.length]).toEqual([1, 0]);
  });

  test('an ended session outweighs a confirmation', async () => {
    answer = state(ADA);
    const session = new Session();
    await session.read();
    const both = Promise.all([session.ask('confirm'), session.ask()]);
    expect(session.needed).toBe('ended');
    session.succeeded(state(ADA));
    await both;
  });

  test('the server is away: the dialog waits on this page', async () => {
    answer = undefined;
    const session = new Session();
    const work = session.ask().catch((reason: Error) => reason.message);
    await vi.waitFor(() => expect(session.needed).toBe('ended'));
    session.declined('You are not signed in.');
    expect(await work).toBe('You are not signed in.');
  });
});
