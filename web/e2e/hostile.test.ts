import type { Page } from 'playwright-core';
import { visibleName } from '../src/lib/filelist-names';
import { messages } from '../src/messages/en';
import { picker, row, rows, tagUploads, toasts } from './harness/files';
import { DASHBOARD, expect, FILES, test, until } from './harness/test';

const words = messages.files;

/** Every one of them sets this if it ever runs as script. */
const HIT = 'window.hit=1';
const NAMES = [
  `<img src=x onerror=${HIT}>.png`,
  `"><script>${HIT}<\u2044script>.txt`,
  `' onfocus='${HIT}' autofocus='.txt`,
  `" onmouseover="${HIT}.txt`,
  `javascript:${HIT}`,
  `\${${HIT}}{{${HIT}}}.txt`,
  'two\nlines\r\nand a tab\t.txt',
  'annexe\u202Efdp.exe',
  '🏡 été – 家族 👨‍👩‍👧.txt',
  'مرحبا بالعالم.txt',
  'percent 100% %41 & ; = + #?.txt',
  `${'n'.repeat(251)}.txt`,
  '-rf',
  '.htaccess',
  'CON',
  'name with  two  spaces.txt',
];
const TAGS = [
  `<img src=x onerror=${HIT}>`,
  `' onclick='${HIT}`,
  '"><svg onload=window.hit=1>',
  'émoji 🏷️',
  '\u202Egat',
  't'.repeat(60),
];

/** High enough for all of them: rows out of sight are not drawn. */
const TALL = { viewport: { width: 1440, height: 1400 } };

const wasHit = (page: Page) => page.evaluate(() => 'hit' in window);

/** A row by its place: names may be alike to the eye. */
async function rowOf(page: Page, name: string) {
  const all = await rows(page).locator('.name').allTextContents();
  const at = all.indexOf(visibleName(name));
  expect(at, `${JSON.stringify(name)} among ${JSON.stringify(all)}`).toBeGreaterThanOrEqual(0);
  return rows(page).nth(at);
}

test('names and tags are text, whatever they hold', async ({ server, open }) => {
  for (const name of NAMES) await server.api.upload({ name, tags: TAGS, type: 'text/html' });
  const page = await open(`${FILES}?sort=name&order=asc`, TALL);
  await until(() => rows(page).count(), NAMES.length);
  for (const name of NAMES) {
    const one = await rowOf(page, name);
    await one.hover();
    await one.locator('.name').click();
    const details = page.getByRole('complementary', { name: words.details.title });
    await details.getByText(visibleName(name), { exact: true }).first().waitFor();
    await until(() => details.locator('.chip').count(), TAGS.length);
  }
  expect(await page.locator('main img[onerror], main script, main svg[onload], main [onfocus]').count()).toBe(
    0,
  );
  expect(await wasHit(page)).toBe(false);
});

test('every button of a hostile row works', async ({ server, open }) => {
  const page = await open(`${FILES}?sort=name&order=asc`, TALL);
  await until(() => rows(page).count(), NAMES.length);
  for (const name of NAMES.slice(0, 8)) {
    const shown = visibleName(name);
    const { id } = await server.api.named(name);
    await (await rowOf(page, name)).locator('button.more').click();
    await page.getByRole('menuitem', { name: words.actions.rename }).click();
    const field = page.getByRole('dialog').getByLabel(words.rename.label);
    // A field of one line cannot hold line breaks; everything else stays as it is.
    expect(await field.inputValue()).toBe(name.replaceAll(/[\r\n]/g, ''));
    await page.keyboard.press('Escape');
    await (await rowOf(page, name)).focus();
    await page.keyboard.press('Delete');
    await toasts(page).getByText(words.remove.one(shown)).last().waitFor();
    await until(() => server.api.status(id), 404);
    await toasts(page).getByRole('button', { name: messages.toast.undo }).last().click();
    await until(() => server.api.status(id), 200);
    await until(() => rows(page).count(), NAMES.length);
  }
  expect(await wasHit(page)).toBe(false);
});

test('tags filter, though they look like markup', async ({ open }) => {
  const page = await open(`${FILES}?view=all`, TALL);
  const filter = page.getByRole('combobox', { name: words.tagFilter });
  for (const tag of TAGS) {
    await filter.focus();
    await until(() => filter.locator('option').count(), TAGS.length + 1);
    await filter.selectOption(tag);
    await until(() => new URL(page.url()).searchParams.get('tag'), tag);
    await until(() => rows(page).count(), NAMES.length);
  }
  expect(await wasHit(page)).toBe(false);
});

test('a download has the name of the file, as far as a file system can bear it', async ({ open }) => {
  const page = await open(`${FILES}?sort=name&order=asc`, TALL);
  await until(() => rows(page).count(), NAMES.length);
  for (const [name, want] of [
    // Chromium puts _ in the place of what it would not have in a path, joiners of emoji among it.
    ['🏡 été – 家族 👨‍👩‍👧.txt', '🏡 été – 家族 👨_👩_👧.txt'],
    ['مرحبا بالعالم.txt', 'مرحبا بالعالم.txt'],
    ['name with  two  spaces.txt', 'name with  two  spaces.txt'],
    ['percent 100% %41 & ; = + #?.txt', 'percent 100% %41 & ; = + #_.txt'],
    [`" onmouseover="${HIT}.txt`, `_ onmouseover=_${HIT}.txt`],
    [`<img src=x onerror=${HIT}>.png`, `_img src=x onerror=${HIT}_.png`],
    ['two\nlines\r\nand a tab\t.txt', 'two_lines__and a tab_.txt'],
  ] as const) {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      (await rowOf(page, name)).locator('a.download').click(),
    ]);
    expect(download.suggestedFilename()).toBe(want);
    await download.delete();
  }
});

test('hostile names uploaded through the page', async ({ server, open }) => {
  await server.api.clear();
  const page = await open(FILES, TALL);
  const given = NAMES.filter((name) => !/[\r\n/]/.test(name));
  await tagUploads(page, '<b>bold</b>', `' onclick='${HIT}`);
  await picker(page).setInputFiles(
    given.map((name) => ({ name, mimeType: 'text/html', buffer: Buffer.from(`<script>${HIT}</script>`) })),
  );
  await until(() => rows(page).count(), given.length);
  const { files } = await server.api.list();
  expect(files.map((file) => file.filename).sort()).toEqual([...given].sort());
  for (const file of files) expect(file.tags).toEqual(['<b>bold</b>', `' onclick='${HIT}`]);
  // Opened by its address, a page that somebody uploaded is saved, not run.
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.evaluate((id) => window.open(`/api/v1/files/${id}/download?inline=1`), files[0]?.id),
  ]);
  expect(download.suggestedFilename()).not.toBe('');
  expect(await wasHit(page)).toBe(false);
});

test('a hostile search comes back from the address as text', async ({ open }) => {
  const evil = `"><img src=x onerror=${HIT}>`;
  const page = await open(`${FILES}?q=${encodeURIComponent(evil)}&tag=${encodeURIComponent(evil)}`);
  await page.getByText(words.noMatch).waitFor();
  expect(await page.getByRole('searchbox').inputValue()).toBe(evil);
  expect(await wasHit(page)).toBe(false);
});

test('the API description opens without internet and without errors', async ({ open, server }) => {
  const page = await open('/docs');
  await page.getByText('/api/v1/files/upload').first().waitFor();
  expect(await page.title()).not.toBe('');
  await page.goto(server.url + DASHBOARD);
  await page.getByRole('link', { name: messages.shell.api }).click();
  await page.getByText('/api/v1/files/upload').first().waitFor();
});

test('a row is found by its visible name', async ({ open }) => {
  const page = await open(FILES);
  await row(page, visibleName('annexe\u202Efdp.exe')).waitFor();
  expect(await row(page, visibleName('annexe\u202Efdp.exe')).textContent()).toContain('⟨RLO⟩');
});
