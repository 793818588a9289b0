import { messages } from '../src/messages/en';
import { account as words } from '../src/messages/en.account';
import { scopes } from '../src/messages/en.people';
import { signin } from '../src/messages/en.signin';
import { ASKED, enterPassword } from './harness/door';
import { toasts } from './harness/files';
import { ADA, BOB, signInByScript } from './harness/people';
import { ACCOUNT, test as base, expect, LOGIN, until } from './harness/test';
import { totp } from './harness/totp';

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
const test = base.extend<{ household: undefined }>({
  household: [
    async ({ server }, use) => {
      await server.api.addPerson(BOB);
      await use(undefined);
    },
    { scope: 'file', auto: true },
  ],
});

test('the name that others see', async ({ open }) => {
  const page = await open(ACCOUNT);
  await page.getByLabel(words.profile.name, { exact: true }).fill('Countess Ada');
  await page.getByRole('button', { name: words.save, exact: true }).click();
  await page
    .getByRole('button', { name: messages.shell.signOut })
    .filter({ hasText: 'Countess Ada' })
    .waitFor();
});

test('a token made here is used by a script, and no more once it is revoked', async ({ server, open }) => {
  const page = await open(ACCOUNT);
  await page.getByRole('button', { name: words.tokens.add }).click();
  await page.getByRole('button', { name: words.tokens.create, exact: true }).click();
  await page.getByText(words.tokens.missing).waitFor();
  await page.getByLabel(words.tokens.name, { exact: true }).fill('Backup script');
  await page.getByRole('button', { name: words.tokens.create, exact: true }).click();
  const dialog = page.getByRole('dialog', { name: words.tokens.secretTitle('Backup script') });
  const secret = await dialog.getByLabel(words.tokens.secret, { exact: true }).inputValue();
  expect(secret).toMatch(/^hs_/);
  await dialog.getByRole('button', { name: words.close }).click();
  expect(await page.content()).not.toContain(secret);

  const list = (headers: Record<string, string>) => fetch(`${server.url}/api/v1/files/list`, { headers });
  expect((await list({ Authorization: `Bearer ${secret}` })).status).toBe(200);
  expect((await list({ 'X-API-Key': secret })).status).toBe(200);
  const dashboard = `${server.url}/api/v1/monitoring/dashboard`;
  expect((await fetch(dashboard, { headers: { 'X-API-Key': secret } })).status, 'without the scope').toBe(
    403,
  );
  await page.reload();
  const entry = page.getByRole('listitem').filter({ hasText: 'Backup script' });
  await entry.getByText(scopes['files:read'].name).waitFor();
  await entry.getByRole('button', { name: words.tokens.revokeOne('Backup script') }).click();
  await page.getByRole('dialog').getByRole('button', { name: words.tokens.revoke, exact: true }).click();
  await page.getByText(words.tokens.empty).waitFor();
  expect((await list({ Authorization: `Bearer ${secret}` })).status).toBe(401);
});

test('an app password goes with the name, and the account’s own password never does', async ({
  server,
  open,
}) => {
  const page = await open(ACCOUNT);
  await page.getByRole('button', { name: words.tokens.add }).click();
  await page.getByLabel(words.tokens.name, { exact: true }).fill('Music');
  await page.getByRole('radio', { name: words.tokens.kinds.app_password }).check();
  await page.getByRole('button', { name: words.tokens.create, exact: true }).click();
  const dialog = page.getByRole('dialog', { name: words.tokens.secretTitle('Music') });
  const secret = await dialog.getByLabel(words.tokens.secret, { exact: true }).inputValue();
  const name = await dialog.getByLabel(words.tokens.user, { exact: true }).inputValue();
  const basic = (password: string) =>
    fetch(`${server.url}/api/v1/files/list`, {
      headers: { Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
    });
  expect((await basic(secret)).status).toBe(200);
  expect((await basic(ADA.password)).status).toBe(401);
});

test('devices are named as people know them, and signed out one by one', async ({ server, open }) => {
  const phone = await signInByScript(server.url, ADA, IPHONE);
  const page = await open(ACCOUNT);
  await page.getByText(words.devices.here).waitFor();
  await page.getByRole('button', { name: words.devices.endOne('Safari on iPhone') }).click();
  await toasts(page).getByText(words.devices.ended('Safari on iPhone')).waitFor();
  const status = await fetch(`${server.url}/api/v1/account`, { headers: { Cookie: phone.cookie } });
  expect(status.status).toBe(401);
});

test('a new password signs out all other devices', async ({ server, open, guard }) => {
  guard.expect(/answer (401|403|422)|status of (401|403|422)/);
  const other = await signInByScript(server.url, BOB);
  const page = await open(ACCOUNT, { as: await signInByScript(server.url, BOB) });
  await page.getByRole('button', { name: words.password.change }).click();
  const dialog = page.getByRole('dialog', { name: words.password.change });
  await dialog.getByLabel(words.password.current, { exact: true }).fill('not my password');
  await dialog.getByLabel(words.password.fresh, { exact: true }).fill('eight green bottles');
  await dialog.getByRole('button', { name: words.save, exact: true }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel(words.password.current, { exact: true }).fill(BOB.password);
  await dialog.getByRole('button', { name: words.save, exact: true }).click();
  await toasts(page).getByText(words.password.changed).waitFor();
  const alive = async (cookie: string) =>
    (await fetch(`${server.url}/api/v1/account`, { headers: { Cookie: cookie } })).status;
  await until(() => alive(other.cookie), 401);
  await page.reload();
  await page.getByText(words.devices.only).waitFor();
  await signInByScript(server.url, { name: BOB.name, password: 'eight green bottles' });
});

test('codes from an app: set up, asked for, recovered from, switched off', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED, /answer 422|status of 422/);
  const page = await open(ACCOUNT);
  await page.getByRole('button', { name: words.totp.begin, exact: true }).click();
  const dialog = page.getByRole('dialog', { name: words.totp.setUpTitle });
  await dialog.getByRole('img', { name: words.totp.qr }).waitFor();
  const secret = await dialog.getByLabel(words.totp.secret, { exact: true }).inputValue();
  await dialog.getByLabel(words.totp.code, { exact: true }).fill('000000');
  await dialog.getByRole('button', { name: words.totp.confirm }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel(words.totp.code, { exact: true }).fill(totp(secret, -1));
  await dialog.getByRole('button', { name: words.totp.confirm }).click();
  const list = page.getByRole('list', { name: words.recovery.codes });
  const codes = await list.getByRole('listitem').allTextContents();
  expect(codes.length).toBe(10);
  await page.getByRole('button', { name: words.recovery.done }).click();
  await page.getByText(words.totp.recovery(10)).waitFor();
  expect(await page.content()).not.toContain(codes[0]);

  const again = await open(`${LOGIN}?next=${ACCOUNT}`, { as: null });
  await enterPassword(again, ADA);
  const code = again.getByLabel(signin.code.label, { exact: true });
  expect(await code.getAttribute('autocomplete')).toBe('one-time-code');
  await code.fill('000000');
  await again.getByRole('button', { name: signin.code.submit }).click();
  await again.getByRole('alert').waitFor();
  await code.fill(totp(secret));
  await again.getByRole('button', { name: signin.code.submit }).click();
  await again.waitForURL(server.url + ACCOUNT);

  const lost = await open(`${LOGIN}?next=${ACCOUNT}`, { as: null });
  await enterPassword(lost, ADA);
  await lost.getByLabel(signin.code.label, { exact: true }).fill((codes[0] ?? '').toLowerCase());
  await lost.getByRole('button', { name: signin.code.submit }).click();
  await lost.getByText(words.totp.recovery(9)).waitFor();
  await lost.getByRole('button', { name: words.totp.renew }).click();
  await lost.getByRole('dialog').getByRole('button', { name: words.totp.renew }).click();
  await lost.getByRole('button', { name: words.recovery.done }).click();
  await lost.getByText(words.totp.recovery(10)).waitFor();
  await lost.getByRole('button', { name: words.totp.remove }).click();
  await lost.getByRole('dialog').getByRole('button', { name: words.totp.remove }).click();
  await lost.getByText(words.totp.off, { exact: true }).waitFor();
  await signInByScript(server.url, ADA);
});
