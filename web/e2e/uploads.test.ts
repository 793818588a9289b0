import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { type Api, sha256 } from './harness/api';
import {
  count,
  folderPicker,
  names,
  panel,
  picker,
  row,
  tagUploads,
  toasts,
  upload,
  writeFolder,
} from './harness/files';
import { test as base, expect, FILES, PATIENCE_MS, until } from './harness/test';

const words = messages.files.upload;
const MB = 1024 * 1024;
/** 250 files are 250 fsyncs and more: a disk with other things to do takes its time. */
const UPLOADS_TIMEOUT_MS = 45_000;
/** What a cut connection makes Chromium write to the console. */
const DROPPED = /ERR_CONNECTION_RESET|ERR_CONNECTION_CLOSED|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED/;

/** A folder that goes with the test, in a server that holds nothing yet. */
const test = base.extend<{ folder: string }>({
  folder: async ({ server }, use) => {
    await server.api.clear();
    const folder = mkdtempSync(join(tmpdir(), 'homeserver-e2e-upload-'));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },
});

/** What the server has of uploads that are not through, by name. */
async function unfinished(api: Api): Promise<string[]> {
  const { uploads } = await api.json<{ uploads: { filename: string }[] }>('GET', '/api/v1/uploads');
  return uploads.map(({ filename }) => filename);
}

const progress = (page: Page, done: number, all: number) =>
  panel(page).locator('header').getByText(words.done(done, all)).waitFor({ timeout: UPLOADS_TIMEOUT_MS });

/** 250 files in folders of three levels, of sizes that occur, an empty one among them. */
function household(folder: string): Map<string, Buffer> {
  const files = Array.from({ length: 250 }, (_, at) => ({
    path: `Holiday/${at % 3 === 0 ? '' : at % 3 === 1 ? 'beach/' : 'beach/evening/'}picture ${at}.jpg`,
    bytes: at === 0 ? 0 : (at * 397) % 20_000,
  }));
  return writeFolder(folder, files);
}

async function expectArrived(api: Api, contents: Map<string, Buffer>): Promise<void> {
  const { files, total } = await api.list({ limit: '1000' });
  expect(total).toBe(contents.size);
  const got = Object.fromEntries(files.map((file) => [file.filename, file.sha256]));
  const want = Object.fromEntries([...contents].map(([name, content]) => [name, sha256(content)]));
  expect(got).toEqual(want);
}

test('250 files of a folder, chosen', async ({ server, open, folder }) => {
  const contents = household(folder);
  const page = await open(FILES);
  await folderPicker(page).setInputFiles(join(folder, 'Holiday'));
  await progress(page, 250, 250);
  await until(() => count(page).textContent(), messages.files.foldersAndFiles(1, 0));
  await expectArrived(server.api, contents);
  const query = new URLSearchParams({ root: 'mine', path: 'Holiday/beach/evening/picture 2.jpg' });
  const deep = await server.api.json<{ kind: string }>('GET', `/api/v1/folders/resolve?${query}`);
  expect(deep.kind).toBe('file');
  await panel(page).getByRole('button', { name: words.dismiss }).click();
  await panel(page).waitFor({ state: 'detached' });
});

test('250 files of a folder, dropped, with tags for all', async ({ server, open, folder }) => {
  const contents = household(folder);
  mkdirSync(join(folder, 'Holiday/to come/soon'), { recursive: true });
  const page = await open(FILES);
  await tagUploads(page, 'Holiday 2026', 'sea');
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [join(folder, 'Holiday')], dragOperationsMask: 1 };
  const drag = (type: 'dragEnter' | 'dragOver' | 'drop') =>
    session.send('Input.dispatchDragEvent', { type, x: 700, y: 500, data });
  await drag('dragEnter');
  await drag('dragOver');
  await page.getByText(words.drop, { exact: true }).waitFor();
  await page.getByText(words.dropTags('Holiday 2026, sea')).waitFor();
  await drag('drop');
  await progress(page, 250, 250);
  await page.getByText(words.drop, { exact: true }).waitFor({ state: 'detached' });
  await expectArrived(server.api, contents);
  expect((await server.api.list({ tag: 'Holiday 2026' })).total).toBe(250);
  expect((await server.api.list({ tag: 'sea' })).total).toBe(250);
  // Folders in which nothing lies are folders, too.
  const empty = `/api/v1/folders/resolve?${new URLSearchParams({ root: 'mine', path: 'Holiday/to come/soon' })}`;
  await until(
    () =>
      server.api.json<{ kind: string }>('GET', empty).then(
        ({ kind }) => kind,
        () => '',
      ),
    'folder',
  );
});

test('a big upload under way is removed, and leaves nothing behind', async ({
  server,
  wire,
  open,
  folder,
}) => {
  const big = join(folder, 'film.mkv');
  writeFileSync(big, randomBytes(48 * MB));
  writeFileSync(join(folder, 'note.txt'), 'short');
  const page = await open(FILES, { base: wire.url });
  wire.bytesPerSecond = 8 * MB;
  await picker(page).setInputFiles([big, join(folder, 'note.txt')]);
  await upload(page, 'film.mkv')
    .getByText(/ of 48 MB · .*\/s · .* left/)
    .waitFor();
  await upload(page, 'film.mkv')
    .getByRole('button', { name: words.remove('film.mkv') })
    .click();
  await upload(page, 'film.mkv').waitFor({ state: 'detached' });
  await progress(page, 1, 1);
  await until(async () => (await server.api.list()).files.map((file) => file.filename), ['note.txt']);
  await until(() => unfinished(server.api), []);
  expect(await names(page)).toEqual(['note.txt']);
});

test('what a dropped connection cut off goes on by itself where it was', async ({
  server,
  wire,
  open,
  folder,
  guard,
}) => {
  guard.expect(DROPPED);
  const content = randomBytes(12 * MB);
  writeFileSync(join(folder, 'backup.tar'), content);
  const page = await open(FILES, { base: wire.url });
  wire.bytesPerSecond = 16 * MB;
  wire.cutAfterBytes = 5 * MB;
  await picker(page).setInputFiles(join(folder, 'backup.tar'));
  await upload(page, 'backup.tar').getByText(words.problems.retrying).waitFor();
  // The wire stays as bad as it is: each try brings it further.
  await progress(page, 1, 1);
  await until(() => names(page), ['backup.tar']);
  await expectArrived(server.api, new Map([['backup.tar', content]]));
  const { id } = await server.api.named('backup.tar');
  expect(sha256(await server.api.content(id))).toBe(sha256(content));
});

test('one file that fails does not stop the others', async ({ server, wire, open, folder, guard }) => {
  guard.expect(DROPPED);
  writeFileSync(join(folder, 'big.bin'), randomBytes(6 * MB));
  const small = writeFolder(
    folder,
    Array.from({ length: 12 }, (_, at) => ({ path: `small ${at}.txt`, bytes: 500 + at })),
  );
  const page = await open(FILES, { base: wire.url });
  wire.cutAfterBytes = 3 * MB;
  await picker(page).setInputFiles(['big.bin', ...small.keys()].map((name) => join(folder, name)));
  await upload(page, 'big.bin').getByText(words.problems.retrying).waitFor();
  await until(async () => (await server.api.list()).total, 12, 'the others arrive meanwhile');
  wire.cutAfterBytes = Number.POSITIVE_INFINITY;
  await progress(page, 13, 13);
  expect((await server.api.list()).total).toBe(13);
});

test('a file that has gone away is named as such', async ({ open, folder, guard }) => {
  guard.expect(/ERR_FILE_NOT_FOUND|ERR_UPLOAD_FILE_CHANGED/);
  const path = join(folder, 'gone.txt');
  writeFileSync(path, 'soon gone');
  const page = await open(FILES);
  // All that sends and shows is there.
  await page.waitForLoadState('networkidle');
  // The page has the file, but may not send it before it is gone.
  await page.context().setOffline(true);
  guard.expect(/ERR_INTERNET_DISCONNECTED/);
  await picker(page).setInputFiles(path);
  await upload(page, 'gone.txt').getByText(words.problems.retrying).waitFor();
  rmSync(path);
  await page.context().setOffline(false);
  await upload(page, 'gone.txt').getByText(words.problems.unreadable).waitFor();
  await panel(page).getByRole('button', { name: words.dismiss }).click();
});

test('a picture uploaded here shows in the list at once, where the order puts it', async ({
  server,
  open,
  folder,
}) => {
  await server.api.upload({ name: 'before.txt' });
  const page = await open(FILES);
  await row(page, 'before.txt').waitFor();
  writeFileSync(join(folder, 'after.txt'), 'new');
  await picker(page).setInputFiles(join(folder, 'after.txt'));
  await until(() => names(page), ['after.txt', 'before.txt']);
  expect(await toasts(page).locator('.toast').count()).toBe(0);
  await expect.poll(() => count(page).textContent(), { timeout: PATIENCE_MS }).toBe(messages.files.total(2));
});
