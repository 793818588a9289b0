import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { count, names, row, rows, toolbar } from './harness/files';
import { ALL_FILES, atRest, expect, test, until } from './harness/test';

const words = messages.files;
const FILES_IN_HOUSE = 5_200;
/** What the page may hold, whatever the length of the list. */
const MAX_NODES = 400;
const SEED_TIMEOUT_MS = 120_000;

const name = (at: number) => `file ${String(at).padStart(5, '0')}.txt`;
const nodes = (page: Page) => page.evaluate(() => document.querySelectorAll('*').length);
const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.querySelector('.name')?.textContent?.trim());

test('5,200 files: few nodes, every row in reach', { timeout: SEED_TIMEOUT_MS }, async ({ server, open }) => {
  await server.api.uploadAll(
    Array.from({ length: FILES_IN_HOUSE }, (_, at) => ({
      name: name(at),
      body: `${at}`,
      tags: [`tag ${at % 40}`],
    })),
  );
  const page = await open(`${ALL_FILES}&sort=name&order=asc`);
  await row(page, name(0)).waitFor();
  await until(() => count(page).textContent(), words.total(FILES_IN_HOUSE));
  expect(await nodes(page), 'nodes at the top').toBeLessThanOrEqual(MAX_NODES);

  await atRest(page);
  await row(page, name(0)).focus();
  await page.keyboard.press('End');
  await until(() => focused(page), name(FILES_IN_HOUSE - 1));
  expect(await nodes(page), 'nodes at the end').toBeLessThanOrEqual(MAX_NODES);
  expect(await row(page, name(FILES_IN_HOUSE - 1)).getAttribute('aria-rowindex')).toBe(
    `${FILES_IN_HOUSE + 1}`,
  );
  await page.keyboard.press('PageUp');
  await expect.poll(() => focused(page)).not.toBe(name(FILES_IN_HOUSE - 1));
  await page.keyboard.press('Home');
  await until(() => focused(page), name(0));

  // By the wheel or the scroll bar, to a place whose rows were never drawn.
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
  await until(async () => (await names(page)).some((one) => one.startsWith('file 026')), true);
  expect(await nodes(page), 'nodes in the middle').toBeLessThanOrEqual(MAX_NODES);
  const got = (await names(page)).filter((one) => one !== name(0)).sort();
  const first = Number(got[0]?.slice(5, 10));
  expect(got, 'no gap and no double').toEqual(got.map((_, at) => name(first + at)));

  await page.keyboard.press('Control+a');
  await toolbar(page).getByText(words.selected(FILES_IN_HOUSE)).waitFor();
  expect(await nodes(page), 'nodes with all selected').toBeLessThanOrEqual(MAX_NODES);
});

test('a long list can be searched at any place', async ({ open }) => {
  const page = await open(ALL_FILES);
  await rows(page).first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('04711');
  await until(() => names(page), [name(4711)]);
});
