/** The browser that Debian brings, and the addresses of our pages. */
import { type Browser, chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

export const DASHBOARD = '/static/dashboard.html';
export const FILES = '/static/files.html';
/** Every file in one flat list. */
export const ALL_FILES = `${FILES}?view=all`;
export const LOGIN = '/static/login.html';
export const SETUP = '/static/setup.html';
export const ACCOUNT = '/static/account.html';
export const USERS = '/static/users.html';
export const ALERTS = '/static/alerts.html';
export const AUDIT = '/static/audit.html';
export const SETTINGS = '/static/settings.html';

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS.split(' ') });
}
