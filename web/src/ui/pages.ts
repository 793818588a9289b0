/** The pages of the house, in the order the navigation shows them, and who has them. */
import { ACCOUNT, DASHBOARD, FILES } from '../lib/next';
import type { SessionState } from '../lib/people';
import { messages } from '../messages/en';

const words = messages.shell;
export const ALERTS_PAGE = '/static/alerts.html';

export const pages = [
  { id: 'dashboard', href: DASHBOARD, label: words.dashboard, more: false },
  { id: 'files', href: FILES, label: words.files, more: false },
  { id: 'account', href: ACCOUNT, label: words.account, more: false },
  { id: 'alerts', href: ALERTS_PAGE, label: words.alerts, more: true },
  { id: 'users', href: '/static/users.html', label: words.users, more: true },
  { id: 'audit', href: '/static/audit.html', label: words.audit, more: true },
  { id: 'settings', href: '/static/settings.html', label: words.settings, more: true },
] as const;

export type NavigationPage = (typeof pages)[number];
export type PageName = NavigationPage['id'];

/** The pages that somebody has; until it is known who they are, those that nearly everybody has. */
export function pagesFor(state: SessionState | undefined): NavigationPage[] {
  return pages.filter(({ id }) => mayOpen(id, state));
}

export function mayOpen(page: PageName, state: SessionState | undefined): boolean {
  if (page === 'files') return true;
  if (page === 'dashboard' || page === 'alerts') return state?.role !== 'guest';
  if (page === 'account') return Boolean(state?.user);
  if (page === 'settings') return state?.role === 'administrator';
  // Where nobody is asked who they are, accounts are managed at the server's terminal only.
  return state?.role === 'administrator' && state.method !== 'none';
}
