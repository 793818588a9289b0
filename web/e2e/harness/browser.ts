/** The browser that Debian brings, and the addresses of our pages. */
import { type Browser, chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
/**
 * What is not for the page. Each window prepares two pages of its own for the address bar's suggestions (the last two),
 * which costs more than a page of ours does. The list takes the place of Playwright's own, of which the others are.
 */
const WITHOUT = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay',
  'MediaRouter',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
];
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${WITHOUT.join(',')}`,
];

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
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}
