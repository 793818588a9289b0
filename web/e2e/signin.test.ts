import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { signin as words } from '../src/messages/en.signin';
import { sha256 } from './harness/api';
import { names, panel, picker, row } from './harness/files';
import { atRest, test as base, DASHBOARD, expect, FILES, LOGIN, until } from './harness/test';

/** A server with a key and no accounts: what HomeServer was before it knew people. */
const KEY = 'a long key of this household, 2026';

const test = base.extend<{ key: string }>({ key: [KEY, { scope: 'file' }] });

const dialog = (page: Page) => page.getByRole('dialog', { name: words.dialog });
/** What Chromium writes about the question itself. */
const ASKED = /answer 401|status of 401|WebSocket connection/;

async function enter(page: Page, key = KEY): Promise<void> {
  await page.getByLabel(words.key.label, { exact: true }).fill(key);
  await page.getByRole('button', { name: words.submit, exact: true }).click();
}

/** Opens a page by its door, as everybody has to. */
async function comeIn(page: Page): Promise<void> {
  await page.waitForURL(/login\.html/);
  await enter(page);
}

test('the key is asked for once; a wrong one is told so; reload stays signed in', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED);
  await server.api.upload({ name: 'secret.txt' });
  const page = await open(`${FILES}?q=secret`);
  await page.waitForURL(/login\.html\?next=/);
  expect(await page.content()).not.toContain('secret.txt');
  await enter(page, '');
  await page.getByText(words.key.missing).waitFor();
  await enter(page, 'wrong');
  await page.getByText('That key is not right.').waitFor();
  await enter(page);
  await row(page, 'secret.txt').waitFor();
  expect(page.url(), 'back where one wanted to go').toBe(`${server.url}${FILES}?q=secret`);

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
  await comeIn(page);
  await page.locator('header').getByText(messages.connection.live).waitFor();
  await page.locator('canvas').nth(3).waitFor();
});

test('next leads nowhere but to pages of this house', async ({ server, open, guard }) => {
  guard.expect(ASKED);
  for (const next of [
    'https://evil.example/static/',
    '//evil.example',
    '/static/..//evil.example',
    '/api/v1/session',
  ]) {
    const page = await open(`${LOGIN}?${new URLSearchParams({ next })}`);
    await enter(page);
    await page.waitForURL(server.url + DASHBOARD);
    await page.context().close();
  }
});

test('what the provider came back with is shown as text', async ({ open }) => {
  const page = await open(`${LOGIN}#problem=${encodeURIComponent('Nobody <b>knows</b> you here.')}`);
  await page.getByText('Nobody <b>knows</b> you here.').waitFor();
});

test('the session ends while somebody uploads: sign in over the page, and it completes', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED, /ERR_CONNECTION_RESET|ERR_CONNECTION_ABORTED/);
  const page = await open(FILES);
  await comeIn(page);
  await row(page, 'secret.txt').waitFor();
  await atRest(page);
  await page.context().clearCookies();
  const content = randomBytes(3 * 1024 * 1024);
  await picker(page).setInputFiles([
    { name: 'album.zip', mimeType: 'application/zip', buffer: content },
    { name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('letter') },
  ]);
  await dialog(page).waitFor();
  expect(await page.locator('dialog[open]').count(), 'dialogs').toBe(1);
  await page.keyboard.press('Escape');
  await panel(page).getByText(messages.files.upload.held).waitFor();
  await panel(page).getByRole('button', { name: messages.files.upload.signIn }).click();
  await enter(page);
  await panel(page).locator('header').getByText(messages.files.upload.done(2, 2)).waitFor();
  await until(async () => (await names(page)).sort(), ['album.zip', 'letter.txt', 'secret.txt']);
  expect((await server.api.named('album.zip')).sha256).toBe(sha256(content));
});

test('signing out ends it', async ({ server, open, guard }) => {
  guard.expect(ASKED);
  const page = await open(FILES);
  await comeIn(page);
  await row(page, 'secret.txt').waitFor();
  await page.getByRole('button', { name: messages.shell.signOut }).click();
  await page.waitForURL(server.url + LOGIN);
  expect(await page.content()).not.toContain('secret.txt');
  expect(await page.context().cookies()).toEqual([]);
  await page.goBack();
  await page.waitForURL(/login\.html/);
  expect(await page.content()).not.toContain('secret.txt');
});

test('the key has no account, and the page says so', async ({ server, open, guard }) => {
  guard.expect(ASKED);
  const page = await open(FILES);
  await comeIn(page);
  await row(page, 'secret.txt').waitFor();
  await page.goto(`${server.url}/static/account.html`);
  await page.getByText(messages.shell.noAccount).waitFor();
});

test('without signing in the page says so and offers to try again', async ({ open, guard }) => {
  guard.expect(ASKED);
  const page = await open(FILES);
  await comeIn(page);
  await row(page, 'secret.txt').waitFor();
  await atRest(page);
  await page.context().clearCookies();
  await page.getByRole('columnheader', { name: messages.files.columns.size }).getByRole('button').click();
  await dialog(page).getByRole('button', { name: words.later }).click();
  const alert = page.getByRole('alert').filter({ hasText: messages.files.loadFailed });
  await alert.getByText(messages.errors.declined).waitFor();
  await alert.getByRole('button', { name: messages.errors.tryAgain }).click();
  await enter(page);
  await row(page, 'secret.txt').waitFor();
});
