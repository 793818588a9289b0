import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { account } from '../src/messages/en.account';
import { auditActions, audit as auditWords } from '../src/messages/en.audit';
import { roleIn, roles } from '../src/messages/en.people';
import { doors, passwords, signin } from '../src/messages/en.signin';
import { users as words } from '../src/messages/en.users';
import { sha256 } from './harness/api';
import { ASKED, askAgain, confirmDialog, enterPassword, loginDialog } from './harness/door';
import { panel, picker, row, rows, toasts, toolbar } from './harness/files';
import { ADA, BOB, GWEN, signInByScript, type TestPerson } from './harness/people';
import type { Server } from './harness/server';
import {
  ACCOUNT,
  ALL_FILES,
  AUDIT,
  test as base,
  DASHBOARD,
  expect,
  FILES,
  LOGIN,
  USERS,
  until,
} from './harness/test';

const MB = 1024 * 1024;
/** The promise is a second from the change to the end of what still runs. */
const AT_ONCE_MS = 1_000;

/** Ada's household, with Bob and Gwen in it. */
const test = base.extend<{ household: undefined }>({
  household: [
    async ({ server }, use) => {
      await server.api.addPerson(BOB);
      await server.api.addPerson(GWEN);
      await use(undefined);
    },
    { scope: 'file', auto: true },
  ],
});

const signedIn = (server: Server, person: TestPerson) => signInByScript(server.url, person);
const live = (page: Page) => page.locator('header').getByText(messages.connection.live).waitFor();
const person = (page: Page, name: string) =>
  page.getByRole('list', { name: words.title }).getByRole('listitem').filter({ hasText: name });

/** When the live feed of a page ends that is opened with `before`. */
function feedEnds() {
  let over: (time: number) => void = () => {};
  const ended = new Promise<number>((resolve) => (over = resolve));
  const before = async (page: Page) => {
    page.on('websocket', (socket) => socket.on('close', () => over(Date.now())));
  };
  return { before, ended };
}

test('name and password; a wrong one is told without saying which', async ({ server, open, guard }) => {
  guard.expect(ASKED);
  const page = await open(`${FILES}?tag=x`, { as: null });
  await page.waitForURL(/login\.html/);
  expect(await page.getByLabel(signin.name, { exact: true }).getAttribute('autocomplete')).toContain(
    'username',
  );
  expect(await page.getByLabel(signin.password, { exact: true }).getAttribute('autocomplete')).toBe(
    'current-password',
  );
  await page.getByRole('button', { name: signin.submit, exact: true }).click();
  await page.getByText(signin.missingName).waitFor();
  await enterPassword(page, { name: 'bob', password: 'wrong, wrong, wrong' });
  const wrong = await page.getByRole('alert').textContent();
  await enterPassword(page, { name: 'nobody-here', password: 'wrong, wrong, wrong' });
  await until(() => page.getByRole('alert').textContent(), wrong);
  await enterPassword(page, BOB);
  await page.waitForURL(`${server.url}${FILES}?tag=x`);
  await page
    .getByRole('button', { name: messages.shell.signOut })
    .filter({ hasText: BOB.display_name })
    .waitFor();
});

test('a guest reads what is shared, and is offered nothing else', async ({ server, open, guard }) => {
  await server.api.upload({ name: 'for everyone.txt', shared: true });
  await server.api.upload({ name: 'for ada.txt' });
  const page = await open(FILES, { as: await signedIn(server, GWEN) });
  await row(page, 'for everyone.txt').waitFor();
  expect(await rows(page).count()).toBe(1);
  expect(await picker(page).count(), 'upload').toBe(0);
  for (const name of [messages.shell.dashboard, messages.shell.users, messages.shell.audit])
    expect(await page.getByRole('link', { name, exact: true }).count(), name).toBe(0);
  await row(page, 'for everyone.txt').locator('.check').click();
  await toolbar(page).getByRole('button', { name: messages.files.actions.download }).waitFor();
  for (const name of [
    messages.files.actions.remove,
    messages.files.actions.tag,
    messages.files.actions.rename,
  ])
    expect(await toolbar(page).getByRole('button', { name, exact: true }).count(), name).toBe(0);
  await page.keyboard.press('Delete');
  await page.goto(server.url + USERS);
  await page.getByText(messages.errors.notYours).waitFor();
  guard.expect(/answer 403|status of 403|response code: 403/);
  await page.goto(server.url + DASHBOARD);
  await page.waitForURL(server.url + FILES);
  expect((await server.api.list()).total).toBe(2);
});

test('files are shared with the household, and taken back', async ({ server, open }) => {
  const bob = await server.apiOf(BOB);
  const page = await open(ALL_FILES, { as: await signedIn(server, BOB) });
  await page.getByLabel(messages.files.upload.share).check();
  await picker(page).setInputFiles({ name: 'song.txt', mimeType: 'text/plain', buffer: Buffer.from('la') });
  await row(page, 'song.txt').getByText(messages.files.sharing.isShared, { exact: true }).waitFor();
  await row(page, 'for everyone.txt').getByText(ADA.display_name, { exact: true }).waitFor();
  expect((await (await server.apiOf(GWEN)).list()).files.map((file) => file.filename)).toContain('song.txt');

  await row(page, 'song.txt').locator('button.more').click();
  await page.getByRole('menuitem', { name: messages.files.actions.unshare }).click();
  await row(page, 'song.txt').getByText(messages.files.sharing.isPrivate, { exact: true }).waitFor();
  await until(async () => (await bob.named('song.txt')).shared, false);

  await row(page, 'song.txt').locator('.check').click();
  await toolbar(page).getByRole('button', { name: messages.files.actions.shareShort, exact: true }).click();
  await toasts(page).getByText(messages.files.sharing.shared(1)).waitFor();
  await page.keyboard.press('Escape');
  await row(page, 'song.txt').locator('.name').click();
  await page.getByRole('button', { name: messages.files.actions.unshare }).click();
  await until(async () => (await bob.named('song.txt')).shared, false);
  await page.getByRole('button', { name: messages.files.actions.share, exact: true }).waitFor();
});

test('an invitation by link makes one account, and a second link sets a new password', async ({
  server,
  open,
  guard,
}) => {
  // The page of files that the first link led to hears at once that its session has ended.
  guard.expect(ASKED, /answer 404|status of 404/);
  const page = await open(USERS);
  await page.getByRole('button', { name: words.invite.button }).click();
  await page.getByRole('radio', { name: roles.guest }).check();
  await page.getByRole('button', { name: words.invite.submit }).click();
  const link = new URL(await page.getByLabel(words.link.label, { exact: true }).inputValue());
  await page.getByRole('button', { name: words.close }).click();
  await page.getByText(words.open.invitation(roleIn.guest)).waitFor();

  const asked: string[] = [];
  const invited = await open(link.pathname + link.hash, {
    as: null,
    before: async (page) => void page.on('request', (request) => asked.push(request.url())),
  });
  await invited
    .getByText(doors.invite.invited(ADA.display_name, roleIn.guest))
    .or(invited.getByText(doors.invite.invited(ADA.name, roleIn.guest)))
    .waitFor();
  await invited.getByLabel(passwords.name).fill('carl');
  await invited.getByLabel(passwords.displayName).fill('Carl');
  await invited.getByLabel(signin.password, { exact: true }).fill('a very first password');
  await invited.getByRole('button', { name: doors.invite.submit }).click();
  await invited.waitForURL(server.url + FILES);
  expect(
    asked.filter((url) => new URL(url).search.includes(link.hash.slice(1))),
    'the code in addresses',
  ).toEqual([]);

  const again = await open(link.pathname + link.hash, { as: null });
  await again.getByText(doors.invite.worthless).waitFor();

  await page.reload();
  await person(page, 'Carl').getByText(roles.guest).waitFor();
  await person(page, 'Carl')
    .getByRole('button', { name: words.actionsOf('Carl') })
    .click();
  await page.getByRole('menuitem', { name: words.reset }).click();
  const reset = new URL(await page.getByLabel(words.link.label, { exact: true }).inputValue());
  const forgetful = await open(reset.pathname + reset.hash, { as: null });
  await forgetful.getByText(doors.invite.reset('carl')).waitFor();
  await forgetful.getByLabel(signin.password, { exact: true }).fill('a second password');
  await forgetful.getByRole('button', { name: doors.invite.resetSubmit }).click();
  await forgetful.waitForURL(server.url + FILES);
  await signInByScript(server.url, { name: 'carl', password: 'a second password' });
});

test('people are added, change their role, and the last administrator stays', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(/answer 409|status of 409/);
  const page = await open(USERS);
  await page.getByRole('button', { name: words.add.button }).click();
  await page.getByLabel(passwords.name).fill('dora');
  await page.getByLabel(signin.password, { exact: true }).fill('pots and pans and pans');
  await page.getByRole('button', { name: words.add.submit, exact: true }).click();
  await person(page, 'dora').getByText(roles.member).waitFor();
  await person(page, 'dora')
    .getByRole('button', { name: words.actionsOf('dora') })
    .click();
  await page.getByRole('menuitem', { name: words.makeRole(roleIn.guest) }).click();
  await page.getByRole('button', { name: words.roleAct }).click();
  await person(page, 'dora').getByText(roles.guest).waitFor();

  await person(page, ADA.display_name)
    .getByRole('button', { name: words.actionsOf(ADA.display_name) })
    .click();
  await page.getByRole('menuitem', { name: words.makeRole(roleIn.member) }).click();
  const dialog = page.getByRole('dialog', { name: words.roleTitle(ADA.display_name) });
  await dialog.getByRole('button', { name: words.roleAct }).click();
  await dialog
    .getByRole('alert')
    .getByText(/administrator/)
    .waitFor();
  await dialog.getByRole('button', { name: words.cancel }).click();
  await person(page, ADA.display_name).getByText(roles.administrator).waitFor();
  expect((await server.api.json<{ role: string }>('GET', '/api/v1/session')).role).toBe('administrator');
});

test('a device that is signed out loses its open dashboard at once, and comes back by signing in', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED);
  const { before, ended } = feedEnds();
  const dashboard = await open(DASHBOARD, { as: await signedIn(server, BOB), before });
  await live(dashboard);
  const elsewhere = await open(ACCOUNT, { as: await signedIn(server, BOB) });
  await elsewhere.getByText(account.devices.here).waitFor();
  await elsewhere.getByRole('button', { name: account.devices.endOthers }).click();
  const began = Date.now();
  expect(await ended, 'the feed ends').toBeLessThan(began + AT_ONCE_MS);
  await loginDialog(dashboard).waitFor();
  await elsewhere.getByText(account.devices.only).waitFor();
  await enterPassword(dashboard, BOB);
  await loginDialog(dashboard).waitFor({ state: 'hidden' });
  await live(dashboard);
});

test('a disabled person is out at once, and nobody gets back in that way', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(ASKED);
  const bob = await signedIn(server, BOB);
  const { before, ended } = feedEnds();
  const dashboard = await open(DASHBOARD, { as: bob, before });
  await live(dashboard);
  const page = await open(USERS);
  await person(page, BOB.display_name)
    .getByRole('button', { name: words.actionsOf(BOB.display_name) })
    .click();
  await page.getByRole('menuitem', { name: words.disable }).click();
  await page.getByRole('dialog').getByRole('button', { name: words.disable, exact: true }).click();
  const began = Date.now();
  expect(await ended, 'the feed ends').toBeLessThan(began + AT_ONCE_MS);
  await person(page, BOB.display_name).getByText(words.disabled, { exact: true }).waitFor();
  expect((await fetch(`${server.url}/api/v1/files/list`, { headers: { Cookie: bob.cookie } })).status).toBe(
    401,
  );
  await loginDialog(dashboard).waitFor();
  await enterPassword(dashboard, BOB);
  await loginDialog(dashboard).getByRole('alert').waitFor();
  await person(page, BOB.display_name)
    .getByRole('button', { name: words.actionsOf(BOB.display_name) })
    .click();
  await page.getByRole('menuitem', { name: words.enable }).click();
  await toasts(page).getByText(words.wasEnabled(BOB.display_name)).waitFor();
});

test('the session ends while somebody uploads and types: nothing is lost', async ({
  server,
  open,
  wire,
  guard,
}) => {
  guard.expect(ASKED, /ERR_CONNECTION_RESET|ERR_CONNECTION_ABORTED|ERR_EMPTY_RESPONSE/);
  const bob = await server.apiOf(BOB);
  await bob.upload({ name: 'draft.txt' });
  const session = await signedIn(server, BOB);
  const page = await open(FILES, { as: session, base: wire.url });
  await row(page, 'draft.txt').waitFor();
  wire.bytesPerSecond = 2 * MB;
  const content = randomBytes(4 * MB);
  await picker(page).setInputFiles({ name: 'film.mkv', mimeType: 'video/x-matroska', buffer: content });
  await row(page, 'draft.txt')
    .locator('.name')
    .focus()
    .catch(() => {});
  await row(page, 'draft.txt').focus();
  await page.keyboard.press('F2');
  const rename = page.getByRole('dialog', { name: messages.files.rename.title });
  await rename.getByLabel(messages.files.rename.label).fill('final version.txt');
  await fetch(`${server.url}/api/v1/session`, { method: 'DELETE', headers: { Cookie: session.cookie } });
  // Not by the keyboard: the upload may have heard first, and then the keys go to the dialog for signing in.
  await rename.getByRole('button', { name: messages.files.rename.save }).dispatchEvent('click');
  await loginDialog(page).waitFor();
  wire.bytesPerSecond = Number.POSITIVE_INFINITY;
  await enterPassword(page, BOB);
  await panel(page).locator('header').getByText(messages.files.upload.done(1, 1)).waitFor();
  await row(page, 'final version.txt').waitFor();
  expect((await bob.named('film.mkv')).sha256).toBe(sha256(content));
});

test('somebody else who signs in does not see the page of the first', async ({ server, open, guard }) => {
  guard.expect(ASKED);
  const session = await signedIn(server, BOB);
  const page = await open(FILES, { as: session });
  await row(page, 'final version.txt').waitFor();
  await fetch(`${server.url}/api/v1/session`, { method: 'DELETE', headers: { Cookie: session.cookie } });
  // Not by the mouse: the page may have heard by itself, and then the dialog lies over the list already.
  await page
    .getByRole('columnheader', { name: messages.files.columns.size })
    .getByRole('button')
    .dispatchEvent('click');
  await loginDialog(page).waitFor();
  await enterPassword(page, GWEN);
  await page
    .getByRole('button', { name: messages.shell.signOut })
    .filter({ hasText: GWEN.display_name })
    .waitFor();
  await row(page, 'for everyone.txt').waitFor();
  expect(await row(page, 'final version.txt').count()).toBe(0);
});

test('a weighty change asks again who it is, and is then made', async ({ server, open, guard }) => {
  guard.expect(ASKED);
  const page = await open(ACCOUNT, { as: await signedIn(server, BOB) });
  await askAgain(page, '**/api/v1/account/tokens');
  await page.getByText(account.tokens.empty).waitFor();
  await page.getByRole('button', { name: account.tokens.add }).click();
  await page.getByLabel(account.tokens.name, { exact: true }).fill('late');
  await page.getByRole('button', { name: account.tokens.create, exact: true }).click();
  await confirmDialog(page).getByLabel(signin.password, { exact: true }).fill(BOB.password);
  await confirmDialog(page).getByRole('button', { name: signin.confirmSubmit, exact: true }).click();
  await page.getByRole('dialog', { name: account.tokens.secretTitle('late') }).waitFor();
});

test('the audit log says who did what, page after page', async ({ server, open }) => {
  const bob = await server.apiOf(BOB);
  for (let at = 0; at < 55; at++)
    await bob.json('PATCH', '/api/v1/account', { display_name: `${BOB.display_name} ${at}` });
  const page = await open(AUDIT);
  const entries = page.getByRole('table', { name: auditWords.title }).getByRole('row');
  await entries.nth(50).waitFor();
  expect(await entries.count(), 'a page and the head').toBe(51);
  await page.getByRole('button', { name: auditWords.more }).click();
  await expect.poll(() => entries.count()).toBeGreaterThan(51);
  await page
    .getByLabel(auditWords.action, { exact: true })
    .selectOption({ label: auditActions['user.disabled'] ?? '' });
  await until(() => entries.count(), 2);
  await entries.nth(1).getByText('bob').waitFor();
  expect(await entries.nth(1).textContent()).toContain(ADA.name);
  await page.getByLabel(auditWords.actor, { exact: true }).fill('gwen');
  await page.keyboard.press('Enter');
  await page.getByText(auditWords.noMatch).waitFor();
  await page.getByRole('button', { name: auditWords.clear }).click();
  await entries.nth(50).waitFor();
});

test('a member has no page of people, and the door no page of its own for whoever is inside', async ({
  server,
  open,
}) => {
  const page = await open(AUDIT, { as: await signedIn(server, BOB) });
  await page.getByText(messages.errors.notYours).waitFor();
  await page.goto(server.url + LOGIN);
  await page.waitForURL(server.url + DASHBOARD);
});
