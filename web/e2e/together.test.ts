import { messages } from '../src/messages/en';
import { count, crumbs, names, places, row } from './harness/files';
import { ALL_FILES, expect, FILES, test, until } from './harness/test';

const words = messages.files;
/** What Chromium writes while the server is away. */
const AWAY =
  /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_NETWORK/;

test('a second browser updates by itself, whatever happens in the first', async ({ server, open, guard }) => {
  guard.expect(/answer 404|status of 404/);
  const { api } = server;
  const papers = (await api.folder('Papers')).id;
  const [first, second, flat] = [await open(FILES), await open(FILES), await open(ALL_FILES)];
  await until(() => names(second), ['Papers']);
  await flat.getByText(words.empty).waitFor();
  for (const page of [second, flat]) await page.waitForTimeout(1_000);

  await api.upload({ name: 'apple.txt' });
  for (const page of [first, second]) await until(() => names(page), ['Papers', 'apple.txt']);
  await until(() => names(flat), ['apple.txt']);

  await row(first, 'apple.txt').focus();
  await first.keyboard.press('F2');
  await first.getByRole('dialog').getByLabel(words.rename.label).fill('pear.txt');
  await first.keyboard.press('Enter');
  await until(() => names(second), ['Papers', 'pear.txt']);
  await until(() => names(flat), ['pear.txt']);

  await row(first, 'pear.txt').dragTo(row(first, 'Papers'));
  await until(() => names(second), ['Papers']);
  await until(
    () =>
      row(second, 'Papers')
        .locator('.tags')
        .textContent()
        .then((text) => text?.trim()),
    words.inside(1, 0),
  );

  await row(second, 'Papers').locator('.name').click();
  await until(() => names(second), ['pear.txt']);
  await api.json('PATCH', `/api/v1/folders/${papers}`, { name: 'Letters' });
  await crumbs(second).getByRole('link', { name: 'Letters' }).waitFor();
  await until(() => names(first), ['Letters']);

  await row(first, 'Letters').focus();
  await first.keyboard.press('Delete');
  await until(() => names(first), []);
  await until(() => names(flat), []);
  await second.getByText(words.folderGone).waitFor();
});

test('what was missed while the server was away comes with the connection', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(AWAY, /answer 404|status of 404/);
  await server.api.clear();
  await server.api.upload({ name: 'before.txt' });
  const page = await open(FILES);
  await until(() => names(page), ['before.txt']);
  await page.waitForTimeout(1_000);
  await server.kill();
  await server.start();
  await server.api.upload({ name: 'meanwhile.txt' });
  await until(() => names(page), ['before.txt', 'meanwhile.txt']);
  await server.api.upload({ name: 'now.txt' });
  await until(() => names(page), ['before.txt', 'meanwhile.txt', 'now.txt']);
});

test('the trash and the counts follow, too', async ({ server, open }) => {
  await server.api.clear();
  const { id } = await server.api.upload({ name: 'only.txt' });
  const page = await open(FILES);
  await until(() => count(page).textContent(), words.total(1));
  await places(page).getByRole('link', { name: words.places.trash }).click();
  await row(page, 'only.txt').waitFor({ state: 'detached' });
  await page.waitForTimeout(1_000);
  await server.api.json('POST', '/api/v1/files/delete', { ids: [id] });
  await row(page, 'only.txt').waitFor();
  expect(await server.api.status(id)).toBe(404);
});
