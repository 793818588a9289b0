/** The states of folders, trash and versions, looked at by axe: both themes, on a desk and on a phone. */
import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { filesMore as more } from '../src/messages/en.files-more';
import { audit } from './harness/audit';
import { check, names, places, row, toolbar } from './harness/files';
import { expect, FILES, type OpenOptions, test, until } from './harness/test';

const words = messages.files;
const SIZES: { name: string; options: OpenOptions }[] = [
  { name: '1440', options: { viewport: { width: 1440, height: 900 } } },
  { name: '390', options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
];
const LONG = 'a folder with a name that is far too long for any path to show it whole, and then some';

async function auditBoth(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-theme=${colorScheme}]`).waitFor({ state: 'attached' });
    await audit(page, `${what}, ${colorScheme}`);
  }
}

/** Whether nothing has to be scrolled sideways. */
const fits = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

for (const { name, options } of SIZES) {
  test(`${name}: folders`, async ({ server, open }) => {
    const { api } = server;
    await api.clear();
    const long = (await api.folder(LONG)).id;
    const below = (await api.folder('Below', long)).id;
    await api.folder('Music');
    await api.upload({ name: 'apple.txt', tags: ['fruit'] });
    await api.put(below, { name: 'apple.txt' });
    const page = await open(FILES, options);
    await until(() => names(page), [LONG, 'Music', 'apple.txt']);
    await auditBoth(page, 'home');
    expect(await fits(page)).toBe(true);
    await page.getByRole('button', { name: words.layouts.tiles }).click();
    await page.locator('.file-grid.tiles').waitFor();
    await auditBoth(page, 'tiles');
    await page.getByRole('button', { name: words.layouts.list }).click();
    await row(page, LONG).locator('.name').click();
    await row(page, 'Below').locator('.name').click();
    await until(() => names(page), ['apple.txt']);
    await auditBoth(page, 'a long path');
    expect(await fits(page)).toBe(true);
    await page.goto(server.url + FILES);
    await row(page, 'Music').locator('.name').click();
    await page.getByText(words.emptyFolder).waitFor();
    await auditBoth(page, 'empty folder');
    await page.goBack();
    await row(page, 'Music').waitFor();
    await page.getByRole('button', { name: words.newFolder }).click();
    await page.getByRole('dialog', { name: more.folder.title }).waitFor();
    await auditBoth(page, 'new folder');
    await page.keyboard.press('Escape');
    await check(row(page, 'Music'));
    await check(row(page, 'apple.txt'));
    await auditBoth(page, 'selection');
    await toolbar(page).getByRole('button', { name: words.actions.moveShort }).click();
    await page.getByRole('dialog', { name: more.target.title('move', 2) }).waitFor();
    await page.getByText(more.target.same).waitFor();
    await auditBoth(page, 'where to');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+x');
    await page.getByRole('button', { name: words.clipboard.paste }).waitFor();
    await auditBoth(page, 'cut');
    await page.getByRole('button', { name: words.clipboard.clear }).click();
    await page.getByRole('button', { name: words.storage }).click();
    await page.getByText(more.usage.here).waitFor();
    await auditBoth(page, 'storage use');
    expect(await fits(page)).toBe(true);
  });

  test(`${name}: names that are taken, versions, trash`, async ({ server, open, guard }) => {
    guard.expect(/answer 409|status of 409/);
    const { api } = server;
    await api.clear();
    const music = (await api.folder('Music')).id;
    for (const file of ['apple.txt', 'banana.txt']) {
      await api.put(music, { name: file });
      await api.replace((await api.upload({ name: file })).id, 'another');
    }
    const page = await open(FILES, options);
    await check(row(page, 'apple.txt'));
    await check(row(page, 'banana.txt'));
    await toolbar(page).getByRole('button', { name: words.actions.moveShort }).click();
    const dialog = page.getByRole('dialog', { name: more.target.title('move', 2) });
    await dialog.getByRole('button', { name: 'Music' }).click();
    await dialog.getByRole('button', { name: more.target.act('move', 'Music') }).click();
    const taken = page.getByRole('dialog', { name: more.conflicts.title(2) });
    await taken.waitFor();
    await auditBoth(page, 'names taken, for all');
    await taken.getByRole('radio', { name: more.conflicts.each }).check();
    await auditBoth(page, 'names taken, for each');
    await taken.getByRole('button', { name: more.conflicts.cancel }).click();
    await taken.waitFor({ state: 'detached' });
    await row(page, 'apple.txt').locator('.name').click();
    const versions = page.getByRole('region', { name: more.versions.title });
    await versions.getByRole('listitem').waitFor();
    await auditBoth(page, 'versions');
    await versions.getByRole('listitem').getByRole('button').click();
    await page.getByRole('menuitem', { name: more.versions.remove }).click();
    await page.getByRole('dialog', { name: more.versions.removeTitle }).waitFor();
    await auditBoth(page, 'delete a version');
    await page.keyboard.press('Escape');
    await page.goto(`${server.url}${FILES}`);
    await row(page, 'Music').focus();
    await page.keyboard.press('Delete');
    await row(page, 'Music').waitFor({ state: 'detached' });
    await places(page).getByRole('link', { name: words.places.trash }).click();
    await row(page, 'Music').first().waitFor();
    await auditBoth(page, 'trash');
    await check(row(page, 'Music').first());
    await toolbar(page).getByRole('button', { name: words.actions.destroy }).click();
    await page.getByRole('dialog', { name: more.trash.destroyOneTitle('Music') }).waitFor();
    await auditBoth(page, 'delete for good');
    expect(await fits(page)).toBe(true);
  });
}
