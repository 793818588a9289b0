/** What uploads outlive: the page, its browser, the server; and names that are taken. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { type Api, sha256 } from './harness/api';
import { audit } from './harness/audit';
import { folderPicker, panel, picker, upload, writeFolder } from './harness/files';
import type { Server } from './harness/server';
import { test as base, expect, FILES, until } from './harness/test';
import type { Wire } from './harness/wire';

const words = messages.files.upload;
/** What Chromium writes while the server is away. */
const AWAY =
  /ERR_CONNECTION|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|WebSocket|EventSource/;

const MB = 1024 * 1024;
const PATIENCE_MS = 45_000;
/** How many small files are sent; `HOMESERVER_MANY_FILES=10000` for the figure of the note. */
const MANY_FILES = Number(process.env.HOMESERVER_MANY_FILES ?? 1_000);

/** A folder that goes with the test, in a server that holds nothing yet. */
const test = base.extend<{ folder: string }>({
  folder: async ({ server }, use) => {
    await server.api.clear();
    const folder = mkdtempSync(join(tmpdir(), 'homeserver-e2e-transfer-'));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },
});

const settled = (page: Page, done: number, all = done) =>
  panel(page)
    .locator('header')
    .getByText(words.done(done, all), { exact: true })
    .waitFor({ timeout: PATIENCE_MS });
/** Some are through, and others are not. */
const underWay = (page: Page) =>
  expect
    .poll(() => panel(page).locator('header p').textContent(), { timeout: PATIENCE_MS, interval: 20 })
    .toMatch(/\b([1-9]\d?|1\d\d|2[0-4]\d) of 250 done/);
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog', { name: words.conflict.title });
const again = (page: Page, form: 'multiple' | 'webkitdirectory') => page.locator(`input.again[${form}]`);

/** As in a browser that has no room for copies of files. */
async function keepNoCopies(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (value: { file?: File }) {
      if (value.file) throw new DOMException('No room.', 'QuotaExceededError');
      return put.call(this, value);
    };
  });
}

/** 250 files of sizes that take more than one request. */
function holiday(folder: string): Map<string, Buffer> {
  const files = Array.from({ length: 250 }, (_, at) => ({
    path: `Holiday/${at % 2 === 0 ? '' : 'beach/'}picture ${at}.jpg`,
    bytes: 10_000 + at * 100,
  }));
  return writeFolder(folder, files);
}

async function expectArrived(api: Api, contents: Map<string, Buffer>): Promise<void> {
  const { files, total } = await api.list({ limit: '1000' });
  expect(total).toBe(contents.size);
  const got = Object.fromEntries(files.map((file) => [file.filename, file.sha256]));
  expect(got).toEqual(Object.fromEntries([...contents].map(([name, content]) => [name, sha256(content)])));
}

test('250 files of a folder outlive a reload of the page in the middle', async ({
  server,
  wire,
  open,
  folder,
  guard,
}) => {
  guard.mayAskToStay = true;
  const contents = holiday(folder);
  const page = await open(FILES, { base: wire.url });
  wire.bytesPerSecond = 0.4 * MB;
  await folderPicker(page).setInputFiles(join(folder, 'Holiday'));
  await underWay(page);
  await page.reload();
  // Without a copy of the files, which is only made of what is not soon through, they are chosen once more.
  await panel(page).waitFor();
  wire.bytesPerSecond = Number.POSITIVE_INFINITY;
  const choose = button(page, words.fileless.folder);
  await choose
    .or(panel(page).getByText(words.done(250, 250)))
    .first()
    .waitFor();
  if (await choose.isVisible()) await again(page, 'webkitdirectory').setInputFiles(join(folder, 'Holiday'));
  await settled(page, 250);
  await expectArrived(server.api, contents);
  await page.reload();
  await page.locator('h1').waitFor();
  await until(() => panel(page).count(), 0, 'a queue that is through is forgotten');
});

test('250 files of a folder outlive a restart of the server in the middle', async ({
  server,
  wire,
  open,
  folder,
  guard,
}) => {
  guard.expect(AWAY);
  const contents = holiday(folder);
  const page = await open(FILES, { base: wire.url });
  wire.bytesPerSecond = 0.4 * MB;
  await folderPicker(page).setInputFiles(join(folder, 'Holiday'));
  await underWay(page);
  await server.kill();
  await panel(page).getByText(words.problems.retrying).first().waitFor();
  wire.bytesPerSecond = Number.POSITIVE_INFINITY;
  await server.start();
  await settled(page, 250);
  await expectArrived(server.api, contents);
});

for (const [how, silent] of [
  ['', false],
  [', also before the server has noticed that the page has gone', true],
] as const) {
  test(`a large file goes on after a reload, where it was, once it is chosen again${how}`, async ({
    server,
    wire,
    open,
    folder,
    guard,
  }) => {
    wire.silent = silent;
    guard.mayAskToStay = true;
    const content = randomBytes(24 * MB);
    writeFileSync(join(folder, 'film.mkv'), content);
    const page = await open(FILES, { base: wire.url, before: keepNoCopies });
    wire.bytesPerSecond = 2 * MB;
    await picker(page).setInputFiles(join(folder, 'film.mkv'));
    await upload(page, 'film.mkv')
      .getByText(/^([5-9]|1\d)(\.\d)? MB of 24 MB/)
      .waitFor();
    // However long the page takes to leave on a busy machine, the file is not through by then.
    wire.bytesPerSecond = 64 * 1024;
    await page.reload();
    wire.bytesPerSecond = 4 * MB;
    await upload(page, 'film.mkv')
      .getByText(/MB of 24 MB is there\. Choose the file again/)
      .waitFor();
    await audit(page, 'a file to be chosen again');
    await again(page, 'multiple').setInputFiles(join(folder, 'film.mkv'));
    // It begins where it was, not anew.
    await upload(page, 'film.mkv')
      .getByText(/^([5-9]|1\d|2\d)(\.\d)? MB of 24 MB/)
      .waitFor();
    await settled(page, 1);
    await expectArrived(server.api, new Map([['film.mkv', content]]));
  });
}

test('what waits is copied, so that a reload does not need the files again', async ({
  server,
  wire,
  open,
  folder,
}) => {
  const content = randomBytes(8 * MB);
  writeFileSync(join(folder, 'song.flac'), content);
  const page = await open(FILES, { base: wire.url });
  wire.bytesPerSecond = MB;
  await picker(page).setInputFiles(join(folder, 'song.flac'));
  const kept = () =>
    page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const opening = indexedDB.open('homeserver.transfers');
          opening.onsuccess = () => {
            const count = opening.result.transaction('files').objectStore('files').count();
            count.onsuccess = () => resolve(count.result);
          };
        }),
    );
  await until(kept, 1, 'copies');
  await page.reload();
  await upload(page, 'song.flac')
    .getByText(/ of 8 MB/)
    .waitFor();
  wire.bytesPerSecond = Number.POSITIVE_INFINITY;
  await settled(page, 1);
  await until(kept, 0, 'copies of what is through');
  await expectArrived(server.api, new Map([['song.flac', content]]));
});

test('an upload begun in one browser goes on in another', async ({ server, wire, open, folder }) => {
  const content = randomBytes(24 * MB);
  writeFileSync(join(folder, 'film.mkv'), content);
  const first = await open(FILES, { base: wire.url });
  wire.bytesPerSecond = 2 * MB;
  await picker(first).setInputFiles(join(folder, 'film.mkv'));
  await upload(first, 'film.mkv')
    .getByText(/^([5-9]|1\d)(\.\d)? MB of 24 MB/)
    .waitFor();
  // However long the browser takes to end on a busy machine, the file is not through by then.
  wire.bytesPerSecond = 64 * 1024;
  await first.context().close();
  const second = await open(FILES);
  // It does not cover the files of somebody who only came to look.
  await panel(second).getByText(words.asks(1)).waitFor();
  await button(second, words.expand).click();
  await upload(second, 'film.mkv')
    .getByText(/^Begun elsewhere, .* of 24 MB is there/)
    .waitFor();
  await again(second, 'multiple').setInputFiles(join(folder, 'film.mkv'));
  await settled(second, 1);
  await expectArrived(server.api, new Map([['film.mkv', content]]));
});

test('another file of the same name and size is not mixed with what was begun elsewhere', async ({
  server,
  open,
  folder: _folder,
  guard,
}) => {
  guard.expect(/answer 409|status of 409/);
  const size = 8 * MB;
  const half = 4 * MB;
  const theirs = randomBytes(size);
  const other = Buffer.from(theirs);
  other.writeUInt8(other.readUInt8(half - 1) ^ 1, half - 1);
  const begun = await server.api.begin('film.mkv', size, theirs.subarray(0, half));
  const page = await open(FILES);
  await button(page, words.expand).click();
  const file = { name: 'film.mkv', mimeType: 'video/x-matroska' };
  await again(page, 'multiple').setInputFiles({ ...file, buffer: other });
  await page.getByText(words.fileless.other('film.mkv')).waitFor();
  await settled(page, 1, 2);
  await expectArrived(server.api, new Map([['film.mkv', other]]));
  // The right one still goes on where it was.
  expect(await server.api.unfinished()).toEqual({ [begun]: half });
  await again(page, 'multiple').setInputFiles({ ...file, buffer: theirs });
  await dialog(page).getByRole('button', { name: words.conflict.keep }).click();
  await settled(page, 2);
  expect(await server.api.unfinished()).toEqual({});
  const { files } = await server.api.list({ limit: '10' });
  expect(files.map(({ sha256 }) => sha256).sort()).toEqual([sha256(theirs), sha256(other)].sort());
});

/** A browser falls asleep in the middle of a file, while another device sends what `theirs` makes of the offset. */
async function overtaken(
  { server, wire, page, folder }: { server: Server; wire: Wire; page: Page; folder: string },
  content: Buffer,
  theirs: (at: number) => Buffer,
): Promise<string> {
  writeFileSync(join(folder, 'film.mkv'), content);
  wire.bytesPerSecond = MB;
  await picker(page).setInputFiles(join(folder, 'film.mkv'));
  await upload(page, 'film.mkv')
    .getByText(/^([2-9]|1\d)(\.\d)? MB of 24 MB/)
    .waitFor();
  let line = true;
  const asleep = (async () => {
    while (line) await wire.cut(100);
  })();
  const id = String(Object.keys(await server.api.unfinished())[0]);
  const headers = { 'Tus-Resumable': '1.0.0', Cookie: server.session?.cookie ?? '' };
  const url = `${server.url}/api/v1/uploads/${id}`;
  const at = Number((await fetch(url, { method: 'HEAD', headers })).headers.get('Upload-Offset'));
  const type = 'application/offset+octet-stream';
  const { status } = await fetch(url, {
    method: 'PATCH',
    headers: { ...headers, 'Content-Type': type, 'Upload-Offset': String(at) },
    body: theirs(at) as BodyInit,
  });
  expect(status).toBe(204);
  wire.bytesPerSecond = Number.POSITIVE_INFINITY;
  line = false;
  await asleep;
  return id;
}

test('what another device sent on from another file is not mixed with the one that slept', async ({
  server,
  wire,
  open,
  folder,
  guard,
}) => {
  guard.expect(AWAY);
  const content = randomBytes(24 * MB);
  const most = 23 * MB;
  const page = await open(FILES, { base: wire.url });
  const id = await overtaken({ server, wire, page, folder }, content, (at) => randomBytes(most - at));
  await page.getByText(words.fileless.other('film.mkv')).waitFor({ timeout: PATIENCE_MS });
  await settled(page, 1, 2);
  await expectArrived(server.api, new Map([['film.mkv', content]]));
  expect(await server.api.unfinished()).toEqual({ [id]: most });
});

test('what another device finished from another file is not taken for the one that slept', async ({
  server,
  wire,
  open,
  folder,
  guard,
}) => {
  guard.expect(AWAY);
  const content = randomBytes(24 * MB);
  const page = await open(FILES, { base: wire.url });
  let theirs = content;
  await overtaken({ server, wire, page, folder }, content, (at) => {
    theirs = Buffer.concat([content.subarray(0, at), randomBytes(content.length - at)]);
    return theirs.subarray(at);
  });
  await dialog(page).getByText(words.conflict.finishedText('film.mkv')).waitFor({ timeout: PATIENCE_MS });
  await dialog(page).getByRole('button', { name: words.conflict.keep }).click();
  await settled(page, 1);
  const { files } = await server.api.list({ limit: '10' });
  expect(files.map((one) => one.sha256).sort()).toEqual([sha256(theirs), sha256(content)].sort());
});

test('pause and go on: one, and all', async ({ server, wire, open, folder }) => {
  const contents = writeFolder(folder, [
    { path: 'one.bin', bytes: 16 * MB },
    { path: 'two.bin', bytes: 16 * MB },
  ]);
  const page = await open(FILES, { base: wire.url });
  wire.bytesPerSecond = MB;
  await picker(page).setInputFiles([join(folder, 'one.bin'), join(folder, 'two.bin')]);
  await upload(page, 'one.bin')
    .getByText(/ of 16 MB · /)
    .waitFor();
  await button(page, words.pause('one.bin')).click();
  await upload(page, 'one.bin')
    .getByText(/^Paused at/)
    .waitFor();
  await button(page, words.pauseAll).click();
  await upload(page, 'two.bin')
    .getByText(/^Paused/)
    .waitFor();
  await audit(page, 'paused');
  wire.bytesPerSecond = Number.POSITIVE_INFINITY;
  await button(page, words.resume('one.bin')).click();
  await settled(page, 1, 2);
  await button(page, words.resumeAll).click();
  await settled(page, 2);
  await expectArrived(server.api, contents);
});

test('names that are taken: skip, rename, replace, keep both', async ({ server, open, folder, guard }) => {
  guard.expect(/answer 409|status of 409/);
  const page = await open(FILES);
  const paths = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'same.txt'];
  const put = (text: (path: string) => string) => {
    for (const path of paths) writeFileSync(join(folder, path), text(path));
  };
  const all = paths.map((path) => join(folder, path));
  put((path) => (path === 'same.txt' ? path : `old ${path}`));
  await picker(page).setInputFiles(all);
  await settled(page, 5);
  put((path) => (path === 'same.txt' ? path : `new ${path}`));
  await picker(page).setInputFiles(all);
  await dialog(page).getByText(words.conflict.text('a.txt', '')).waitFor();
  await audit(page, 'a name that is taken');
  await dialog(page).getByRole('button', { name: words.conflict.skip }).click();
  await dialog(page).getByText(words.conflict.text('b.txt', '')).waitFor();
  await dialog(page).getByRole('button', { name: words.conflict.rename }).click();
  await dialog(page).getByText(words.conflict.text('c.txt', '')).waitFor();
  await dialog(page).getByRole('button', { name: words.conflict.replace }).click();
  await dialog(page).getByText(words.conflict.text('d.txt', '')).waitFor();
  await dialog(page).getByRole('button', { name: words.conflict.keep }).click();
  // What is the same anyway was not asked about; what was skipped does not count.
  await settled(page, 9);
  const { files } = await server.api.list({ limit: '100' });
  const got = await Promise.all(
    files.map(async ({ filename, id }) => `${filename}: ${await server.api.content(id)}`),
  );
  expect(got.sort()).toEqual([
    'a.txt: old a.txt',
    'b (2).txt: new b.txt',
    'b.txt: old b.txt',
    'c.txt: new c.txt',
    'd.txt: new d.txt',
    'd.txt: old d.txt',
    'same.txt: same.txt',
  ]);
  const { id } = await server.api.named('c.txt');
  const { versions } = await server.api.json<{ versions: unknown[] }>('GET', `/api/v1/files/${id}/versions`);
  expect(versions).toHaveLength(1);
});

test('a name that is taken while a large file is on its way: nothing of it is sent again', async ({
  server,
  wire,
  open,
  folder,
  guard,
}) => {
  guard.expect(/answer 409|status of 409/);
  const content = randomBytes(12 * MB);
  writeFileSync(join(folder, 'film.mkv'), content);
  const page = await open(FILES, { base: wire.url });
  wire.bytesPerSecond = 2 * MB;
  await picker(page).setInputFiles(join(folder, 'film.mkv'));
  await upload(page, 'film.mkv')
    .getByText(/ MB of 12 MB/)
    .waitFor();
  // However long the other upload takes on a busy machine, this one is not through by then.
  wire.bytesPerSecond = 64 * 1024;
  await server.api.upload({ name: 'film.mkv', body: 'quick' });
  wire.bytesPerSecond = 8 * MB;
  const rename = dialog(page).getByRole('button', { name: words.conflict.rename });
  await rename.waitFor();
  wire.bytesPerSecond = MB / 64;
  await rename.click();
  await settled(page, 1);
  expect((await server.api.named('film (2).mkv')).sha256).toBe(sha256(content));
});

test('names that are taken: one answer for all, later too', async ({ server, open, folder, guard }) => {
  guard.expect(/answer 409|status of 409/);
  const page = await open(FILES);
  const paths = Array.from({ length: 20 }, (_, at) => `note ${at}.txt`);
  const put = (text: string) => paths.map((path) => writeFileSync(join(folder, path), `${text} ${path}`));
  const all = paths.map((path) => join(folder, path));
  put('old');
  await picker(page).setInputFiles(all);
  await settled(page, 20);
  put('new');
  await picker(page).setInputFiles(all);
  // Closed without an answer, it waits in the panel.
  await dialog(page).getByRole('button', { name: messages.dialog.close }).click();
  await panel(page).getByText(words.conflict.banner(20)).waitFor();
  await panel(page).getByRole('button', { name: words.conflict.decide, exact: true }).click();
  await dialog(page).getByRole('checkbox').check();
  await dialog(page).getByRole('button', { name: words.conflict.replace }).click();
  await dialog(page).waitFor({ state: 'detached' });
  await settled(page, 40);
  const { files, total } = await server.api.list({ limit: '100' });
  expect(total).toBe(20);
  for (const { id, filename } of files.slice(0, 3))
    expect(String(await server.api.content(id))).toBe(`new ${filename}`);
});

test(`${MANY_FILES} files of 4 KiB`, { timeout: 300_000 }, async ({ server, open, folder }) => {
  writeFolder(
    folder,
    Array.from({ length: MANY_FILES }, (_, at) => ({ path: `Many/${at % 50}/f${at}.bin`, bytes: 4096 })),
  );
  const page = await open(FILES);
  await page.waitForLoadState('networkidle');
  await folderPicker(page).setInputFiles(join(folder, 'Many'));
  const begun = performance.now();
  await panel(page)
    .locator('header')
    .getByText(words.done(MANY_FILES, MANY_FILES), { exact: true })
    .waitFor({ timeout: 280_000 });
  const seconds = (performance.now() - begun) / 1_000;
  process.stdout.write(`${MANY_FILES} files of 4 KiB through the browser: ${seconds.toFixed(1)} s\n`);
  expect((await server.api.list({ limit: '1' })).total).toBe(MANY_FILES);
  // The panel draws what is in sight, however long its list is.
  expect(await panel(page).locator('li').count()).toBeLessThan(20);
});
