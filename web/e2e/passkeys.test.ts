import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { account as words } from '../src/messages/en.account';
import { signin } from '../src/messages/en.signin';
import { Authenticator } from './harness/authenticator';
import { ASKED, askAgain, confirmDialog, enterPassword } from './harness/door';
import { toasts } from './harness/files';
import { ADA } from './harness/people';
import { ACCOUNT, DASHBOARD, expect, LOGIN, test } from './harness/test';

/** Kept in the page's storage: its browser no longer suggests passkeys, so that only the button is left. */
const NO_SUGGESTIONS = 'e2e.no-suggestions';

/** Passkeys belong to a name: an address of numbers has none. */
const byName = (url: string) => url.replace('127.0.0.1', 'localhost');

async function signOut(page: Page, base: string): Promise<void> {
  await page.getByRole('navigation').getByRole('button', { name: messages.shell.signOut }).click();
  await page.waitForURL(base + LOGIN);
}

test('a passkey is made, signs in, is renamed, and may be the only way in', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED, /answer 409|status of 409/);
  const base = byName(server.url);
  let authenticator: Authenticator | undefined;
  const page = await open(`${LOGIN}?next=${ACCOUNT}`, {
    base,
    as: null,
    before: async (page) => {
      authenticator = await Authenticator.plugIn(page);
      await page.addInitScript((key) => {
        if (sessionStorage.getItem(key))
          PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false);
      }, NO_SUGGESTIONS);
    },
  });
  if (!authenticator) throw new Error('no authenticator');
  const finger = authenticator;
  expect(await page.getByLabel(signin.name, { exact: true }).getAttribute('autocomplete')).toBe(
    'username webauthn',
  );
  await enterPassword(page, ADA);
  await page.waitForURL(base + ACCOUNT);

  await page.getByText(words.passkeys.empty).waitFor();
  await page.getByRole('button', { name: words.passkeys.add }).click();
  const name = page.getByLabel(words.passkeys.nameLabel);
  expect(await name.inputValue(), 'a name is suggested').toContain('Chrome');
  await name.fill('Thumb');
  await finger.touch(async () => {
    await page.getByRole('button', { name: words.passkeys.create }).click();
    await toasts(page).getByText(words.passkeys.added('Thumb')).waitFor();
  });
  expect(await finger.count()).toBe(1);
  await page.getByRole('button', { name: words.passkeys.renameOne('Thumb') }).click();
  await name.fill('Left thumb');
  await page.getByRole('dialog').getByRole('button', { name: words.save }).click();
  await page.getByText('Left thumb', { exact: true }).waitFor();

  await page.getByRole('button', { name: words.password.remove }).click();
  await page.getByRole('dialog').getByRole('button', { name: words.password.remove }).click();
  await page.getByText(words.password.none).waitFor();
  await page.getByRole('button', { name: words.passkeys.removeOne('Left thumb') }).click();
  const ask = page.getByRole('dialog', { name: words.passkeys.removeOne('Left thumb') });
  await ask.getByRole('button', { name: words.passkeys.remove }).click();
  await ask.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
  await ask.getByRole('button', { name: words.cancel }).click();

  // Chosen among the suggestions of the name's field, which the browser of the test does by itself.
  await finger.touch(async () => {
    // The finger is there before the offer: one that waits for it is not looked at again.
    await page.getByRole('navigation').getByRole('button', { name: messages.shell.signOut }).click();
    await page.waitForURL(base + DASHBOARD);
  });
  await page.evaluate((key) => sessionStorage.setItem(key, 'yes'), NO_SUGGESTIONS);
  await signOut(page, base);
  await finger.touch(async () => {
    await page.getByRole('button', { name: signin.passkey.button }).click();
    await page.waitForURL(base + DASHBOARD);
  });
  await page.locator('header').getByText(messages.connection.live).waitFor();

  // A weighty change is confirmed with it, too.
  await askAgain(page, '**/api/v1/account/tokens');
  await page.goto(base + ACCOUNT);
  await page.getByRole('button', { name: words.tokens.add }).click();
  await page.getByLabel(words.tokens.name, { exact: true }).fill('late');
  await page.getByRole('button', { name: words.tokens.create, exact: true }).click();
  await finger.touch(async () => {
    await confirmDialog(page).getByRole('button', { name: signin.passkey.confirm }).click();
    await page.getByRole('dialog', { name: words.tokens.secretTitle('late') }).waitFor();
  });
});

test('under an address of numbers the page says why there are no passkeys', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED);
  server.addAtTerminal({ name: 'eve', password: 'apples and oranges', display_name: 'Eve', role: 'member' });
  const page = await open(`${LOGIN}?next=${ACCOUNT}`, { as: null });
  await enterPassword(page, { name: 'eve', password: 'apples and oranges' });
  await page.getByText(words.passkeys.hindrances.nameless).waitFor();
  expect(await page.getByRole('button', { name: words.passkeys.add }).count()).toBe(0);
});
