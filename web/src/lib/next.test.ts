import { describe, expect, test } from 'vitest';
import { doorFor, homeOf, safeNext } from './next';
import type { SessionState } from './people';

const ORIGIN = 'https://home.example';
const next = (value: string) => safeNext(`?${new URLSearchParams({ next: value })}`, ORIGIN);

describe('next', () => {
  test('a page of this house, with all that belongs to it', () => {
    expect(next('/static/files.html')).toBe('/static/files.html');
    expect(next('/static/files.html?q=a b&tag=x#top')).toBe('/static/files.html?q=a%20b&tag=x#top');
  });

  test.each([
    '',
    'https://evil.example/static/files.html',
    '//evil.example/static/',
    '/\\evil.example/static/',
    '\\\\evil.example',
    'javascript:alert(1)//static/',
    '/static/..//evil.example',
    '/static/%2e%2e//evil.example',
    '/static/..\\..\\evil.example',
    '/static/../api/v1/session/oidc',
    '/staticevil/',
    '/files.html',
    'static/files.html',
    ' /static/files.html',
    '/static/login.html?next=/static/login.html',
    '/static/setup.html',
    '/static/x/../invite.html',
  ])('never %s', (value) => {
    expect(next(value)).toBeUndefined();
  });

  test('none at all', () => {
    expect(safeNext('', ORIGIN)).toBeUndefined();
  });
});

const state = (part: Partial<SessionState>): SessionState => ({
  required: true,
  authenticated: false,
  method: '',
  setup: false,
  user: null,
  role: '',
  providers: { password: true, api_key: false, passkey: false, oidc: '' },
  expires_at: null,
  ...part,
});

test('the door comes first, and leads back', () => {
  const here = { pathname: '/static/files.html', search: '?tag=x', hash: '' };
  expect(doorFor(state({ setup: true }), here)).toBe('/static/setup.html');
  expect(doorFor(state({ authenticated: true }), here)).toBeUndefined();
  expect(doorFor(state({ required: false, authenticated: true, method: 'none' }), here)).toBeUndefined();
  const door = new URL(doorFor(state({}), here) ?? '', ORIGIN);
  expect([door.pathname, safeNext(door.search, ORIGIN)]).toEqual([
    '/static/login.html',
    '/static/files.html?tag=x',
  ]);
});

test('guests begin with the files', () => {
  expect([homeOf({ role: 'guest' }), homeOf({ role: 'member' })]).toEqual([
    '/static/files.html',
    '/static/dashboard.html',
  ]);
});
