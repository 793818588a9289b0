import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { sha256 } from './harness/api';
import { names, panel, picker, row } from './harness/files';
import { test as base, DASHBOARD, expect, FILES, until } from './harness/test';

const KEY = 'a long key of this household, 2026';
const words = messages.login;

const test = base.extend<{ key: string }>({ key: [KEY, { scope: 'file' }] });

const dialog = (page: Page) => page.getByRole('dialog', { name: words.title });
/** What Chromium writes about the question itself. */
const ASKED = /answer 401|status of 401|WebSocket connection/;

async function signIn(page: Page, key = KEY): Promise<void> {
  await dialog(page).getByLabel(words.key).fill(key);
  await dialog(page).getByRole('button', { name: words.submit }).click();
}

test('the key is asked for once; a wrong one is told so; reload stays signed in', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED);
  await server.api.upload({ name: 'secret.txt' });
  const page = await open(FILES);
  await dialog(page).waitFor();
  expect(await page.locator('dialog[open]').count(), 'dialogs').toBe(1);
  expect(await page.content()).not.toContain('secret.txt');
  await signIn(page, '');
  await dialog(page).getByText(words.missing).waitFor();
  await signIn(page, 'wrong');
  await dialog(page).getByText('That key is not right.').waitFor();
  await signIn(page);
  await dialog(page).waitFor({ state: 'hidden' });
  await row(page, 'secret.txt').waitFor();

  guard.take();
  await page.reload();
  await row(page, 'secret.txt').waitFor();
  await page.goto(server.url + DASHBOARD);
  await page.locator('header').getByText(messages.connection.live).waitFor();
  expect(await page.locator('dialog[open]').count()).toBe(0);
  expect(guard.take(), 'nothing is refused any more').toEqual([]);
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  expect(JSON.stringify(cookie)).not.toContain(KEY);
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(
    KEY,
  );
});

test('the dashboard asks too, and then goes live', async ({ open, guard }) => {
  guard.expect(ASKED);
  const page = await open(DASHBOARD);
  await dialog(page).waitFor();
  await page.waitForTimeout(1_000);
  expect(await page.locator('dialog[open]').count(), 'dialogs').toBe(1);
  await signIn(page);
  await page.locator('header').getByText(messages.connection.live).waitFor();
  await page.locator('canvas').nth(3).waitFor();
});

test('the session ends while somebody uploads: sign in, and it completes', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED, /ERR_CONNECTION_RESET|ERR_CONNECTION_ABORTED/);
  const page = await open(FILES);
  await signIn(page);
  await row(page, 'secret.txt').waitFor();
  await page.context().clearCookies();
  const content = randomBytes(3 * 1024 * 1024);
  await picker(page).setInputFiles([
    { name: 'album.zip', mimeType: 'application/zip', buffer: content },
    { name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('letter') },
  ]);
  await dialog(page).waitFor();
  await page.keyboard.press('Escape');
  await panel(page).getByText(messages.files.upload.held).waitFor();
  await panel(page).getByRole('button', { name: messages.files.upload.signIn }).click();
  await signIn(page);
  await panel(page).locator('header').getByText(messages.files.upload.done(2, 2)).waitFor();
  await until(async () => (await names(page)).sort(), ['album.zip', 'letter.txt', 'secret.txt']);
  expect((await server.api.named('album.zip')).sha256).toBe(sha256(content));
});

test('signing out ends it', async ({ open, guard }) => {
  guard.expect(ASKED);
  const page = await open(FILES);
  await signIn(page);
  await row(page, 'secret.txt').waitFor();
  await page.getByRole('button', { name: messages.shell.signOut }).click();
  await dialog(page).waitFor();
  expect(await page.content()).not.toContain('secret.txt');
  expect(await page.context().cookies()).toEqual([]);
});

test('without signing in the page says so and offers to try again', async ({ open, guard }) => {
  guard.expect(ASKED);
  const page = await open(FILES);
  await dialog(page).getByRole('button', { name: words.later }).click();
  const alert = page.getByRole('alert').filter({ hasText: messages.files.loadFailed });
  await alert.getByText(messages.errors.declined).waitFor();
  await alert.getByRole('button', { name: messages.errors.tryAgain }).click();
  await signIn(page);
  await row(page, 'secret.txt').waitFor();
});
