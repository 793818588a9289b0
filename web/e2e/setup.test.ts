import { messages } from '../src/messages/en';
import { doors, passwords, signin } from '../src/messages/en.signin';
import { ASKED } from './harness/door';
import { ADA } from './harness/people';
import { test as base, DASHBOARD, expect, FILES, SETUP } from './harness/test';

const words = doors.setup;
const REFUSED = /answer 403|status of 403/;
const test = base.extend<{ fresh: boolean }>({ fresh: [true, { scope: 'file' }] });

test('nothing is reachable before the setup; its code makes the first administrator', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED, REFUSED);
  expect((await fetch(`${server.url}/api/v1/files/list`)).status).toBe(401);
  const code = /[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}/.exec(server.log)?.[0] ?? '';
  expect(code, 'the code in the log').not.toBe('');

  const page = await open(FILES);
  await page.waitForURL(server.url + SETUP);
  await page.getByRole('button', { name: words.submit }).click();
  await page.getByText(words.missingCode).waitFor();
  await page.getByLabel(words.code).fill('AAAA-BBBB-CCCC-DDDD');
  await page.getByLabel(passwords.name).fill(ADA.name);
  await page.getByLabel(signin.password, { exact: true }).fill('short');
  await page.getByText(passwords.hint(5)).waitFor();
  await page.getByRole('button', { name: words.submit }).click();
  await page.getByText(passwords.short).waitFor();
  await page.getByLabel(signin.password, { exact: true }).fill(ADA.password);
  await page.getByRole('button', { name: words.submit }).click();
  await page.getByText('This is not the setup code.').waitFor();
  expect(await page.getByLabel(words.code).evaluate((field) => field === document.activeElement)).toBe(true);

  // As people type it.
  await page.getByLabel(words.code).fill(` ${code.toLowerCase().replaceAll('-', ' ')} `);
  await page.getByRole('button', { name: words.submit }).click();
  await page.waitForURL(server.url + DASHBOARD);
  await page.locator('header').getByText(messages.connection.live).waitFor();
  await page.getByRole('link', { name: messages.shell.users }).waitFor();
});

test('afterwards the page says so, and the others ask who it is', async ({ server, open, guard }) => {
  guard.expect(ASKED);
  const page = await open(`${SETUP}#AAAA-BBBB-CCCC-DDDD`);
  await page.getByText(words.already).waitFor();
  await page.getByRole('link', { name: words.signIn }).click();
  await page.waitForURL(/login\.html/);
  await page.goto(server.url + DASHBOARD);
  await page.waitForURL(/login\.html\?next=/);
});
