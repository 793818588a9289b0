import type { Page, Route } from 'playwright-core';
import { messages } from '../src/messages/en';
import { filesMore as more } from '../src/messages/en.files-more';
import { sha256 } from './harness/api';
import { check, count, grid, names, row, rows, toasts, toolbar } from './harness/files';
import { png } from './harness/image';
import { ALL_FILES, test as base, expect, PATIENCE_MS, until } from './harness/test';
import { unzip } from './harness/zip';

const words = messages.files;

/** Twelve files of a household, the last one newest. */
const SAMPLES = [
  { name: 'tax 2024.pdf', body: 'a'.repeat(900), tags: ['tax', 'papers'], type: 'application/pdf' },
  { name: 'tax 2025.pdf', body: 'b'.repeat(800), tags: ['tax', 'papers'], type: 'application/pdf' },
  { name: 'garden.txt', body: 'c'.repeat(10), tags: ['garden'] },
  { name: 'Garden plan.txt', body: 'd'.repeat(700), tags: ['garden', 'papers'] },
  { name: 'recipe.txt', body: 'e'.repeat(600) },
  { name: 'film.mp4', body: 'f'.repeat(5_000), type: 'video/mp4' },
  { name: 'letter.txt', body: 'g'.repeat(500), tags: ['papers'] },
  { name: 'notes.txt', body: 'h'.repeat(400) },
  { name: 'song.mp3', body: 'i'.repeat(300), type: 'audio/mpeg', tags: ['music'] },
  { name: 'zebra.txt', body: 'j'.repeat(200) },
  { name: 'apple.txt', body: 'k'.repeat(100) },
  { name: 'inventory.csv', body: 'l'.repeat(50), type: 'text/csv' },
];
const NEWEST_FIRST = SAMPLES.map(({ name }) => name).reverse();

/** A page on the samples, in an otherwise empty server. */
const test = base.extend<{ page: Page }>({
  page: async ({ server, open }, use) => {
    await server.api.clear();
    for (const sample of SAMPLES) await server.api.upload(sample);
    const page = await open(ALL_FILES);
    await until(() => names(page), NEWEST_FIRST);
    await use(page);
  },
});

test('search, and its way back', async ({ page }) => {
  await page.keyboard.press('/');
  await page.keyboard.type('GARDEN');
  await until(() => names(page), ['Garden plan.txt', 'garden.txt']);
  await until(() => count(page).textContent(), words.totalMatching(2));
  expect(new URL(page.url()).searchParams.get('q')).toBe('GARDEN');
  await page.reload();
  await until(() => names(page), ['Garden plan.txt', 'garden.txt']);
  await page.getByRole('searchbox', { name: words.search }).fill('no such file');
  await page.getByText(words.noMatch).waitFor();
  await page.getByRole('button', { name: words.clearFilters }).click();
  await until(() => names(page), NEWEST_FIRST);
});

test('filter by tag, from the list of tags and from a row', async ({ page, server }) => {
  const filter = page.getByRole('combobox', { name: words.tagFilter });
  await filter.focus();
  await filter.selectOption({ label: words.tagOption('tax', 2) });
  await until(() => names(page), ['tax 2025.pdf', 'tax 2024.pdf']);
  await filter.selectOption('');
  await until(() => names(page), NEWEST_FIRST);
  await row(page, 'letter.txt').locator('[data-tag=papers]').click();
  await until(() => names(page), ['letter.txt', 'Garden plan.txt', 'tax 2025.pdf', 'tax 2024.pdf']);
  expect(await filter.inputValue()).toBe('papers');
  expect((await server.api.list({ tag: 'papers' })).total).toBe(4);
});

test('sort by every column, both ways', async ({ page, server }) => {
  const header = (name: string) => page.getByRole('columnheader', { name, exact: true });
  for (const { column, sort, orders } of [
    { column: words.columns.size, sort: 'size', orders: ['desc', 'asc'] },
    { column: words.columns.name, sort: 'name', orders: ['asc', 'desc'] },
    { column: words.columns.date, sort: 'date', orders: ['desc', 'asc'] },
  ]) {
    for (const order of orders) {
      await header(column).getByRole('button').click();
      const want = (await server.api.list({ sort, order })).files.map((file) => file.filename);
      await until(() => names(page), want, `${sort} ${order}`);
      expect(await header(column).getAttribute('aria-sort')).toBe(`${order}ending`);
    }
  }
  await header(words.columns.size).getByRole('button').click();
  await until(async () => (await names(page))[0], 'film.mp4');
});

test('rename with F2', async ({ page, server }) => {
  const { id } = await server.api.named('notes.txt');
  await row(page, 'notes.txt').focus();
  await page.keyboard.press('F2');
  const field = page.getByRole('dialog', { name: words.rename.title }).getByLabel(words.rename.label);
  await field.waitFor();
  // The name without its ending is selected.
  await page.keyboard.type('diary');
  await page.keyboard.press('Enter');
  await row(page, 'diary.txt').waitFor();
  expect((await server.api.named('diary.txt')).id).toBe(id);
  await until(() => row(page, 'diary.txt').evaluate((one) => one.contains(document.activeElement)), true);

  await page.keyboard.press('F2');
  await field.fill('   ');
  await page.keyboard.press('Enter');
  await page.getByText(words.rename.empty).waitFor();
  await page.keyboard.press('Escape');
  await row(page, 'diary.txt').waitFor();
});

test('select with Shift, Ctrl and Ctrl+A', async ({ page }) => {
  const selected = async () =>
    (await page.locator('[role=row][aria-selected=true] .name').allTextContents()).map((name) => name.trim());
  await check(row(page, 'apple.txt'));
  await check(row(page, 'song.mp3'), { modifiers: ['Shift'] });
  await until(selected, ['apple.txt', 'zebra.txt', 'song.mp3']);
  await row(page, 'film.mp4').click({ modifiers: ['Control'] });
  await until(selected, ['apple.txt', 'zebra.txt', 'song.mp3', 'film.mp4']);
  await toolbar(page).getByText(words.selected(4)).waitFor();
  await row(page, 'zebra.txt').click({ modifiers: ['Control'] });
  await until(selected, ['apple.txt', 'song.mp3', 'film.mp4']);
  await page.keyboard.press('Control+a');
  await until(async () => (await selected()).length, 12);
  await page.keyboard.press('Escape');
  await until(selected, []);
});

test('tag many at once: add and remove', async ({ page, server }) => {
  for (const name of ['tax 2024.pdf', 'tax 2025.pdf', 'letter.txt']) await check(row(page, name));
  await toolbar(page).getByRole('button', { name: words.actions.tag }).click();
  const dialog = page.getByRole('dialog', { name: words.tags.title(3) });
  await dialog.getByLabel(words.tags.add).fill('archive, 2026');
  await dialog.getByRole('checkbox', { name: words.tagOption('papers', 3) }).check();
  await dialog.getByRole('button', { name: words.tags.save }).click();
  await dialog.waitFor({ state: 'detached' });
  await toasts(page).getByText(words.tags.changed(3)).waitFor();
  expect((await server.api.named('tax 2024.pdf')).tags).toEqual(['tax', 'archive', '2026']);
  expect((await server.api.named('letter.txt')).tags).toEqual(['archive', '2026']);
  expect((await server.api.named('Garden plan.txt')).tags).toEqual(['garden', 'papers']);
  await row(page, 'letter.txt').locator('[data-tag=archive]').waitFor();
});

test('delete many, with Undo on the server', async ({ page, server }) => {
  const ids = await Promise.all(
    ['zebra.txt', 'apple.txt', 'film.mp4'].map(async (name) => (await server.api.named(name)).id),
  );
  const statuses = () => Promise.all(ids.map((id) => server.api.status(id)));
  for (const name of ['zebra.txt', 'apple.txt', 'film.mp4']) await check(row(page, name));
  await toolbar(page).getByRole('button', { name: words.actions.remove }).click();
  await toasts(page).getByText(more.trash.deleted(3)).waitFor();
  await until(() => count(page).textContent(), words.total(9));
  expect(await statuses()).toEqual([404, 404, 404]);
  await toasts(page).getByRole('button', { name: messages.toast.undo }).click();
  await toasts(page).getByText(more.trash.restored(3)).waitFor();
  expect(await statuses()).toEqual([200, 200, 200]);
  await until(() => names(page), NEWEST_FIRST);
  expect(sha256(await server.api.content(ids[2] as string))).toBe(sha256('f'.repeat(5_000)));
});

test('delete with the Delete key, and keep it deleted', async ({ page, server }) => {
  const { id } = await server.api.named('recipe.txt');
  await row(page, 'recipe.txt').focus();
  await page.keyboard.press('Delete');
  await toasts(page).getByText(words.remove.one('recipe.txt')).waitFor();
  await until(
    () => names(page),
    NEWEST_FIRST.filter((name) => name !== 'recipe.txt'),
  );
  expect(await server.api.status(id)).toBe(404);
  await page.reload();
  await until(
    () => names(page),
    NEWEST_FIRST.filter((name) => name !== 'recipe.txt'),
  );
});

test('download one', async ({ page }) => {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    row(page, 'film.mp4')
      .getByRole('link', { name: `${words.actions.download} film.mp4` })
      .click(),
  ]);
  expect(download.suggestedFilename()).toBe('film.mp4');
  expect(await contentOf(download)).toEqual(Buffer.from('f'.repeat(5_000)));
});

test('download many as an archive', async ({ page, server }) => {
  await server.api.upload({ name: 'film.mp4', body: 'another film of that name' });
  await page.reload();
  await until(() => rows(page).count(), 13);
  await row(page, 'tax 2024.pdf').focus();
  await page.keyboard.press('Control+a');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    toolbar(page).getByRole('button', { name: words.actions.download }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^homeserver-\d{4}-\d\d-\d\d\.zip$/);
  const files = unzip(await contentOf(download));
  const want = new Map(SAMPLES.map(({ name, body }) => [name, body]));
  want.set('film (2).mp4', 'another film of that name');
  expect([...files.keys()].sort()).toEqual([...want.keys()].sort());
  for (const [name, body] of want) expect(files.get(name)?.toString(), name).toBe(body);
});

test('details: preview of a picture, tags that save themselves, download', async ({ server, page }) => {
  const picture = png(64, 48, (x, y) => [x * 4, y * 5, 128]);
  const { id } = await server.api.upload({ name: 'sea.png', body: picture, type: 'image/png' });
  await page.reload();
  await row(page, 'sea.png').locator('.name').click();
  const details = page.getByRole('complementary', { name: words.details.title });
  const preview = details.getByRole('img', { name: words.details.preview('sea.png') });
  await expect
    .poll(() => preview.evaluate((image) => (image as HTMLImageElement).naturalWidth), {
      timeout: PATIENCE_MS,
    })
    .toBe(64);
  expect(await details.getByLabel(words.details.hash, { exact: true }).inputValue()).toBe(sha256(picture));
  const tags = details.getByLabel(words.tags.label, { exact: true });
  await tags.fill('beach');
  await tags.press('Enter');
  await tags.fill('2026');
  await tags.press('Enter');
  await until(async () => (await server.api.list({ tag: '2026' })).files[0]?.tags, ['beach', '2026']);
  await details.getByRole('button', { name: words.tags.removeOne('beach') }).click();
  await until(async () => (await server.api.named('sea.png')).tags, ['2026']);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    details.getByRole('link', { name: words.actions.download }).click(),
  ]);
  expect(download.url()).toContain(id);
  expect(await contentOf(download)).toEqual(picture);
  await details.getByRole('button', { name: words.details.close }).click();
  await details.waitFor({ state: 'detached' });
});

test('tags that follow at once are saved one after the other', async ({ server, page }) => {
  const { id } = await server.api.named('apple.txt');
  const before = (await server.api.named('apple.txt')).tags;
  await row(page, 'apple.txt').locator('.name').click();
  let more: () => void = () => {};
  const typed = new Promise<void>((resolve) => (more = resolve));
  // The first is on its way until the second is there.
  const first = async (route: Route) => {
    await typed;
    await route.continue();
  };
  await page.route(`**/api/v1/files/${id}`, first, { times: 1 });
  const tags = page
    .getByRole('complementary', { name: words.details.title })
    .getByLabel(words.tags.label, { exact: true });
  for (const tag of ['quick', 'quicker']) {
    await tags.fill(tag);
    await tags.press('Enter');
  }
  more();
  await until(async () => (await server.api.named('apple.txt')).tags, [...before, 'quick', 'quicker']);
});

test('the menu of a row works by mouse and by keys', async ({ page, server }) => {
  await row(page, 'song.mp3').click({ button: 'right' });
  await page.getByRole('menu').getByRole('menuitem', { name: words.actions.rename }).click();
  await page.getByRole('dialog', { name: words.rename.title }).waitFor();
  await page.keyboard.press('Escape');
  await row(page, 'song.mp3')
    .getByRole('button', { name: words.actions.more('song.mp3') })
    .click();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await toasts(page).getByText(words.remove.one('song.mp3')).waitFor();
  await until(async () => (await server.api.list({ q: 'song' })).total, 0);
});

test('a whole visit without a mouse', async ({ page, server }) => {
  await page.keyboard.press('Tab');
  await until(() => page.evaluate(() => document.activeElement?.textContent), messages.shell.skip);
  await page.keyboard.press('Enter');
  // From the content on, tabbing comes to the list.
  const inGrid = () => page.evaluate(() => document.activeElement?.getAttribute('role') === 'row');
  for (let tab = 0; tab < 40 && !(await inGrid()); tab++) await page.keyboard.press('Tab');
  expect(await inGrid(), 'Tab reaches the list').toBe(true);
  const focused = () =>
    page.evaluate(() => document.activeElement?.querySelector('.name')?.textContent?.trim());
  expect(await focused()).toBe('inventory.csv');
  await page.keyboard.press('End');
  await until(focused, 'tax 2024.pdf');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await until(focused, 'apple.txt');
  await page.keyboard.press('z');
  await until(focused, 'zebra.txt');
  await page.keyboard.press('Shift+ArrowDown');
  await toolbar(page).getByText(words.selected(2)).waitFor();
  await page.keyboard.press('Delete');
  await toasts(page).getByText(more.trash.deleted(2)).waitFor();
  await until(async () => (await server.api.list()).total, 10);
  await until(focused, 'notes.txt');
  const undo = toasts(page).getByRole('button', { name: messages.toast.undo });
  const onUndo = () => undo.evaluate((button) => button === document.activeElement);
  for (let tab = 0; tab < 20 && !(await onUndo()); tab++) await page.keyboard.press('Tab');
  expect(await onUndo(), 'Tab reaches Undo').toBe(true);
  await page.keyboard.press('Enter');
  await until(async () => (await server.api.list()).total, 12);
});

async function contentOf(download: {
  createReadStream: () => Promise<NodeJS.ReadableStream>;
}): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of await download.createReadStream()) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

test('the grid says what it is', async ({ page }) => {
  expect(await grid(page).getAttribute('aria-rowcount')).toBe('13');
  expect(await grid(page).getAttribute('aria-multiselectable')).toBe('true');
});
