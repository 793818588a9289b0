/** Pictures of every state of every page, to be looked at: wide and narrow, dark and light. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { account } from '../src/messages/en.account';
import { alerts } from '../src/messages/en.alerts';
import { charts } from '../src/messages/en.charts';
import { filesMore } from '../src/messages/en.files-more';
import { notify } from '../src/messages/en.notify';
import { settings } from '../src/messages/en.settings';
import { signin } from '../src/messages/en.signin';
import { users } from '../src/messages/en.users';
import {
  ACCOUNT,
  ALERTS,
  ALL_FILES,
  AUDIT,
  DASHBOARD,
  FILES,
  LOGIN,
  SETTINGS,
  USERS,
} from './harness/browser';
import { check, panel, picker, row, rows, toasts, toolbar } from './harness/files';
import { cookiesOf, type SignedIn } from './harness/people';
import { BROKEN } from './harness/rules';
import type { Server } from './harness/server';
import { Wire } from './harness/wire';

const MB = 1024 * 1024;
/** What a list is looked at with that has more than fits. */
const MANY = 1000;
/** Longer than anything that is drawn at once: what is on its way says so by then. */
const LOADING_MS = 1500;
const words = messages.files;
const PAGES = {
  dashboard: DASHBOARD,
  files: FILES,
  account: ACCOUNT,
  alerts: ALERTS,
  people: USERS,
  audit: AUDIT,
  settings: SETTINGS,
};

const DESKTOP: BrowserContextOptions = { viewport: { width: 1440, height: 900 } };
const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
};
const LOOKS: { name: string; options: BrowserContextOptions }[] = [
  { name: 'dark-1440', options: { ...DESKTOP, colorScheme: 'dark' } },
  { name: 'light-1440', options: { ...DESKTOP, colorScheme: 'light' } },
  { name: 'dark-390', options: { ...PHONE, colorScheme: 'dark' } },
  { name: 'light-390', options: { ...PHONE, colorScheme: 'light' } },
];

/** Opens a page as the administrator, or as nobody. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
  session?: SignedIn,
): Promise<Page> {
  const cookies = session ? cookiesOf(session, new URL(url).hostname) : [];
  const storageState = { cookies, origins: [] };
  const page = await (await browser.newContext({ ...options, storageState })).newPage();
  await page.goto(url);
  return page;
}

export async function live(page: Page): Promise<void> {
  await page.locator('header').getByText(messages.connection.live).waitFor();
  await page.locator('canvas').nth(3).waitFor();
  await page.waitForTimeout(500);
}

/** Pictures of a house without files. */
export async function picturesOfNothing(browser: Browser, server: Server, folder: string): Promise<void> {
  for (const { name, options } of LOOKS) {
    const page = await open(browser, server.url + FILES, options, server.session);
    await page.getByText(words.empty).waitFor();
    await shot(page, join(folder, name), 'files-empty');
    await page.context().close();
  }
}

/** Pictures of everything that a household with files can come to see. */
export async function pictures(browser: Browser, server: Server, folder: string): Promise<void> {
  for (const { name, options } of LOOKS) await states(browser, server, join(folder, name), options);
  await fill(server);
  for (const { name, options } of LOOKS) await fullStates(browser, server, join(folder, name), options);
}

async function shot(page: Page, folder: string, name: string, fullPage = false): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.waitForTimeout(250);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}

async function states(
  browser: Browser,
  server: Server,
  folder: string,
  options: BrowserContextOptions,
): Promise<void> {
  const dashboard = await open(browser, server.url + DASHBOARD, options, server.session);
  await live(dashboard);
  await shot(dashboard, folder, 'dashboard');
  await dashboard.getByRole('button', { name: charts.showTable }).first().click();
  await dashboard.getByRole('table').scrollIntoViewIfNeeded();
  await shot(dashboard, folder, 'dashboard-table');
  await dashboard.keyboard.press('?');
  await shot(dashboard, folder, 'help');
  await dashboard.context().close();

  await waitingStates(browser, server, folder, options);
  await peopleStates(browser, server, folder, options);
  const wire = await Wire.start(server.port);
  const page = await open(browser, wire.url + FILES, options, server.session);
  await fileStates(page, folder);
  await uploadStates(page, folder, wire);
  await wire.stop();
  await page.getByRole('searchbox').fill('away');
  await page.getByText(words.loadFailed).waitFor();
  await shot(page, folder, 'files-error');
  await page.context().close();
}

async function peopleStates(
  browser: Browser,
  server: Server,
  folder: string,
  options: BrowserContextOptions,
): Promise<void> {
  const door = await open(browser, server.url + LOGIN, options);
  await door.getByLabel(signin.name, { exact: true }).waitFor();
  await shot(door, folder, 'sign-in');
  await door.context().close();
  const page = await open(browser, server.url + ACCOUNT, options, server.session);
  await page.getByText(account.tokens.empty).waitFor();
  await shot(page, folder, 'account');
  await page.getByRole('button', { name: account.tokens.add }).click();
  await shot(page, folder, 'account-token');
  await page.goto(server.url + USERS);
  await page.getByText(users.open.empty).waitFor();
  await shot(page, folder, 'people');
  await page.goto(server.url + AUDIT);
  await page.getByRole('table').waitFor();
  await shot(page, folder, 'audit-log');
  await page.goto(server.url + SETTINGS);
  await page.getByText(settings.integrity.title).waitFor();
  await page.getByText(notify.empty).waitFor();
  await shot(page, folder, 'settings', true);
  await page.getByRole('button', { name: notify.add }).click();
  await shot(page, folder, 'settings-channel');
  await page.goto(server.url + ALERTS);
  await page.getByText(alerts.open.none).waitFor();
  await shot(page, folder, 'alerts', true);
  await page.getByRole('button', { name: alerts.rules.add }).click();
  await shot(page, folder, 'alerts-rule');
  await page.context().close();
}

async function fileStates(page: Page, folder: string): Promise<void> {
  await rows(page).first().waitFor();
  await shot(page, folder, 'files');
  await row(page, 'Garden plan.txt').locator('button.more').click();
  await shot(page, folder, 'files-menu');
  await page.keyboard.press('Escape');
  await row(page, 'Garden plan.txt').locator('.name').click();
  await shot(page, folder, 'files-details');
  await page.keyboard.press('Escape');
  for (const name of ['Garden plan.txt', 'Lake at dusk.png']) await check(row(page, name));
  await shot(page, folder, 'files-selected');
  await toolbar(page).getByRole('button', { name: words.actions.tag }).click();
  await shot(page, folder, 'files-tags');
  await page.keyboard.press('Escape');
  await toolbar(page).getByRole('button', { name: words.actions.remove }).click();
  await toasts(page).getByRole('button', { name: messages.toast.undo }).waitFor();
  await shot(page, folder, 'files-deleted');
  await toasts(page).getByRole('button', { name: messages.toast.undo }).click();
  await page.getByRole('searchbox').fill('no such file');
  await page.getByText(words.noMatch).waitFor();
  await shot(page, folder, 'files-no-match');
  await page.getByRole('searchbox').fill('');
  await rows(page).first().waitFor();
}

async function uploadStates(page: Page, folder: string, wire: Wire): Promise<void> {
  wire.bytesPerSecond = 2 * MB;
  await picker(page).setInputFiles([
    { name: 'Video of the lake.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(24 * MB, 7) },
    { name: 'Packing list.txt', mimeType: 'text/plain', buffer: Buffer.from('Boots') },
    { name: 'Tickets.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(MB, 7) },
  ]);
  await panel(page).getByText(words.upload.done(2, 3)).waitFor();
  await shot(page, folder, 'files-uploading');
  await panel(page).getByRole('button', { name: words.upload.pauseAll }).click();
  await shot(page, folder, 'files-upload-paused');
  await panel(page).getByRole('button', { name: words.upload.cancelAll }).click();
  await page.getByRole('dialog').getByRole('button', { name: words.upload.cancelAll }).click();
  await panel(page).getByRole('button', { name: words.upload.dismiss }).click();
}

/** Each page while its data is on its way, and when it cannot be had. */
async function waitingStates(
  browser: Browser,
  server: Server,
  folder: string,
  options: BrowserContextOptions,
): Promise<void> {
  const problem = { status: 503, contentType: 'application/problem+json' };
  const body = '{"status":503,"title":"Service Unavailable","detail":"The database cannot be reached."}';
  for (const [name, path] of Object.entries(PAGES)) {
    const page = await open(browser, `${server.url}/health`, options, server.session);
    await page.route(/\/api\/v1\/(?!auth\/)/, () => {});
    await page.goto(server.url + path, { waitUntil: 'domcontentloaded' });
    await page.waitForTimeout(LOADING_MS);
    await shot(page, folder, `${name}-loading`);
    await page.unrouteAll();
    await page.route(/\/api\/v1\/(?!auth\/)/, (route) => route.fulfill({ ...problem, body }));
    await page.goto(server.url + path);
    await page.waitForTimeout(LOADING_MS);
    await shot(page, folder, `${name}-failing`);
    await page.context().close();
  }
}

/** A thousand files in a folder and versions, something in the trash, an alert, and a channel. */
async function fill({ api }: Server): Promise<void> {
  const many = await api.folder('A thousand');
  const numbered = (at: number) => ({ name: `Scan ${String(at).padStart(4, '0')}.txt`, body: `page ${at}` });
  const made = await api.uploadAll(Array.from({ length: MANY }, (_, at) => numbered(at)));
  await api.json('POST', '/api/v1/files/move', { files: made.map(({ id }) => ({ id })), to: many.id });
  const plan = await api.named('Garden plan.txt');
  for (const crop of ['Peas', 'Carrots']) await api.replace(plan.id, `${crop} by the wall.`);
  const old = [await api.upload({ name: 'Old list.txt' }), await api.upload({ name: 'Older list.txt' })];
  await api.json('POST', '/api/v1/files/delete', { ids: old.map(({ id }) => id) });
  await api.json('POST', '/api/v1/monitoring/alert-rules', BROKEN);
  await api.json('POST', '/api/v1/notifications/channels', {
    name: 'The phone of Ada',
    kind: 'webhook',
    enabled: true,
    minimum_severity: 'warning',
    allow_local: true,
    settings: { url: 'http://127.0.0.1:9/hook' },
  });
}

async function fullStates(
  browser: Browser,
  server: Server,
  folder: string,
  options: BrowserContextOptions,
): Promise<void> {
  const page = await open(browser, server.url + FILES, options, server.session);
  await row(page, 'Garden plan.txt').locator('.name').click();
  await page.getByText(filesMore.versions.title).first().scrollIntoViewIfNeeded();
  await shot(page, folder, 'files-versions');
  await page.keyboard.press('Escape');
  await page.goto(server.url + ALL_FILES);
  await rows(page).first().waitFor();
  await shot(page, folder, 'files-thousand');
  for (const view of ['trash', 'usage']) {
    await page.goto(`${server.url}${FILES}?view=${view}`);
    await page.waitForTimeout(LOADING_MS);
    await shot(page, folder, `files-${view}`);
  }
  await page.goto(server.url + ALERTS);
  await page.getByRole('article', { name: BROKEN.name }).waitFor();
  await shot(page, folder, 'alerts-firing', true);
  await page.goto(server.url + SETTINGS);
  await page.getByText('The phone of Ada').first().waitFor();
  await shot(page, folder, 'settings-channels', true);
  await page.goto(server.url + DASHBOARD);
  await live(page);
  await shot(page, folder, 'dashboard-alert', true);
  await page.getByLabel(charts.range).selectOption({ label: charts.spans.at(-1) as string });
  await page.waitForTimeout(LOADING_MS);
  await page.getByLabel(charts.range).scrollIntoViewIfNeeded();
  await shot(page, folder, 'dashboard-years');
  await page.context().close();
}
