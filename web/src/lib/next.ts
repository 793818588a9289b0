/** Where a page sends its reader: to the door, to the setup, and back to a page of this house only. */
import type { SessionState } from './people';

const PAGES = '/static/';
export const LOGIN = '/static/login.html';
/** Of the sign-in page's address: another page waits for it to be done. */
export const HELPING = 'done';
export const SETUP = '/static/setup.html';
export const DASHBOARD = '/static/dashboard.html';
export const ACCOUNT = '/static/account.html';
export const FILES = '/static/files.html';
/** Pages that lead somewhere else themselves: coming back to one would go round in circles. */
const DOORS = [LOGIN, SETUP, '/static/invite.html'];

/** The `next` of an address, if it is a page of this house; nothing else is ever followed. */
export function safeNext(search: string, origin: string = location.origin): string | undefined {
  const asked = new URLSearchParams(search).get('next');
  if (!asked?.startsWith(PAGES)) return undefined;
  let target: URL;
  try {
    // Dots and backslashes are resolved here as the browser will resolve them.
    target = new URL(asked, origin);
  } catch {
    return undefined;
  }
  const inside = target.origin === origin && target.pathname.startsWith(PAGES);
  if (!inside || DOORS.includes(target.pathname)) return undefined;
  return target.pathname + target.search + target.hash;
}

/** The page to begin with: guests have no dashboard. */
export function homeOf(state: Pick<SessionState, 'role'>): string {
  return state.role === 'guest' ? FILES : DASHBOARD;
}

/** The door that a reader of this page has to go through first, if any. */
export function doorFor(
  state: SessionState,
  here: Pick<Location, 'pathname' | 'search' | 'hash'>,
): string | undefined {
  if (state.setup) return SETUP;
  if (!state.required || state.authenticated) return undefined;
  return `${LOGIN}?${new URLSearchParams({ next: here.pathname + here.search + here.hash })}`;
}
