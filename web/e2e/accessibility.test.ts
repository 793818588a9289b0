import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { account } from '../src/messages/en.account';
import { audit as auditWords } from '../src/messages/en.audit';
import { charts } from '../src/messages/en.charts';
import { notify } from '../src/messages/en.notify';
import { settings } from '../src/messages/en.settings';
import { doors, passwords, signin } from '../src/messages/en.signin';
import { users } from '../src/messages/en.users';
import { audit } from './harness/audit';
import { ASKED, enterPassword, loginDialog } from './harness/door';
import { check, panel, picker, row, rows, toasts } from './harness/files';
import { ADA } from './harness/people';
import {
  ACCOUNT,
  AUDIT,
  DASHBOARD,
  expect,
  FILES,
  LOGIN,
  type OpenOptions,
  SETTINGS,
  test,
  USERS,
  until,
} from './harness/test';

const words = messages.files;
const MB = 1024 * 1024;
const SIZES: { name: string; options: OpenOptions }[] = [
  { name: '1440', options: { viewport: { width: 1440, height: 900 } } },
  { name: '390', options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
];
const SMALL: OpenOptions = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
const SAMPLES = Array.from({ length: 40 }, (_, at) => ({
  name: at === 7 ? `${'a very long name '.repeat(12)}.txt` : `document ${at}.txt`,
  tags: at % 3 === 0 ? ['papers', 'house'] : [],
}));

const liveDashboard = async (page: Page) => {
  await page.locator('header').getByText(messages.connection.live).waitFor();
  await page.locator('canvas').nth(3).waitFor();
};

/** In both themes, without coming to the same state twice. */
async function auditBoth(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-theme=${colorScheme}]`).waitFor({ state: 'attached' });
    await audit(page, `${what}, ${colorScheme}`);
  }
}

for (const { name, options } of SIZES) {
  test(`${name}: dashboard`, async ({ open }) => {
    const page = await open(DASHBOARD, options);
    await liveDashboard(page);
    await auditBoth(page, 'dashboard');
    await page.getByRole('button', { name: charts.showTable }).first().click();
    await page.getByRole('table').waitFor();
    await auditBoth(page, 'table open');
    await page.getByRole('button', { name: messages.shell.theme }).click();
    await page.getByRole('menu').waitFor();
    await auditBoth(page, 'theme menu open');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: messages.shortcuts.title }).waitFor();
    await auditBoth(page, 'help open');
  });

  test(`${name}: files`, async ({ server, open, wire }) => {
    await server.api.clear();
    const page = await open(FILES, { ...options, base: wire.url });
    await page.getByText(words.empty).waitFor();
    await auditBoth(page, 'empty');

    await server.api.uploadAll(SAMPLES);
    await page.reload();
    await rows(page).first().waitFor();
    await auditBoth(page, 'list');
    await check(rows(page).nth(1));
    await check(rows(page).nth(2));
    await auditBoth(page, 'selection');
    await page.getByRole('toolbar').getByRole('button', { name: words.actions.tag }).click();
    await page.getByRole('dialog', { name: words.tags.title(2) }).waitFor();
    await auditBoth(page, 'tags dialog');
    await page.keyboard.press('Escape');
    await page.getByRole('toolbar').getByRole('button', { name: words.clearSelection }).click();
    await rows(page).first().locator('button.more').click();
    await page.getByRole('menuitem', { name: words.actions.rename }).waitFor();
    await auditBoth(page, 'menu open');
    await page.getByRole('menuitem', { name: words.actions.rename }).click();
    await page.getByRole('dialog', { name: words.rename.title }).waitFor();
    await auditBoth(page, 'rename dialog');
    await page.keyboard.press('Escape');
    await rows(page).first().locator('.name').click();
    await page.getByText(words.details.noPreview).waitFor();
    await auditBoth(page, 'details');
    await page
      .getByRole('button', { name: words.details.close })
      .or(page.getByRole('button', { name: messages.dialog.close }))
      .first()
      .click();

    wire.bytesPerSecond = 0.25 * MB;
    await picker(page).setInputFiles([
      { name: 'film.mkv', mimeType: 'video/x-matroska', buffer: Buffer.alloc(8 * MB, 1) },
      { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('note') },
    ]);
    await panel(page).getByText(words.upload.done(1, 2)).waitFor();
    await auditBoth(page, 'uploading');
    await panel(page)
      .getByRole('button', { name: words.upload.pause('film.mkv') })
      .click();
    await auditBoth(page, 'upload paused');
  });

  test(`${name}: nothing found, deleted, failed`, async ({ server, open, guard }) => {
    await server.api.upload({ name: 'only.txt' });
    const page = await open(`${FILES}?q=only.txt`, options);
    await row(page, 'only.txt').first().focus();
    await page.keyboard.press('Delete');
    await toasts(page).getByRole('button', { name: messages.toast.undo }).waitFor();
    await page.getByRole('searchbox').fill('no such file');
    await page.getByText(words.noMatch).waitFor();
    await auditBoth(page, 'no match and toast');
    guard.expect(/answer 500|status of 500/);
    await page.route(/\/files\/list/, (route) =>
      route.fulfill({ status: 500, body: '{"detail":"Broken."}' }),
    );
    await page.getByRole('searchbox').fill('again');
    await page.getByText(words.loadFailed).waitFor();
    await auditBoth(page, 'error');
  });
}

/** The pages at the door, and those of people, with all that can open on them. */
for (const { name, options } of SIZES) {
  test(`${name}: sign-in and invitation`, async ({ open, guard }) => {
    guard.expect(/answer 40[14]|status of 40[14]/);
    const page = await open(LOGIN, { ...options, as: null });
    await page.getByLabel(signin.name, { exact: true }).waitFor();
    await auditBoth(page, 'sign-in');
    await enterPassword(page, { name: 'ada', password: 'not the password' });
    await page.getByRole('alert').waitFor();
    await auditBoth(page, 'wrong password');
    const worthless = await open('/static/invite.html#worthless', { ...options, as: null });
    await worthless.getByText(doors.invite.worthless).waitFor();
    await auditBoth(worthless, 'worthless link');
    await worthless.route('**/look', (route) =>
      route.fulfill({
        json: {
          kind: 'invitation',
          role: 'guest',
          name: '',
          invited_by: 'Ada',
          expires_at: new Date().toISOString(),
        },
      }),
    );
    await worthless.reload();
    await worthless.getByRole('button', { name: doors.invite.submit }).click();
    await worthless.getByText(passwords.missingName).waitFor();
    await auditBoth(worthless, 'invitation');
  });

  test(`${name}: account`, async ({ open }) => {
    const page = await open(ACCOUNT, options);
    await page.getByText(account.devices.here).waitFor();
    await page.getByText(account.tokens.empty).waitFor();
    await auditBoth(page, 'account');
    await page.getByRole('button', { name: account.password.change }).click();
    await auditBoth(page, 'new password');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: account.totp.begin, exact: true }).click();
    await page.getByRole('img', { name: account.totp.qr }).waitFor();
    await auditBoth(page, 'codes from an app');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: account.tokens.add }).click();
    await page.getByRole('button', { name: account.tokens.create, exact: true }).click();
    await auditBoth(page, 'new token');
  });

  test(`${name}: people and audit log`, async ({ server, open }) => {
    const page = await open(USERS, options);
    await page.getByText(users.open.empty).waitFor();
    await auditBoth(page, 'people');
    await page.getByRole('button', { name: users.actionsOf(ADA.display_name) }).click();
    await page.getByRole('menuitem', { name: users.disable }).waitFor();
    await auditBoth(page, 'menu open');
    await page.getByRole('menuitem', { name: users.disable }).click();
    await auditBoth(page, 'question');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: users.add.button }).click();
    await auditBoth(page, 'add a person');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: users.invite.button }).click();
    await auditBoth(page, 'invite');
    await page.keyboard.press('Escape');
    await page.goto(server.url + AUDIT);
    await page.getByRole('table', { name: auditWords.title }).waitFor();
    await auditBoth(page, 'audit log');
    const more = page.getByRole('button', { name: messages.shell.more, exact: true });
    if (!(await more.isVisible())) return;
    await more.click();
    await page.getByRole('menuitem', { name: messages.shell.signOut }).waitFor();
    await auditBoth(page, 'more');
  });

  test(`${name}: settings`, async ({ open }) => {
    const page = await open(SETTINGS, options);
    await page.getByText(settings.backup.noRuns).waitFor();
    await page.getByLabel(settings.retention.trashDays).waitFor();
    await page.getByRole('table', { name: settings.space.title }).waitFor();
    await page.getByText(notify.empty).waitFor();
    await page.getByLabel(notify.hours.from).waitFor();
    await auditBoth(page, 'settings');
    await page.getByRole('button', { name: settings.space.changeOf(settings.household) }).click();
    await auditBoth(page, 'limit');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: notify.add }).click();
    await auditBoth(page, 'add a channel');
  });

  test(`${name}: the session has ended`, async ({ open, guard }) => {
    guard.expect(ASKED);
    const page = await open(ACCOUNT, options);
    await page.getByText(account.tokens.empty).waitFor();
    await page.context().clearCookies();
    await page.getByLabel(account.profile.name, { exact: true }).fill('Somebody');
    await page.getByRole('button', { name: account.save, exact: true }).click();
    await loginDialog(page).getByLabel(signin.name, { exact: true }).waitFor();
    await auditBoth(page, 'sign-in over the page');
  });
}

test('320 px: the pages of people fit', async ({ open }) => {
  for (const path of [LOGIN, ACCOUNT, USERS, AUDIT, SETTINGS]) {
    const page = await open(path, path === LOGIN ? { ...SMALL, as: null } : SMALL);
    await page.locator('h1').waitFor();
    await page.waitForLoadState('networkidle');
    await audit(page, path);
  }
});

test('320 px: both pages fit', async ({ server, open }) => {
  await server.api.clear();
  await server.api.uploadAll(SAMPLES);
  const dashboard = await open(DASHBOARD, SMALL);
  await liveDashboard(dashboard);
  await audit(dashboard, 'dashboard');
  const files = await open(FILES, SMALL);
  await rows(files).first().waitFor();
  await audit(files, 'files');
  await rows(files).first().locator('.name').click();
  await files.getByText(words.details.noPreview).waitFor();
  await audit(files, 'details');
});

test('200 % zoom: both pages fit', async ({ open }) => {
  for (const path of [DASHBOARD, FILES]) {
    const page = await open(path, { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 });
    await page.locator('h1').waitFor();
    await audit(page, path);
  }
});

test('forced colours and less motion', async ({ open }) => {
  for (const path of [DASHBOARD, FILES]) {
    const page = await open(path, { forcedColors: 'active', reducedMotion: 'reduce' });
    await page.locator('h1').waitFor();
    await audit(page, path);
  }
});

test('the theme stays as chosen', async ({ open }) => {
  const page = await open(DASHBOARD, { colorScheme: 'dark' });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole('button', { name: messages.shell.theme }).click();
  await page.getByRole('menuitemradio', { name: messages.shell.themes.light }).click();
  await expect.poll(ground).not.toBe(dark);
  const light = await ground();
  await page.reload();
  await until(ground, light);
});
