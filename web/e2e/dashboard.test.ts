import type { Locator, Page } from 'playwright-core';
import { formatBytes, formatCount, formatGigabytes, formatPercent } from '../src/lib/format';
import type { Dashboard } from '../src/lib/types';
import { messages } from '../src/messages/en';
import { charts } from '../src/messages/en.charts';
import type { Api } from './harness/api';
import { DASHBOARD, expect, PATIENCE_MS, test, until } from './harness/test';

const words = messages.dashboard;
const CHART = charts.titles as Record<'cpu' | 'use' | 'network' | 'activity', string>;
const pill = (page: Page) => page.locator('header [role=status]');
const live = (page: Page) => pill(page).getByText(messages.connection.live).waitFor();
const card = (page: Page, title: string) => page.getByRole('region', { name: title, exact: true });
const chart = (page: Page, title: string) => page.getByRole('group', { name: title, exact: true });

/** What the cards say, in the words of the page. */
async function shown(page: Page) {
  const resources = card(page, words.resources.title);
  const meter = async (name: string) => {
    const box = resources.locator('.meter').filter({ has: page.getByRole('meter', { name, exact: true }) });
    return (await box.locator('.value').textContent())?.trim();
  };
  const fact = async (title: string, label: string) =>
    (
      await card(page, title)
        .locator('dt', { hasText: new RegExp(`^${label}$`) })
        .locator('xpath=following-sibling::dd[1]')
        .textContent()
    )?.trim();
  return {
    cpu: await meter(words.resources.cpu),
    memory: await meter(words.resources.memory),
    disk: await meter(words.resources.disk),
    files: await fact(words.storage.title, words.storage.files),
    size: await fact(words.storage.title, words.storage.size),
    path: await fact(words.storage.title, words.storage.path),
    free: await fact(words.server.title, words.server.free),
    total: await fact(words.server.title, words.server.memory),
    host: await fact(words.server.title, words.server.host),
  };
}

function wanted({ system, storage, host }: Dashboard): Awaited<ReturnType<typeof shown>> {
  return {
    cpu: formatPercent(system.cpu_percent),
    memory: formatPercent(system.memory_percent),
    disk: formatPercent(system.disk_percent),
    files: formatCount(storage.total_files),
    size: formatBytes(storage.total_size_bytes),
    path: storage.storage_path,
    free: formatGigabytes(system.disk_free_gb),
    total: formatGigabytes(system.memory_total_gb),
    host: host.hostname,
  };
}

/** How many pixels of a chart have the colour of a line: axes and grid do not count. */
function inked(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    copy?.drawImage(element as HTMLCanvasElement, 0, 0);
    const data = copy?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
    const style = getComputedStyle(document.documentElement);
    const lines = ['--series-1', '--series-2'].map((name) => {
      const color = style.getPropertyValue(name).trim();
      return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
    });
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      const near = (line: number[]) =>
        line.every((part, channel) => Math.abs((data[at + channel] ?? 0) - part) < 24);
      if ((data[at + 3] ?? 0) > 128 && lines.some(near)) count++;
    }
    return count;
  });
}

/**
 * Lets the page's feed through up to a frame for which the API has the same sample, and which counts so many files:
 * that one comes again instead of the later ones. So page and API can be compared however slow the machine is.
 * `onHeld` gets what the API said.
 */
async function holdSample(page: Page, api: Api, files: number, onHeld: (said: Dashboard) => unknown) {
  let held: string | undefined;
  await page.routeWebSocket(/\/monitoring\/live/, (socket) => {
    let newest = 0;
    socket.connectToServer().onMessage(async (message) => {
      const frame = (JSON.parse(String(message)) as { dashboard?: Dashboard }).dashboard;
      socket.send(frame && held !== undefined ? held : message);
      if (!frame || held !== undefined) return;
      const at = ++newest;
      const said = await api.dashboard();
      const { sampled_at, storage } = frame;
      const same = said.sampled_at === sampled_at && said.storage.total_files === storage.total_files;
      if (held !== undefined || at !== newest || !same || storage.total_files !== files) return;
      held = String(message);
      onHeld(said);
    });
  });
}

test('the three cards say what the API says', async ({ server, open }) => {
  await server.api.upload({ name: 'counted.txt', body: 'x'.repeat(3_000) });
  const said: Dashboard[] = [];
  const page = await open(DASHBOARD, {
    before: (page) => holdSample(page, server.api, 1, (one) => said.push(one)),
  });
  await live(page);
  expect(await page.title()).toBe('HomeServer Dashboard');
  expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
  for (const { title } of [words.resources, words.storage, words.server])
    expect(await page.getByRole('heading', { name: title, exact: true }).count(), title).toBe(1);
  await until(() => said.length, 1, 'a sample that page and API both have');
  await until(() => shown(page), wanted(said[0] as Dashboard), 'what the cards say');
});

test('frames arrive by themselves, every two seconds', async ({ open }) => {
  const times: number[] = [];
  const page = await open(DASHBOARD, {
    before: async (page) => {
      // Of the two messages of a tick, the one for the cards.
      page.on('websocket', (socket) =>
        socket.on('framereceived', ({ payload }) => {
          if (payload.toString().startsWith('{"dashboard"')) times.push(Date.now());
        }),
      );
    },
  });
  await live(page);
  const uptime = card(page, words.server.title).locator('dd').first();
  const first = await uptime.textContent();
  await expect.poll(() => uptime.textContent(), { timeout: PATIENCE_MS }).not.toBe(first);
  await expect.poll(() => times.length, { timeout: PATIENCE_MS }).toBeGreaterThanOrEqual(5);
  // On average: a machine with much else to do delivers a frame late, and the next one on time.
  const [, second = 0] = times;
  const gap = ((times.at(-1) ?? 0) - second) / (times.length - 2);
  expect(gap).toBeGreaterThan(1_500);
  expect(gap).toBeLessThan(2_500);
});

test('charts and their tables are filled from history at load', async ({ server, open }) => {
  await expect
    .poll(async () => (await server.api.recent()).time.length, { timeout: PATIENCE_MS })
    .toBeGreaterThan(3);
  const known = (await server.api.recent()).cpu_percent.filter((value) => value !== null).length;
  const page = await open(DASHBOARD);
  await live(page);
  for (const { title, metric } of [
    { title: CHART.cpu, metric: 'CPU' },
    { title: CHART.use, metric: 'memory' },
    { title: CHART.network, metric: 'network' },
    { title: CHART.activity, metric: 'disk' },
  ]) {
    await chart(page, title).locator('canvas').waitFor();
    await expect
      .poll(() => inked(chart(page, title).locator('canvas')), { message: metric, timeout: PATIENCE_MS })
      .toBeGreaterThan(20);
  }
  const button = page.getByRole('button', { name: `${CHART.cpu}: ${charts.showTable}` });
  await button.click();
  const rows = chart(page, CHART.cpu).getByRole('table').locator('tbody tr');
  // More than a page that had only listened since it was loaded could know. The sample of the server's very start may
  // share a tick with the next one.
  await expect.poll(() => rows.count(), { timeout: PATIENCE_MS }).toBeGreaterThanOrEqual(known - 1);
  expect(await rows.first().textContent()).toMatch(/\d\d:\d\d:\d\d.*%/s);
  await button.click();
  await chart(page, CHART.cpu).locator('canvas').waitFor();
});

test('over 80 % there is a word and an icon, not only a colour', async ({ server, open }) => {
  const frame = await server.api.dashboard();
  frame.system.memory_percent = 93.4;
  frame.system.cpu_percent = 80;
  const page = await open(DASHBOARD, {
    before: (page) =>
      page.routeWebSocket(/\/monitoring\/live/, (socket) => {
        socket.send(JSON.stringify({ dashboard: { ...frame, sampled_at: new Date().toISOString() } }));
      }),
  });
  await live(page);
  const meter = (name: string) =>
    page.locator('.meter').filter({ has: page.getByRole('meter', { name, exact: true }) });
  await meter(words.resources.memory).getByText(messages.meter.high).waitFor();
  expect(await meter(words.resources.memory).locator('svg').count()).toBe(1);
  const spoken = await page
    .getByRole('meter', { name: words.resources.memory })
    .getAttribute('aria-valuetext');
  expect(spoken).toContain(messages.meter.high);
  // 80 is not over 80.
  expect(await meter(words.resources.cpu).getByText(messages.meter.high).count()).toBe(0);
});

test('the server dies and comes back: values stay, dimmed, and the page lives again by itself', async ({
  server,
  open,
  guard,
}) => {
  guard.expect(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection/);
  const page = await open(DASHBOARD);
  await live(page);
  await server.kill();
  await pill(page)
    .getByText(new RegExp(`${messages.connection.reconnecting}|${messages.connection.offline}`))
    .waitFor();
  expect(await pill(page).textContent()).toMatch(/as of \d\d:\d\d/);
  const kept = await shown(page);
  expect(kept.memory).toMatch(/%/);
  const dimmed = () =>
    page.locator('.cards').evaluate((cards) => {
      const { opacity, filter } = getComputedStyle(cards);
      return Number(opacity) < 1 || filter !== 'none';
    });
  await until(dimmed, true, 'values are dimmed');
  await page.waitForTimeout(1_500);
  expect(await shown(page), 'values while the server is away').toEqual(kept);
  await server.start();
  await live(page);
  await until(dimmed, false, 'values are no longer dimmed');
});

test('without a network the page says offline, and comes back with it', async ({ open, guard }) => {
  guard.expect(/ERR_INTERNET_DISCONNECTED|WebSocket connection/);
  const page = await open(DASHBOARD);
  await live(page);
  await page.context().setOffline(true);
  await pill(page).getByText(messages.connection.offline).waitFor();
  await page.context().setOffline(false);
  await live(page);
});

test('keys lead from page to page', async ({ open }) => {
  const page = await open(DASHBOARD);
  await live(page);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: messages.shortcuts.title }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await until(() => page.title(), 'HomeServer Files');
  await page.getByRole('heading', { name: messages.files.heading, level: 1 }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await until(() => page.title(), 'HomeServer Dashboard');
});
