import type { Page, Route } from 'playwright-core';
import { formatBytes } from '../src/lib/format';
import { messages } from '../src/messages/en';
import { filesMore as more } from '../src/messages/en.files-more';
import { check, row, toasts, toolbar } from './harness/files';
import { test as base, expect, FILES, until } from './harness/test';

const words = messages.files;

const test = base.extend<{ page: Page; id: string }>({
  id: async ({ server }, use) => {
    await server.api.clear();
    const { id } = await server.api.upload({ name: 'letter.txt', body: 'first', tags: ['post'] });
    await server.api.replace(id, 'second');
    await server.api.replace(id, 'the third');
    await use(id);
  },
  page: async ({ open, id: _id }, use) => {
    const page = await open(FILES);
    await row(page, 'letter.txt').locator('.name').click();
    await versions(page).getByRole('listitem').nth(1).waitFor();
    await use(page);
  },
});

const details = (page: Page) => page.getByRole('complementary', { name: words.details.title });
const versions = (page: Page) => details(page).getByRole('region', { name: more.versions.title });
const undo = (page: Page) => toasts(page).getByRole('button', { name: messages.toast.undo }).last();

async function choose(page: Page, at: number, item: string): Promise<void> {
  await versions(page).getByRole('listitem').nth(at).getByRole('button').click();
  await page.getByRole('menuitem', { name: item }).click();
}

test('versions: download, restore, pin, delete', async ({ page, server, id }) => {
  const list = versions(page).getByRole('listitem');
  expect(await list.count()).toBe(2);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    list.nth(1).getByRole('link').click(),
  ]);
  const parts: Buffer[] = [];
  for await (const part of await download.createReadStream()) parts.push(Buffer.from(part));
  expect(String(Buffer.concat(parts))).toBe('first');

  await choose(page, 1, more.versions.restore);
  await toasts(page).getByText(more.versions.restored).waitFor();
  await until(async () => String(await server.api.content(id)), 'first');
  // What was restored is no longer a version; what it took the place of is one.
  await list.nth(0).getByText(formatBytes('the third'.length)).waitFor();
  expect(await list.count()).toBe(2);

  await choose(page, 0, more.versions.pin);
  await list.nth(0).getByText(more.versions.pinned).waitFor();
  await choose(page, 0, more.versions.unpin);
  await list.nth(0).getByText(more.versions.pinned).waitFor({ state: 'detached' });

  await choose(page, 0, more.versions.remove);
  await page
    .getByRole('dialog', { name: more.versions.removeTitle })
    .getByRole('button', { name: more.versions.remove })
    .click();
  await until(() => list.count(), 1);
});

test('a new version from the details, and one that somebody else put there meanwhile', async ({
  page,
  server,
  id,
  guard,
}) => {
  guard.expect(/answer 412|status of 412/);
  const send = (text: string) =>
    details(page)
      .locator('input[type=file]')
      .setInputFiles({ name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from(text) });
  await send('fourth');
  await toasts(page).getByText(more.versions.uploaded).waitFor();
  expect(String(await server.api.content(id))).toBe('fourth');
  await until(() => versions(page).getByRole('listitem').count(), 3);

  // The page must not hear of the change before it acts.
  const first = async (route: Route) => {
    await server.api.replace(id, 'by somebody else');
    await route.continue();
  };
  await page.route('**/api/v1/files/*/content', first, { times: 1 });
  await send('fifth');
  const dialog = page.getByRole('dialog', { name: more.changed.title });
  await dialog.getByRole('button', { name: more.changed.both }).click();
  await until(async () => String(await server.api.content(id)), 'fifth');
  await until(() => versions(page).getByRole('listitem').count(), 5);
});

test('tags: each change can be undone, of one file and of many', async ({ page, server, id }) => {
  const tags = async () => (await server.api.named('letter.txt')).tags;
  const field = details(page).getByLabel(words.tags.label, { exact: true });
  await field.fill('home');
  await field.press('Enter');
  await until(tags, ['post', 'home']);
  await undo(page).click();
  await until(tags, ['post']);
  await details(page)
    .getByRole('button', { name: words.tags.removeOne('home') })
    .waitFor({ state: 'detached' });

  await server.api.upload({ name: 'other.txt', tags: ['red'] });
  await row(page, 'other.txt').waitFor();
  await check(row(page, 'letter.txt'));
  await check(row(page, 'other.txt'));
  await toolbar(page).getByRole('button', { name: words.actions.tag }).click();
  const dialog = page.getByRole('dialog', { name: words.tags.title(2) });
  await dialog.getByLabel(words.tags.add).fill('red, blue');
  await dialog.getByRole('checkbox', { name: words.tagOption('post', 1) }).check();
  await dialog.getByRole('button', { name: words.tags.save }).click();
  await until(tags, ['red', 'blue']);
  await undo(page).click();
  await until(tags, ['post']);
  await until(async () => (await server.api.named('other.txt')).tags, ['red']);
  expect(id).not.toBe('');
});

test('renamed by somebody else meanwhile: keep both, or reload', async ({ page, server, id, guard }) => {
  guard.expect(/answer 412|status of 412/);
  for (const { name, choice, want } of [
    { name: 'mine.txt', choice: more.changed.both, want: 'mine.txt' },
    { name: 'again.txt', choice: more.changed.reload, want: 'mine.txt' },
  ]) {
    await row(page, name === 'mine.txt' ? 'letter.txt' : 'mine.txt').focus();
    await page.keyboard.press('F2');
    const first = async (route: Route) => {
      await server.api.json('PATCH', `/api/v1/files/${id}`, { tags: [`by another ${name}`] });
      await route.continue();
    };
    await page.route(`**/api/v1/files/${id}`, first, { times: 1 });
    await page.getByRole('dialog').getByLabel(words.rename.label).fill(name);
    await page.keyboard.press('Enter');
    await page
      .getByRole('dialog', { name: more.changed.title })
      .getByRole('button', { name: choice })
      .click();
    await until(async () => (await server.api.list()).files[0]?.filename, want);
    await row(page, want).waitFor();
    expect((await server.api.named(want)).tags).toEqual([`by another ${name}`]);
  }
});
