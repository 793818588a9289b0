import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { filesMore as more } from '../src/messages/en.files-more';
import { check, count, crumbs, names, places, row, rows, toasts, toolbar } from './harness/files';
import { test as base, expect, FILES, until } from './harness/test';

const words = messages.files;

type House = { page: Page; papers: string; taxes: string; music: string };

/** A small tree: Papers with Taxes in it, Music, and three files, on an open page. */
const test = base.extend<{ house: House }>({
  house: async ({ server, open }, use) => {
    const { api } = server;
    await api.clear();
    const papers = (await api.folder('Papers')).id;
    const taxes = (await api.folder('Taxes', papers)).id;
    const music = (await api.folder('Music')).id;
    await api.put(taxes, { name: '2025.pdf', body: 'twenty-five' });
    for (const name of ['apple.txt', 'banana.txt', 'cherry.txt']) await api.upload({ name });
    const page = await open(FILES);
    await until(() => names(page), ROOT);
    await use({ page, papers, taxes, music });
  },
});
const ROOT = ['Music', 'Papers', 'apple.txt', 'banana.txt', 'cherry.txt'];

const path = async (page: Page) =>
  (await crumbs(page).getByRole('link').allTextContents()).map((name) => name.trim());
const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.querySelector('.name')?.textContent?.trim());
const undo = (page: Page) => toasts(page).getByRole('button', { name: messages.toast.undo }).last();

test('the tree: into folders and out again, by row, path, Back and address', async ({ house, open }) => {
  const { page, papers, taxes } = house;
  await until(() => count(page).textContent(), words.foldersAndFiles(2, 3));
  await row(page, 'Papers').locator('.name').click();
  await until(() => names(page), ['Taxes']);
  await row(page, 'Taxes').locator('.name').click();
  await until(() => names(page), ['2025.pdf']);
  await until(() => path(page), [words.places.mine, 'Papers', 'Taxes']);
  expect(new URL(page.url()).searchParams.get('folder')).toBe(taxes);
  await page.goBack();
  await until(() => names(page), ['Taxes']);
  await page.goBack();
  await until(() => names(page), ROOT);
  await page.goForward();
  await until(() => names(page), ['Taxes']);
  expect(new URL(page.url()).searchParams.get('folder')).toBe(papers);
  await page.reload();
  await until(() => names(page), ['Taxes']);
  await crumbs(page).getByRole('link', { name: words.places.mine }).click();
  await until(() => names(page), ROOT);
  const straight = await open(`${FILES}?folder=${taxes}`);
  await until(() => names(straight), ['2025.pdf']);
  await until(() => path(straight), [words.places.mine, 'Papers', 'Taxes']);
});

test('search in a folder, sort it, and show it as tiles', async ({ house: { page } }) => {
  await page.getByRole('searchbox', { name: words.searchHere }).fill('AN');
  await until(() => names(page), ['banana.txt']);
  await page.getByRole('searchbox', { name: words.searchHere }).fill('');
  await until(() => names(page), ROOT);
  await page.getByRole('columnheader', { name: words.columns.name }).getByRole('button').click();
  await until(() => names(page), ['Papers', 'Music', 'cherry.txt', 'banana.txt', 'apple.txt']);
  await page.getByRole('button', { name: words.layouts.tiles }).click();
  await page.locator('.file-grid.tiles').waitFor();
  await row(page, 'Music').focus();
  await page.keyboard.press('ArrowRight');
  await until(() => focused(page), 'cherry.txt');
  await page.reload();
  await page.locator('.file-grid.tiles').waitFor();
  await page.getByRole('button', { name: words.layouts.list }).click();
  await page.locator('.file-grid:not(.tiles)').waitFor();
});

test('a new folder, and one whose name is taken or wrong', async ({ house: { page }, server, guard }) => {
  guard.expect(/answer 4(09|22)|status of 4(09|22)/);
  await page.getByRole('button', { name: words.newFolder }).click();
  const dialog = page.getByRole('dialog', { name: more.folder.title });
  const field = dialog.getByLabel(more.folder.label);
  await field.fill('Music');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').filter({ hasText: 'Music' }).waitFor();
  await field.fill('a/b');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').filter({ hasText: '/' }).waitFor();
  await field.fill(' ');
  await page.keyboard.press('Enter');
  await dialog.getByText(more.folder.empty).waitFor();
  await field.fill('Novels');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await until(() => focused(page), 'Novels');
  await until(() => names(page), ['Music', 'Novels', 'Papers', 'apple.txt', 'banana.txt', 'cherry.txt']);
  expect(await server.api.in()).toContain('Novels');
});

test('rename a folder and a file, and undo it', async ({ house: { page }, server }) => {
  for (const [name, next, title, label] of [
    ['Music', 'Songs', more.rename.folderTitle, more.folder.label],
    ['apple.txt', 'apricot.txt', words.rename.title, words.rename.label],
  ] as const) {
    await row(page, name).focus();
    await page.keyboard.press('F2');
    await page.getByRole('dialog', { name: title }).getByLabel(label).fill(next);
    await page.keyboard.press('Enter');
    await row(page, next).waitFor();
    expect(await server.api.in()).toContain(next);
    await undo(page).click();
    await row(page, name).waitFor();
    expect((await server.api.in()).sort()).toEqual([...ROOT].sort());
  }
});

test('drag into a folder and onto the path, and undo it', async ({ house, server }) => {
  const { page, papers, taxes } = house;
  await check(row(page, 'apple.txt'));
  await check(row(page, 'banana.txt'));
  await row(page, 'banana.txt').dragTo(row(page, 'Papers'));
  await toasts(page)
    .getByText(more.move.done('move', 2, 'Papers'))
    .waitFor();
  await until(() => names(page), ['Music', 'Papers', 'cherry.txt']);
  expect(await server.api.in(papers)).toEqual(['Taxes', 'apple.txt', 'banana.txt']);
  await undo(page).click();
  await until(() => names(page), ROOT);
  expect(await server.api.in(papers)).toEqual(['Taxes']);

  // A whole folder goes up by the path.
  await row(page, 'Papers').locator('.name').click();
  await row(page, 'Taxes').waitFor();
  await row(page, 'Taxes').dragTo(crumbs(page).getByRole('link', { name: words.places.mine }));
  await until(async () => (await server.api.in()).slice(0, 3), ['Music', 'Papers', 'Taxes']);
  expect(await server.api.in(taxes)).toEqual(['2025.pdf']);
  await until(() => names(page), []);
  await undo(page).click();
  await until(() => names(page), ['Taxes']);
});

test('the button twin of dragging: move to, copy to', async ({ house, server }) => {
  const { page, taxes } = house;
  await check(row(page, 'cherry.txt'));
  await toolbar(page).getByRole('button', { name: words.actions.moveShort }).click();
  const dialog = page.getByRole('dialog', { name: more.target.titleOne('move', 'cherry.txt') });
  await dialog.getByText(more.target.same).waitFor();
  await dialog.getByRole('button', { name: 'Papers' }).click();
  await dialog.getByRole('button', { name: 'Taxes' }).click();
  await dialog.getByRole('button', { name: more.target.act('move', 'Taxes') }).click();
  await toasts(page)
    .getByText(more.move.doneOne('move', 'cherry.txt', 'Taxes'))
    .waitFor();
  expect(await server.api.in(taxes)).toEqual(['2025.pdf', 'cherry.txt']);

  await row(page, 'apple.txt')
    .getByRole('button', { name: words.actions.more('apple.txt') })
    .click();
  await page.getByRole('menuitem', { name: words.actions.copyTo }).click();
  const copy = page.getByRole('dialog', { name: more.target.titleOne('copy', 'apple.txt') });
  // A folder is not offered to go into itself, and every place can be reached.
  await copy.getByRole('button', { name: more.target.places }).click();
  await copy.getByRole('button', { name: words.places.household }).click();
  await copy.getByRole('button', { name: more.target.act('copy', words.places.household) }).click();
  await until(() => server.api.in('household'), ['apple.txt']);
  expect(await server.api.in()).toContain('apple.txt');
});

test('cut and paste, copy and paste, by keys', async ({ house, server }) => {
  const { page, music } = house;
  await row(page, 'apple.txt').focus();
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Control+x');
  await page.locator('.row.cut').nth(1).waitFor();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await page.getByText(words.emptyFolder).waitFor();
  await page.keyboard.press('Control+v');
  await until(() => names(page), ['apple.txt', 'banana.txt']);
  expect(await server.api.in(music)).toEqual(['apple.txt', 'banana.txt']);
  expect(await server.api.in()).toEqual(['Music', 'Papers', 'cherry.txt']);

  // A copy beside its original gets a number.
  await until(() => focused(page), 'apple.txt');
  await page.keyboard.press('Control+c');
  await page.keyboard.press('Control+v');
  await until(() => names(page), ['apple (2).txt', 'apple.txt', 'banana.txt']);
  await undo(page).click();
  await until(() => names(page), ['apple.txt', 'banana.txt']);
});

test('names that are taken: skip, keep both, replace; for each and for all', async ({ house, server }) => {
  const { page, music } = house;
  const { api } = server;
  for (const name of ['apple.txt', 'banana.txt', 'cherry.txt'])
    await api.put(music, { name, body: `old ${name}` });
  await row(page, 'apple.txt').focus();
  await page.keyboard.press('Shift+End');
  await page.keyboard.press('Control+x');
  await row(page, 'Music').locator('.name').click();
  await until(() => names(page), ['apple.txt', 'banana.txt', 'cherry.txt']);
  await page.keyboard.press('Control+v');
  const dialog = page.getByRole('dialog', { name: more.conflicts.title(3) });
  await dialog.getByRole('radio', { name: more.conflicts.each }).check();
  await dialog.getByLabel(more.conflicts.item('apple.txt')).selectOption('skip');
  await dialog.getByLabel(more.conflicts.item('banana.txt')).selectOption('rename');
  await dialog.getByLabel(more.conflicts.item('cherry.txt')).selectOption('replace');
  await dialog.getByRole('button', { name: more.conflicts.go }).click();
  await until(() => names(page), ['apple.txt', 'banana (2).txt', 'banana.txt', 'cherry.txt']);
  // What is renamed shows before what is replaced was sent.
  await until(() => api.in(), ['Music', 'Papers', 'apple.txt']);
  const contents = async () => {
    const { files } = await api.json<{ files: { id: string; filename: string }[] }>(
      'GET',
      `/api/v1/folders/${music}/entries`,
    );
    return Object.fromEntries(
      await Promise.all(files.map(async ({ id, filename }) => [filename, String(await api.content(id))])),
    );
  };
  expect(await contents()).toEqual({
    'apple.txt': 'old apple.txt',
    'banana.txt': 'old banana.txt',
    'banana (2).txt': 'banana.txt',
    'cherry.txt': 'cherry.txt',
  });
  await undo(page).click();
  await until(() => names(page), ['apple.txt', 'banana.txt', 'cherry.txt']);
  await until(async () => (await contents())['cherry.txt'], 'old cherry.txt');
  await until(() => api.in(), ROOT);

  // Everything at once, this time by dragging.
  await crumbs(page).getByRole('link', { name: words.places.mine }).click();
  await until(() => names(page), ROOT);
  await check(row(page, 'apple.txt'));
  await check(row(page, 'banana.txt'));
  await row(page, 'apple.txt').dragTo(row(page, 'Music'));
  const again = page.getByRole('dialog', { name: more.conflicts.title(2) });
  await again.getByRole('radio', { name: more.conflicts.skip }).check();
  await again.getByRole('button', { name: more.conflicts.go }).click();
  await again.waitFor({ state: 'detached' });
  await until(() => names(page), ROOT);
  expect(await contents()).toEqual({
    'apple.txt': 'old apple.txt',
    'banana.txt': 'old banana.txt',
    'cherry.txt': 'old cherry.txt',
  });
});

test('a folder cannot go into itself', async ({ house: { page, papers }, server }) => {
  await row(page, 'Papers').focus();
  await page.keyboard.press('Control+x');
  await page.keyboard.press('Enter');
  await until(() => names(page), ['Taxes']);
  await page.keyboard.press('Enter');
  await until(() => names(page), ['2025.pdf']);
  await page.keyboard.press('Control+v');
  await toasts(page).locator('.error').waitFor();
  expect(await server.api.in(papers)).toEqual(['Taxes']);
  expect(await server.api.in()).toContain('Papers');
});

test('a whole visit by keys alone', async ({ house: { page, papers, taxes }, server }) => {
  const inGrid = () => page.evaluate(() => document.activeElement?.getAttribute('role') === 'row');
  for (let tab = 0; tab < 40 && !(await inGrid()); tab++) await page.keyboard.press('Tab');
  await until(() => focused(page), 'Music');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await until(() => focused(page), 'Taxes');
  await page.keyboard.press('Enter');
  await until(() => focused(page), '2025.pdf');
  await page.keyboard.press('Backspace');
  await until(() => focused(page), 'Taxes');
  await page.keyboard.press('Backspace');
  await until(() => focused(page), 'Papers');
  await page.keyboard.press('c');
  await until(() => focused(page), 'cherry.txt');
  await page.keyboard.press('Control+x');
  await page.keyboard.press('p');
  await until(() => focused(page), 'Papers');
  await page.keyboard.press('Enter');
  await until(() => names(page), ['Taxes']);
  await page.keyboard.press('Control+v');
  await until(() => focused(page), 'cherry.txt');
  await page.keyboard.press('n');
  await page.getByRole('dialog', { name: more.folder.title }).waitFor();
  await page.keyboard.type('Letters');
  await page.keyboard.press('Enter');
  await until(() => focused(page), 'Letters');
  await page.keyboard.press('F2');
  await page.getByRole('dialog', { name: more.rename.folderTitle }).waitFor();
  await page.keyboard.type('Post');
  await page.keyboard.press('Enter');
  await until(() => focused(page), 'Post');
  await page.keyboard.press('Control+z');
  await until(() => focused(page), 'Letters');
  expect(await server.api.in(papers)).toEqual(['Letters', 'Taxes', 'cherry.txt']);
  expect(await server.api.in(taxes)).toEqual(['2025.pdf']);
});

test('all files stay one flat list, and where a file lies does not matter there', async ({
  house: { page },
}) => {
  await places(page).getByRole('link', { name: words.places.all }).click();
  await until(
    () => names(page).then((list) => list.sort()),
    ['2025.pdf', 'apple.txt', 'banana.txt', 'cherry.txt'],
  );
  expect(new URL(page.url()).searchParams.get('view')).toBe('all');
  await page.goBack();
  await until(() => names(page), ROOT);
});

test('a folder that is gone says so, and leads home', async ({ house: { page }, guard }) => {
  guard.expect(/answer 404|status of 404/);
  await page.goto(page.url().replace(/\?.*|$/, '?folder=00000000-0000-4000-8000-000000000000'));
  await page.getByText(words.folderGone).waitFor();
  await page.getByRole('button', { name: words.goHome }).click();
  await until(() => names(page), ROOT);
});

test('storage use: the largest folder first, and a way down', async ({ house: { page, music }, server }) => {
  await server.api.put(music, { name: 'song.mp3', body: 'x'.repeat(5_000) });
  await page.getByRole('button', { name: words.storage }).click();
  const list = page.getByRole('main').locator('section li .name');
  await until(
    async () => (await list.allTextContents()).map((name) => name.trim()),
    ['Music', more.usage.here, 'Papers'],
  );
  await page.getByRole('button', { name: more.usage.open('Papers') }).click();
  await page.getByRole('button', { name: more.usage.open('Taxes') }).click();
  await until(() => path(page), [words.places.mine, 'Papers', 'Taxes']);
  await page.getByRole('button', { name: words.backToFiles }).click();
  await until(() => names(page), ['2025.pdf']);
});

test('1,000 entries in a folder: few nodes, all in reach', async ({ server, open }) => {
  await server.api.clear();
  await server.api.uploadAll(Array.from({ length: 700 }, (_, at) => ({ name: `file ${1000 + at}.txt` })));
  for (let at = 0; at < 300; at++) await server.api.folder(`folder ${1000 + at}`);
  const page = await open(FILES);
  await until(() => count(page).textContent(), words.foldersAndFiles(300, 700));
  await rows(page).first().focus();
  await page.keyboard.press('End');
  await until(() => focused(page), 'file 1699.txt');
  expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(400);
  await page.keyboard.press('Home');
  await until(() => focused(page), 'folder 1000');
});
