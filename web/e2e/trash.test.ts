import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { filesMore as more } from '../src/messages/en.files-more';
import { check, count, names, places, row, toasts, toolbar } from './harness/files';
import { test as base, expect, FILES, until } from './harness/test';

const words = messages.files;
const TRASH = `${FILES}?view=trash`;

const test = base.extend<{ page: Page }>({
  page: async ({ server, open }, use) => {
    const { api } = server;
    await api.clear();
    await api.emptyTrash();
    const papers = (await api.folder('Papers')).id;
    await api.put(papers, { name: 'tax.pdf' });
    for (const name of ['apple.txt', 'banana.txt', 'cherry.txt']) await api.upload({ name });
    const page = await open(FILES);
    await until(() => names(page), ROOT);
    await use(page);
  },
});
const ROOT = ['Papers', 'apple.txt', 'banana.txt', 'cherry.txt'];
const undo = (page: Page) => toasts(page).getByRole('button', { name: messages.toast.undo }).last();

test('delete files and a folder, and undo it', async ({ page, server }) => {
  await check(row(page, 'Papers'));
  await check(row(page, 'apple.txt'));
  await toolbar(page).getByRole('button', { name: words.actions.remove }).click();
  await toasts(page).getByText(more.trash.deleted(2)).waitFor();
  await until(() => names(page), ['banana.txt', 'cherry.txt']);
  expect(await server.api.in()).toEqual(['banana.txt', 'cherry.txt']);
  await undo(page).click();
  await toasts(page).getByText(more.trash.restored(2)).waitFor();
  await until(() => names(page), ROOT);
  expect(await server.api.in()).toEqual(ROOT);
});

test('the trash says what, when and from where, and gives it back', async ({ page, server }) => {
  await row(page, 'Papers').locator('.name').click();
  await row(page, 'tax.pdf').focus();
  await page.keyboard.press('Delete');
  await page.getByText(words.emptyFolder).waitFor();
  await page.keyboard.press('Backspace');
  await row(page, 'banana.txt').focus();
  await page.keyboard.press('Delete');
  await row(page, 'banana.txt').waitFor({ state: 'detached' });
  await places(page).getByRole('link', { name: words.places.trash }).click();
  await until(() => names(page), ['banana.txt', 'tax.pdf']);
  await until(() => count(page).textContent(), words.items(2));
  expect((await row(page, 'tax.pdf').locator('.tags').textContent())?.trim()).toBe(
    `${words.places.mine} › Papers`,
  );
  await row(page, 'tax.pdf')
    .getByRole('button', { name: words.actions.more('tax.pdf') })
    .click();
  await page.getByRole('menuitem', { name: words.actions.restore }).click();
  await toasts(page).getByText(more.trash.restored(1)).waitFor();
  await until(() => names(page), ['banana.txt']);
  await until(async () => (await server.api.list({ q: 'tax.pdf' })).total, 1);
});

test('what is restored comes back even if its folder is gone', async ({ page, server }) => {
  await row(page, 'Papers').locator('.name').click();
  await row(page, 'tax.pdf').focus();
  await page.keyboard.press('Delete');
  await page.getByText(words.emptyFolder).waitFor();
  await page.keyboard.press('Backspace');
  await until(() => names(page), ROOT);
  await row(page, 'Papers').focus();
  await page.keyboard.press('Delete');
  await until(() => names(page), ROOT.slice(1));
  await places(page).getByRole('link', { name: words.places.trash }).click();
  await until(() => names(page), ['Papers', 'tax.pdf']);
  await check(row(page, 'tax.pdf'));
  await toolbar(page).getByRole('button', { name: words.actions.restore }).click();
  await until(() => names(page), ['Papers']);
  await until(async () => (await server.api.list({ q: 'tax.pdf' })).total, 1);
  expect(await server.api.in()).toEqual(ROOT);
});

test('delete for good, after a question', async ({ page, server }) => {
  await row(page, 'apple.txt').focus();
  await page.keyboard.press('Delete');
  await row(page, 'apple.txt').waitFor({ state: 'detached' });
  await page.goto(server.url + TRASH);
  await row(page, 'apple.txt').focus();
  await page.keyboard.press('Delete');
  const dialog = page.getByRole('dialog', { name: more.trash.destroyOneTitle('apple.txt') });
  await dialog.getByRole('button', { name: words.cancel }).click();
  await dialog.waitFor({ state: 'detached' });
  await row(page, 'apple.txt').focus();
  await page.keyboard.press('Delete');
  await dialog.getByRole('button', { name: more.trash.destroyAction }).click();
  await page.getByText(words.emptyTrash).waitFor();
  expect(await server.api.in()).toEqual(['Papers', 'banana.txt', 'cherry.txt']);
});

test('many files at once ask for a second word, and emptying them for it in writing', async ({
  page,
  server,
  guard,
}) => {
  guard.expect(/answer 409|status of 409/);
  await server.api.uploadAll(Array.from({ length: 16 }, (_, at) => ({ name: `many ${at}.txt` })));
  await until(() => count(page).textContent(), words.foldersAndFiles(1, 19));
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  const mass = page.getByRole('dialog', { name: more.trash.massTitle(20) });
  await mass.getByRole('button', { name: words.cancel }).click();
  await until(() => count(page).textContent(), words.foldersAndFiles(1, 19));
  expect((await server.api.in()).length).toBe(20);
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await mass.getByRole('button', { name: more.trash.massAction(20) }).click();
  await page.getByText(words.empty).waitFor();
  // The page takes them away before the server has answered.
  await until(() => server.api.in(), []);

  await places(page).getByRole('link', { name: words.places.trash }).click();
  await until(() => count(page).textContent(), words.items(20));
  await page.getByRole('button', { name: words.emptyTrashButton }).click();
  await page
    .getByRole('dialog', { name: more.trash.emptyTitle })
    .getByRole('button', { name: more.trash.empty })
    .click();
  const typed = page.getByRole('dialog', { name: more.trash.destroyManyTitle(20) });
  const destroy = typed.getByRole('button', { name: more.trash.destroyAction });
  expect(await destroy.isDisabled()).toBe(true);
  await typed.getByLabel(more.confirm.type('20')).fill('20');
  await destroy.click();
  await page.getByText(words.emptyTrash).waitFor();
});
