/** The charts of the dashboard, as the tests find and read them. */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { charts as words } from '../src/messages/en.charts';
import type { Server } from './harness/server';
import { expect, PATIENCE_MS } from './harness/test';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
export const CPU = words.titles.cpu as string;
export const NETWORK = words.titles.network as string;
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

export const chart = (page: Page, title: string) => page.getByRole('group', { name: title, exact: true });
export const area = (page: Page, title: string) => chart(page, title).getByRole('application');
export const canvas = (page: Page, title: string) => chart(page, title).locator('.u-over');
export const range = (page: Page) => page.locator('.bar .range').textContent();
export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
export const live = (page: Page) => page.locator('header').getByText(messages.connection.live).waitFor();
export const titles = (page: Page) => page.locator('.charts h3').allTextContents();
export const shownCharts = (page: Page) =>
  page
    .locator('.charts [id^="chart-"]')
    .evaluateAll((charts) => charts.map(({ id }) => id.slice('chart-'.length)));
export const cards = (page: Page) => page.locator('.cards h2').allTextContents();

export async function open5(page: Page): Promise<void> {
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans.at(-1) as string });
  await drawn(page, CPU);
}

/** Waits until the chart has a line, and has settled. */
export async function drawn(page: Page, title: string): Promise<void> {
  await chart(page, title).locator('canvas').waitFor();
  await expect.poll(() => inked(page, title), { timeout: PATIENCE_MS }).toBeGreaterThan(200);
}

/** How many pixels of a chart are of the first line's colour. */
export function inked(page: Page, title: string): Promise<number> {
  return chart(page, title)
    .locator('canvas')
    .evaluate((element) => {
      const drawing = element as HTMLCanvasElement;
      const copy = new OffscreenCanvas(drawing.width, drawing.height).getContext('2d');
      copy?.drawImage(drawing, 0, 0);
      const { data } = copy?.getImageData(0, 0, drawing.width, drawing.height) ?? { data: [] };
      const color = getComputedStyle(document.documentElement).getPropertyValue('--series-1').trim();
      const want = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        if (want.every((part, channel) => Math.abs((data[at + channel] ?? 0) - part) < 24)) count++;
      return count;
    });
}

/** Five years of figures instead of what the server has measured so far. */
export async function fillYears(server: Server): Promise<void> {
  await server.kill();
  const file = join(server.folder, 'data', 'monitoring.db');
  for (const one of ['', '-wal', '-shm']) rmSync(file + one, { force: true });
  // The worker of these tests must go on answering meanwhile.
  await promisify(execFile)('go', ['run', './test/years', file], { cwd: REPOSITORY });
  await server.start();
}

export const focused = (locator: Locator) =>
  locator.evaluate((element) => element === document.activeElement);

/** How the page is arranged on the server. */
export function kept(page: Page): Promise<{ cards: string[]; charts: string[] }> {
  return page.evaluate(async () => {
    const { document } = await (await fetch('/api/v1/preferences/dashboard')).json();
    return { cards: document.cards, charts: document.charts.map(({ id }: { id: string }) => id) };
  });
}

/** Waits until a fling has ended; where the page is then. */
export function atRest(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let there = scrollY;
        let still = 0;
        const look = () => {
          still = scrollY === there ? still + 1 : 0;
          there = scrollY;
          if (still < 30) requestAnimationFrame(look);
          else resolve(there);
        };
        look();
      }),
  );
}

export async function box(
  locator: Locator,
): Promise<{ x: number; y: number; width: number; height: number }> {
  const found = await locator.boundingBox();
  if (!found) throw new Error('It is not on the page.');
  return found;
}
