/** Pictures of the real program: one for the README, and on request one of every state, to be looked at. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { account } from '../src/messages/en.account';
import { alerts } from '../src/messages/en.alerts';
import { charts } from '../src/messages/en.charts';
import { settings } from '../src/messages/en.settings';
import { signin } from '../src/messages/en.signin';
import { users } from '../src/messages/en.users';
import { buildBinary } from './harness/binary';
import { ACCOUNT, ALERTS, AUDIT, DASHBOARD, FILES, LOGIN, launch, SETTINGS, USERS } from './harness/browser';
import { check, panel, picker, row, rows, toasts, toolbar } from './harness/files';
import { household } from './harness/household';
import { cookiesOf, type SignedIn } from './harness/people';
import { Server } from './harness/server';
import { Wire } from './harness/wire';

const README_PICTURE = fileURLToPath(new URL('../../doc/screenshot.png', import.meta.url));
/** What a README may weigh. */
const MAX_README_BYTES = 400_000;
/** Long enough for lines in the charts. */
const HISTORY_MS = 40_000;
/** Between the two pages in the picture. */
const GAP_PX = 24;
const MB = 1024 * 1024;
const words = messages.files;

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

export async function takeScreenshots(folder?: string): Promise<void> {
  const binary = buildBinary();
  const server = await Server.start({ binary: binary.path });
  const browser = await launch();
  try {
    if (folder) await empty(browser, server, folder);
    for (const file of household()) await server.api.upload(file);
    await busy(server, HISTORY_MS);
    await readmePicture(browser, server);
    if (folder)
      for (const look of LOOKS) await states(browser, server, join(folder, look.name), look.options);
  } finally {
    await browser.close();
    await server.remove();
    binary.remove();
  }
}

/** Reads and lists for a while, so that the charts have something to tell. */
async function busy(server: Server, milliseconds: number): Promise<void> {
  const ids = (await server.api.list()).files.map((file) => file.id);
  const end = Date.now() + milliseconds;
  for (let at = 0; Date.now() < end; at++) {
    await server.api.content(ids[at % ids.length] as string);
    const pause = 120 + 100 * Math.sin(Date.now() / 4_000);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Opens a page as the administrator, or as nobody. */
async function open(
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

async function live(page: Page): Promise<void> {
  await page.locator('header').getByText(messages.connection.live).waitFor();
  await page.locator('canvas').nth(3).waitFor();
  await page.waitForTimeout(500);
}

/** The dashboard above the files, as two windows of one width. */
async function readmePicture(browser: Browser, server: Server): Promise<void> {
  const look = (height: number): BrowserContextOptions => ({
    colorScheme: 'dark',
    viewport: { width: 1440, height },
  });
  // So high that the first two charts are whole.
  const dashboard = await open(browser, server.url + DASHBOARD, look(990), server.session);
  await live(dashboard);
  await dashboard.getByLabel(charts.range).selectOption({ label: charts.spans[0] as string });
  const files = await open(browser, server.url + FILES, look(700), server.session);
  await row(files, 'Over the valley.png').locator('.name').click();
  await files.getByRole('img', { name: words.details.preview('Over the valley.png') }).waitFor();
  await files.mouse.move(0, 0);
  await files.waitForTimeout(500);
  const shots = [await dashboard.screenshot(), await files.screenshot()];
  writeFileSync(README_PICTURE, await stacked(browser, shots));
  const { size } = statSync(README_PICTURE);
  process.stdout.write(`${README_PICTURE}: ${Math.round(size / 1024)} kB\n`);
  if (size > MAX_README_BYTES)
    throw new Error(`the picture has ${size} bytes, want at most ${MAX_README_BYTES}`);
  for (const page of [dashboard, files]) await page.context().close();
}

/** Pictures of one width, one below the other. */
async function stacked(browser: Browser, shots: Buffer[]): Promise<Buffer> {
  const page = await browser.newPage();
  const picture = await page.evaluate(
    async ({ shots, gap }) => {
      const images = await Promise.all(
        shots.map(async (shot) => {
          const bytes = Uint8Array.from(atob(shot), (letter) => letter.charCodeAt(0));
          return createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        }),
      );
      const height = images.reduce((sum, image) => sum + image.height + gap, -gap);
      const canvas = document.createElement('canvas');
      canvas.width = images[0]?.width ?? 0;
      canvas.height = height;
      let top = 0;
      for (const image of images) {
        canvas.getContext('2d')?.drawImage(image, 0, top);
        top += image.height + gap;
      }
      return canvas.toDataURL('image/png').slice('data:image/png;base64,'.length);
    },
    { shots: shots.map((shot) => shot.toString('base64')), gap: GAP_PX },
  );
  await page.close();
  return Buffer.from(picture, 'base64');
}

async function empty(browser: Browser, server: Server, folder: string): Promise<void> {
  for (const { name, options } of LOOKS) {
    const page = await open(browser, server.url + FILES, options, server.session);
    await page.getByText(words.empty).waitFor();
    await shot(page, join(folder, name), 'files-empty');
    await page.context().close();
  }
}

async function shot(page: Page, folder: string, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.waitForTimeout(250);
  await page.screenshot({ path: join(folder, `${name}.png`) });
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
  await shot(page, folder, 'settings');
  await page.goto(server.url + ALERTS);
  await page.getByText(alerts.open.none).waitFor();
  await shot(page, folder, 'alerts');
  await page.context().close();
}

async function fileStates(page: Page, folder: string): Promise<void> {
  await rows(page).first().waitFor();
  await shot(page, folder, 'files');
  await rows(page).first().locator('button.more').click();
  await shot(page, folder, 'files-menu');
  await page.keyboard.press('Escape');
  await rows(page).first().locator('.name').click();
  await shot(page, folder, 'files-details');
  await page.keyboard.press('Escape');
  await check(rows(page).nth(1));
  await check(rows(page).nth(2));
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
