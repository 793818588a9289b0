import { messages } from '../src/messages/en';
import { account } from '../src/messages/en.account';
import { signin } from '../src/messages/en.signin';
import { ASKED, loginDialog } from './harness/door';
import { row } from './harness/files';
import { signInByScript } from './harness/people';
import { Provider } from './harness/provider';
import { ACCOUNT, ALL_FILES, atRest, test as base, expect, FILES, LOGIN } from './harness/test';

const SECRET = 'client-secret-of-the-tests';
const LABEL = 'Family door';

const test = base.extend<{ provider: Provider; env: Record<string, string> }>({
  provider: [
    // biome-ignore lint/correctness/noEmptyPattern: the form that Vitest reads
    async ({}, use) => {
      const provider = new Provider('homeserver', SECRET);
      await provider.start();
      await use(provider);
      await provider.stop();
    },
    { scope: 'file' },
  ],
  env: [
    async ({ provider }, use) => {
      await use({
        OIDC_ISSUER: provider.url,
        OIDC_CLIENT_ID: provider.clientID,
        OIDC_CLIENT_SECRET: SECRET,
        OIDC_NAME: LABEL,
        OIDC_ADMIN_GROUPS: 'parents',
        OIDC_MEMBER_GROUPS: 'family',
      });
    },
    { scope: 'file' },
  ],
});

test('the household’s provider lets its people in, as what their groups say', async ({
  server,
  provider,
  open,
  guard,
}) => {
  guard.expect(ASKED, new RegExp(`request to another host: ${provider.url}`));
  provider.who = { sub: '17', preferred_username: 'carla', name: 'Carla Jung', groups: ['family', 'choir'] };
  const page = await open(`${LOGIN}?next=${FILES}`, { as: null });
  await page.getByRole('button', { name: signin.provider(LABEL) }).click();
  await page.waitForURL(`${provider.url}/authorize**`);
  await page.getByRole('link', { name: 'Agree' }).click();
  await page.waitForURL(server.url + FILES);
  const state = await page.evaluate(async () => (await fetch('/api/v1/session')).json());
  expect(state).toMatchObject({ user: { name: 'carla', display_name: 'Carla Jung', role: 'member' } });

  // The next time the groups say something else.
  provider.who = { ...provider.who, groups: ['parents'] };
  const again = await open(LOGIN, { as: null });
  await again.getByRole('button', { name: signin.provider(LABEL) }).click();
  await again.getByRole('link', { name: 'Agree' }).click();
  await again.waitForURL(server.url + FILES);
  await again.getByRole('link', { name: messages.shell.users }).waitFor();
});

test('who is in no group of the household is told so', async ({ server, provider, open, guard }) => {
  guard.expect(ASKED, new RegExp(`request to another host: ${provider.url}`));
  provider.who = { sub: '99', preferred_username: 'stranger', name: 'Stranger', groups: ['choir'] };
  const page = await open(LOGIN, { as: null });
  await page.getByRole('button', { name: signin.provider(LABEL) }).click();
  await page.getByRole('link', { name: 'Agree' }).click();
  await page.waitForURL(/login\.html/);
  await page.getByRole('alert').filter({ hasText: 'in none of the groups' }).waitFor();
  expect((await fetch(`${server.url}/api/v1/files/list`)).status).toBe(401);
});

test('a session that ends goes on through the provider, in a window of its own', async ({
  server,
  provider,
  open,
  guard,
}) => {
  guard.expect(ASKED, new RegExp(`request to another host: ${provider.url}`));
  await server.api.upload({ name: 'for everyone.txt', shared: true });
  provider.who = { sub: '18', preferred_username: 'max', name: 'Max', groups: ['family'] };
  const page = await open(ALL_FILES, { as: null });
  await page.getByRole('button', { name: signin.provider(LABEL) }).click();
  await page.getByRole('link', { name: 'Agree' }).click();
  await row(page, 'for everyone.txt').waitFor();
  await atRest(page);
  await page.context().clearCookies();
  await page.getByRole('columnheader', { name: messages.files.columns.size }).getByRole('button').click();
  const opened = page.context().waitForEvent('page');
  await loginDialog(page)
    .getByRole('button', { name: signin.provider(LABEL) })
    .click();
  await (await opened).getByRole('link', { name: 'Agree' }).click();
  await loginDialog(page).waitFor({ state: 'hidden' });
  await row(page, 'for everyone.txt').waitFor();
  expect(page.url(), 'what was asked for goes on').toContain('sort=size');
});

test('an account is connected with the provider by its own person', async ({
  server,
  provider,
  open,
  guard,
}) => {
  guard.expect(ASKED, new RegExp(`request to another host: ${provider.url}`));
  const eve = { name: 'eve', password: 'apples and oranges', display_name: 'Eve', role: 'member' as const };
  server.addAtTerminal(eve);
  provider.who = { sub: '19', preferred_username: 'somebody', name: 'Somebody', groups: ['family'] };
  const page = await open(ACCOUNT, { as: await signInByScript(server.url, eve) });
  await page.getByRole('link', { name: account.profile.connect(LABEL) }).click();
  await page.getByRole('link', { name: 'Agree' }).click();
  await page.getByText(account.profile.connected).waitFor();
  const other = await open(`${LOGIN}?next=${ACCOUNT}`, { as: null });
  await other.getByRole('button', { name: signin.provider(LABEL) }).click();
  await other.getByRole('link', { name: 'Agree' }).click();
  await other.getByText(`${account.profile.hint} eve.`).waitFor();
});

test('a provider that goes away in the middle is said to be away', async ({ provider, open, guard }) => {
  guard.expect(ASKED, new RegExp(`request to another host: ${provider.url}`));
  const page = await open(LOGIN, { as: null });
  await page.getByRole('button', { name: signin.provider(LABEL) }).click();
  const agree = page.getByRole('link', { name: 'Agree' });
  await agree.waitFor();
  await provider.stop();
  await agree.click();
  await page.waitForURL(/login\.html/);
  await page.getByRole('alert').filter({ hasText: /\w/ }).first().waitFor();
});
