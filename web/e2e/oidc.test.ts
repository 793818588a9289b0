import { messages } from '../src/messages/en';
import { signin } from '../src/messages/en.signin';
import { ASKED } from './harness/door';
import { Provider } from './harness/provider';
import { test as base, expect, FILES, LOGIN } from './harness/test';

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
