/** Notifications: channels, their test, what was sent, quiet hours and the watchdog. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import { notify as words } from '../src/messages/en.notify';
import { settings } from '../src/messages/en.settings';
import { audit } from './harness/audit';
import { expect, SETTINGS, test, until } from './harness/test';

const SECRET = 'signing-key-of-the-test';
/** A webhook's other end. */
const told: { title: string; header: string | undefined }[] = [];
const titled = (title: string) => told.filter((one) => one.title === title);
let away = false;
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => (body += String(piece)));
  request.on('end', () => {
    if (away) return response.writeHead(503).end('away');
    if (request.method === 'GET') return response.end(); // the watchdog
    const { title } = JSON.parse(body) as { title: string };
    told.push({ title, header: request.headers['x-homeserver-signature'] as string | undefined });
    return response.end();
  });
});
const hook = () => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;

beforeAll(() => new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done)));
afterAll(() => new Promise<void>((done) => void receiver.close(() => done())));

test('a channel: added, refused inwards, tried, told, retried, removed', async ({ server, open, guard }) => {
  guard.expect(/answer 422|status of 422/);
  const page = await open(SETTINGS);
  const section = page.getByRole('region', { name: words.title, exact: true });
  await section.getByText(words.empty).waitFor();
  await section.getByRole('button', { name: words.add }).click();
  const box = page.getByRole('dialog', { name: words.dialog.add });
  await box.getByLabel(words.dialog.kind, { exact: true }).selectOption('webhook');
  await box.getByRole('button', { name: words.dialog.save }).click();
  await box.getByText(words.dialog.noName).waitFor();
  await box.getByText(words.dialog.needed).waitFor();
  await audit(page, 'a channel that lacks something');
  await box.getByLabel(words.dialog.name, { exact: true }).fill('Hook');
  await box.getByLabel(words.fields.url, { exact: true }).fill(hook());
  await box.getByLabel(words.fields.signing_key, { exact: true }).fill(SECRET);
  await box.getByRole('button', { name: words.dialog.save }).click();
  await box.getByText(/is in your own network/).waitFor();
  await box.getByLabel(words.dialog.allowLocal).check();
  await box.getByRole('button', { name: words.dialog.save }).click();
  await page.getByText(words.saved('Hook')).waitFor();

  await section.getByRole('button', { name: words.testOf('Hook') }).click();
  await section.getByText('The service took it. Look whether it has arrived.').waitFor();
  expect(titled('HomeServer: test')).toHaveLength(1);
  expect(titled('HomeServer: test')[0]?.header).toMatch(/^sha256=[0-9a-f]{64}$/);
  await audit(page, 'a channel');

  away = true;
  await server.api.json('POST', '/api/v1/notifications/messages', {
    title: 'The disk is full',
    severity: 'critical',
  });
  await page.reload();
  await section.getByText('The service answered 503 Service Unavailable: away.').first().waitFor();
  await section.getByText(words.states.failing).waitFor();
  await section.getByText(/ · 1 waits · /).waitFor();
  await audit(page, 'a channel that fails');
  away = false;
  await section.getByRole('button', { name: words.recent.retryOf('The disk is full') }).click();
  const disk = section.getByRole('listitem').filter({ hasText: 'The disk is full' });
  await disk.getByText(words.recent.states.sent, { exact: true }).waitFor();
  // An alert of this very machine may have been told as well.
  expect(titled('HomeServer: test')).toHaveLength(1);
  expect(titled('The disk is full')).toHaveLength(1);

  await section.getByRole('button', { name: words.actionsOf('Hook') }).click();
  await page.getByRole('menuitem', { name: words.change }).click();
  const change = page.getByRole('dialog', { name: words.dialog.change('Hook') });
  await change.getByText(words.dialog.kept).first().waitFor();
  expect(await page.content()).not.toContain(SECRET);
  await audit(page, 'a channel that is changed');
  await change.getByLabel(words.dialog.name, { exact: true }).fill('Bell');
  await change.getByLabel(words.dialog.forget(words.fields.signing_key)).check();
  await change.getByRole('button', { name: words.dialog.save }).click();
  await section.getByRole('button', { name: words.testOf('Bell') }).click();
  await until(() => titled('HomeServer: test').length, 2);
  expect(titled('HomeServer: test')[1]?.header).toBeUndefined();

  await section.getByRole('button', { name: words.actionsOf('Bell') }).click();
  await page.getByRole('menuitem', { name: words.remove }).click();
  const ask = page.getByRole('dialog', { name: words.removeTitle('Bell') });
  await ask.getByRole('button', { name: words.remove }).click();
  await section.getByText(words.empty).waitFor();
});

test('quiet hours and the watchdog', async ({ open, guard }) => {
  guard.expect(/answer 422|status of 422/);
  const page = await open(SETTINGS);
  const section = page.getByRole('region', { name: words.hours.title });
  await section.getByLabel(words.hours.from).fill('22:30');
  await section.getByRole('button', { name: settings.save }).click();
  await section.getByText(/Quiet hours need a beginning and another end/).waitFor();
  await section.getByLabel(words.hours.to).fill('07:00');
  await section.getByLabel(words.hours.zone).fill('Europe/Berlin');
  await section.getByLabel(words.hours.enabled).check();
  await section.getByLabel(words.hours.url, { exact: true }).fill(hook());
  await section.getByRole('button', { name: settings.save }).click();
  await section.getByText(/is in your own network/).waitFor();
  await section.getByLabel(words.hours.local).check();
  await section.getByRole('button', { name: settings.save }).click();
  await page.getByText(settings.saved).waitFor();
  await section.getByText(/^An address at 127\.0\.0\.1:\d+ is kept/).waitFor();
  await audit(page, 'quiet hours');
  await page.reload();
  await until(() => section.getByLabel(words.hours.from).inputValue(), '22:30');
});
