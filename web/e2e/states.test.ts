import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { settings as settingsWords } from '../src/messages/en.settings';
import { audit } from './harness/audit';
import { names, ready, row, rows, toasts } from './harness/files';
import { atRest, DASHBOARD, expect, FILES, SETTINGS, test, until } from './harness/test';

const words = messages.files;
/** What Chromium writes while the server is away. */
const AWAY =
  /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|WebSocket connection/;

test('nothing there yet: one sentence, one action', async ({ open }) => {
  const page = await open(FILES);
  await page.getByText(words.empty).waitFor();
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('main').getByRole('button', { name: words.upload.button, exact: true }).last().click(),
  ]);
  expect(chooser.isMultiple()).toBe(true);
  await chooser.setFiles({ name: 'first.txt', mimeType: 'text/plain', buffer: Buffer.from('first') });
  await until(() => names(page), ['first.txt']);
});

test('the server dies: the page says what failed, tries again, and recovers', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(AWAY);
  const page = await open(FILES);
  await rows(page).first().waitFor();
  await atRest(page);
  await server.kill();
  await page.getByRole('columnheader', { name: words.columns.size }).getByRole('button').click();
  const alert = page.getByRole('alert').filter({ hasText: words.loadFailed });
  await alert.getByText(messages.errors.unreachable).waitFor();
  await alert.getByRole('button', { name: messages.errors.tryAgain }).click();
  await alert.getByText(messages.errors.unreachable).waitFor();
  await server.start();
  // The page hears by itself, too, that the server is back: whoever is first.
  await Promise.race([
    alert.getByRole('button', { name: messages.errors.tryAgain }).click(),
    alert.waitFor({ state: 'detached' }),
  ]);
  await until(() => names(page), ['first.txt']);
  expect(await alert.count()).toBe(0);
});

test('what the server did not do is taken back on the page', async ({ server, open, guard }) => {
  guard.expect(AWAY);
  const page = await open(FILES);
  await row(page, 'first.txt').focus();
  await ready(page);
  await atRest(page);
  await server.kill();
  await page.keyboard.press('Delete');
  await toasts(page).getByText(words.remove.failed(messages.errors.unreachable)).waitFor();
  await until(() => names(page), ['first.txt']);
  await row(page, 'first.txt').focus();
  await page.keyboard.press('F2');
  const dialog = page.getByRole('dialog', { name: words.rename.title });
  await dialog.getByLabel(words.rename.label).fill('second.txt');
  await page.keyboard.press('Enter');
  await dialog.getByText(messages.errors.unreachable).waitFor();
  await server.start();
  await dialog.getByRole('button', { name: words.rename.save }).click();
  await until(() => names(page), ['second.txt']);
  await until(async () => (await server.api.list()).files.map((file) => file.filename), ['second.txt']);
});

test('a dashboard opened while the feed is silent says so', async ({ open, guard }) => {
  guard.expect(/answer 503|status of 503|WebSocket connection/);
  const page = await open(DASHBOARD, {
    before: async (page) => {
      await page.routeWebSocket(/\/monitoring\/live/, (socket) => void socket.close());
      await page.route(/\/monitoring\/live/, (route) => route.fulfill({ status: 503 }));
      await page.route(/\/monitoring\/recent/, (route) =>
        route.fulfill({
          status: 503,
          contentType: 'application/problem+json',
          body: '{"detail":"Not yet."}',
        }),
      );
    },
  });
  const alert = page.getByRole('alert').filter({ hasText: messages.dashboard.failed });
  await alert.getByText('Not yet.').waitFor();
  expect(await alert.getByRole('button', { name: messages.errors.tryAgain }).count()).toBe(1);
});

test('an unknown page is a sentence of the server, not a page of ours', async ({ open, guard }) => {
  guard.expect(/answer 404|status of 404/);
  const page = await open('/static/no-such-page.html');
  expect(await page.textContent('body')).toContain('Not Found');
});

test('a server that cannot say at first who is looking: said, asked again, and there', async ({
  open,
  guard,
}) => {
  guard.expect(/status of 503|answer 503/);
  const begin: (() => void)[] = [];
  let away = true;
  const before = async (page: Page) => {
    await page.route('**/api/v1/session', async (route) => {
      if (!away) return route.continue();
      await new Promise<void>((go) => begin.push(go));
      return route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"status":503}' });
    });
  };
  const settings = await open(SETTINGS, { before });
  const dashboard = await open(DASHBOARD, { before });
  await settings.getByRole('heading', { name: settingsWords.title, level: 1 }).waitFor();
  await settings.getByRole('status').getByText(messages.shell.loading).waitFor();
  await until(() => begin.length, 2);
  for (const go of begin) go();
  await settings.getByRole('alert').getByText(messages.errors.unreachable).waitFor();
  await audit(settings, 'nobody is known');
  away = false;
  await settings.getByRole('region', { name: settingsWords.integrity.title }).waitFor();
  await dashboard.locator('canvas').first().waitFor();
});
