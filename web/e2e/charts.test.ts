/** The charts: five years of figures, zoomed, moved, arranged and taken along. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { MOST_CHARTS, usual } from '../src/lib/arrangement';
import { messages } from '../src/messages/en';
import { charts as words } from '../src/messages/en.charts';
import { words as beyond } from '../src/pages/dashboard/words';
import { audit } from './harness/audit';
import { toasts } from './harness/files';
import type { Server } from './harness/server';
import { DASHBOARD, expect, PATIENCE_MS, test, until } from './harness/test';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const CPU = words.titles.cpu as string;
const NETWORK = words.titles.network as string;
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const chart = (page: Page, title: string) => page.getByRole('group', { name: title, exact: true });
const area = (page: Page, title: string) => chart(page, title).getByRole('application');
const canvas = (page: Page, title: string) => chart(page, title).locator('.u-over');
const range = (page: Page) => page.locator('.bar .range').textContent();
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const live = (page: Page) => page.locator('header').getByText(messages.connection.live).waitFor();
const titles = (page: Page) => page.locator('.charts h3').allTextContents();
const shownCharts = (page: Page) =>
  page
    .locator('.charts [id^="chart-"]')
    .evaluateAll((charts) => charts.map(({ id }) => id.slice('chart-'.length)));
const cards = (page: Page) => page.locator('.cards h2').allTextContents();

async function open5(page: Page): Promise<void> {
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans.at(-1) as string });
  await drawn(page, CPU);
}

/** Waits until the chart has a line, and has settled. */
async function drawn(page: Page, title: string): Promise<void> {
  await chart(page, title).locator('canvas').waitFor();
  await expect.poll(() => inked(page, title), { timeout: PATIENCE_MS }).toBeGreaterThan(200);
}

/** How many pixels of a chart are of the first line's colour. */
function inked(page: Page, title: string): Promise<number> {
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
async function fillYears(server: Server): Promise<void> {
  await server.kill();
  const file = join(server.folder, 'data', 'monitoring.db');
  for (const one of ['', '-wal', '-shm']) rmSync(file + one, { force: true });
  // The worker of these tests must go on answering meanwhile.
  await promisify(execFile)('go', ['run', './test/years', file], { cwd: REPOSITORY });
  await server.start();
}

const focused = (locator: Locator) => locator.evaluate((element) => element === document.activeElement);

/** How the page is arranged on the server. */
function kept(page: Page): Promise<{ cards: string[]; charts: string[] }> {
  return page.evaluate(async () => {
    const { document } = await (await fetch('/api/v1/preferences/dashboard')).json();
    return { cards: document.cards, charts: document.charts.map(({ id }: { id: string }) => id) };
  });
}

/** Waits until a fling has ended; where the page is then. */
function atRest(page: Page): Promise<number> {
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

async function box(locator: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const found = await locator.boundingBox();
  if (!found) throw new Error('It is not on the page.');
  return found;
}

test('five years are drawn, and zoomed and moved without waiting', { timeout: 180_000 }, async ({
  server,
  open,
}) => {
  await fillYears(server);
  const page = await open(DASHBOARD);
  await open5(page);
  await drawn(page, NETWORK);
  // The band tells of a spike that no mean shows.
  await button(page, `${CPU}: ${words.showTable}`).click();
  const table = chart(page, CPU).getByRole('table');
  const columns = [words.time, 'CPU', words.lowest('CPU'), words.highest('CPU'), words.events];
  await until(() => table.getByRole('columnheader').allTextContents(), columns);
  await expect.poll(() => table.getByRole('row').count(), { timeout: PATIENCE_MS }).toBeGreaterThan(50);
  await button(page, `${CPU}: ${words.showTable}`).click();

  await area(page, CPU).focus();
  const frames = page.evaluate(
    () =>
      new Promise<number[]>((resolve) => {
        const times: number[] = [];
        const began = performance.now();
        const frame = (now: number) => {
          times.push(now);
          if (now - began < 6_000) requestAnimationFrame(frame);
          else resolve(times.slice(1).map((time, at) => time - (times[at] as number)));
        };
        requestAnimationFrame(frame);
      }),
  );
  for (let at = 0; at < 10; at++) await page.keyboard.press('+');
  for (let at = 0; at < 10; at++) await page.keyboard.press('ArrowLeft');
  const { x, y, width, height } = await box(canvas(page, CPU));
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  for (let at = 0; at < 40; at++) await page.mouse.move(x + width / 2 + at * 4, y + height / 2);
  await page.mouse.up();
  for (let at = 0; at < 10; at++) await page.keyboard.press('-');
  const took = (await frames).sort((a, b) => a - b);
  const share = (of: number) => took[Math.floor((took.length - 1) * of)]?.toFixed(1);
  process.stdout.write(
    `five years, four charts, zoomed and moved for 6 s: ${took.length} frames, median ${share(0.5)} ms, 95 % ${share(0.95)} ms, longest ${share(1)} ms\n`,
  );
  await drawn(page, CPU);
});

test('the time is moved and zoomed by mouse and keys, and goes back', async ({ open }) => {
  const page = await open(DASHBOARD);
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[5] as string });
  await drawn(page, CPU);
  const pressed = () => button(page, words.live).getAttribute('aria-pressed');
  expect(await pressed()).toBe('true');
  const over = canvas(page, CPU);
  await over.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await box(over);
  const middle = { x: x + width / 2, y: y + height / 2 };
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.down();
  await page.mouse.move(middle.x + width / 4, middle.y, { steps: 8 });
  await page.mouse.up();
  await until(pressed, 'false', 'dragged into the past');
  const dragged = await range(page);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -300);
  await page.keyboard.up('Control');
  await expect.poll(() => range(page), { timeout: PATIENCE_MS }).not.toBe(dragged);
  expect(await page.getByLabel(words.range).inputValue()).toBe(String(12 * 3_600_000));
  await page.waitForTimeout(1_100); // moves that follow at once are one
  const zoomed = await range(page);
  await area(page, CPU).focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => range(page), { timeout: PATIENCE_MS }).not.toBe(zoomed);
  await over.dblclick({ position: { x: 100, y: 50 } });
  await until(() => range(page), zoomed, 'a double click goes back');
  expect(await page.getByRole('dialog').count(), 'details after a double click').toBe(0);
  await page.keyboard.press('Home');
  await until(pressed, 'true', 'Home follows the time');
  // A wheel alone scrolls the page.
  const before = await page.evaluate(() => scrollY);
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.wheel(0, -200);
  await expect.poll(() => page.evaluate(() => scrollY), { timeout: PATIENCE_MS }).toBeLessThan(before);
});

test('a chart that goes on with the time is read out when somebody comes to it', async ({ open }) => {
  const page = await open(DASHBOARD);
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[0] as string });
  await drawn(page, CPU);
  const name = () => area(page, CPU).getAttribute('aria-label');
  await expect.poll(name, { timeout: PATIENCE_MS }).toContain('CPU: last');
  const first = await name();
  for (let ticks = 0; ticks < 2; ticks++) {
    const before = await range(page);
    await expect.poll(() => range(page), { timeout: PATIENCE_MS }).not.toBe(before);
    expect(await name(), 'while nobody does anything').toBe(first);
  }
  await area(page, CPU).focus();
  await expect.poll(name, { timeout: PATIENCE_MS }).not.toBe(first);
});

test('what cannot be loaded is said where it is missing, and the rest is there', async ({ open, guard }) => {
  guard.expect(/ERR_FAILED|status of 503|answer 503|dynamically imported module/);
  const page = await open(DASHBOARD, {
    before: async (page) => {
      await page.route(/\/assets\/uPlot.*\.js/, (route) => route.abort());
      await page.route(/\/monitoring\/processes/, (route) =>
        route.fulfill({
          status: 503,
          contentType: 'application/problem+json',
          body: '{"detail":"Not now."}',
        }),
      );
      await page.route(/\/monitoring\/events/, async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...(await response.json()), complete: false } });
      });
    },
  });
  await live(page);
  const alert = chart(page, CPU).getByRole('alert');
  await alert.getByText(messages.errors.pageFailed).waitFor();
  await page.unroute(/\/assets\/uPlot.*\.js/);
  await alert.getByRole('button', { name: messages.errors.tryAgain }).click();
  await drawn(page, CPU);
  await page.getByRole('main').getByText(beyond.moreHappened).waitFor();
  await area(page, CPU).press('Enter');
  const dialog = page.getByRole('dialog', { name: /^What happened at / });
  await dialog.getByRole('rowheader', { name: 'CPU' }).waitFor();
  await dialog.getByRole('alert').getByText('Not now.').waitFor();
  await dialog.getByText(beyond.moreHappened).waitFor();
  await audit(page, 'what happened, in part');
});

test('one cursor on all charts, last week beneath, and what happened then', async ({ open }) => {
  const page = await open(DASHBOARD);
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[5] as string });
  await drawn(page, CPU);
  await drawn(page, NETWORK);
  await button(page, words.compare).click();
  await area(page, CPU).focus();
  for (let at = 0; at < 3; at++) await page.keyboard.press('Shift+ArrowLeft');
  for (const title of [CPU, NETWORK]) {
    const legend = chart(page, title).locator('ul');
    await legend
      .getByText(/\d\d:\d\d/)
      .first()
      .waitFor();
    await legend
      .getByText(new RegExp(`^${words.before}`))
      .first()
      .waitFor();
  }
  const when = await chart(page, CPU).locator('ul li.muted').last().textContent();
  expect(await chart(page, NETWORK).locator('ul').textContent()).toContain(when?.trim());
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: /^What happened at / });
  await dialog.getByRole('rowheader', { name: 'CPU' }).waitFor();
  expect(await dialog.getByRole('row').count()).toBe(7);
  await audit(page, 'what happened');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  // The server was started in this minute: that is marked, in the table, too.
  await page.getByLabel(words.range).selectOption({ label: words.spans[2] as string });
  await button(page, `${CPU}: ${words.showTable}`).click();
  await chart(page, CPU).getByRole('cell', { name: 'HomeServer started' }).first().waitFor();
  await button(page, words.compare).click();
});

test('charts and cards are arranged, and stay so in every browser of a person', async ({ open }) => {
  const page = await open(DASHBOARD);
  await live(page);
  await chart(page, CPU).waitFor();
  const first = await titles(page);
  await button(page, words.add).click();
  const dialog = page.getByRole('dialog', { name: words.adding.title });
  await dialog.getByLabel(words.adding.search).fill('swap');
  await dialog.getByRole('checkbox', { name: /Swap in use/ }).check();
  await audit(page, 'add charts');
  await dialog.getByRole('button', { name: words.adding.submit(1) }).click();
  await until(() => titles(page), [...first, 'Swap in use']);
  const item = async (title: string, name: string) => {
    await button(page, words.more(title)).click();
    await page.getByRole('menuitem', { name, exact: true }).click();
  };
  await item('Swap in use', words.up);
  await item(CPU, words.down);
  await item(NETWORK, words.wide);
  await item(words.titles.activity as string, words.remove);
  const mine = [first[1], CPU, NETWORK, 'Swap in use'];
  await until(() => titles(page), mine);
  await until(() => focused(area(page, 'Swap in use')), true, 'the focus goes on to the next chart');
  await button(page, words.arrange).click();
  await audit(page, 'arranging');
  await button(page, words.cards.hide(messages.dashboard.cards.server)).click();
  const next = button(page, words.cards.hide(messages.dashboard.cards.network));
  await until(() => focused(next), true, 'the focus goes on to the next card');
  await button(page, words.cards.up(messages.dashboard.cards.network)).click();
  const myCards = ['resources', 'network', 'storage'].map(
    (one) => messages.dashboard.cards[one as 'network'],
  );
  await until(() => cards(page), myCards);
  // By the mouse, too.
  await chart(page, 'Swap in use').locator('.grip').scrollIntoViewIfNeeded();
  await chart(page, 'Swap in use').locator('.grip').dragTo(chart(page, CPU).locator('h3'));
  const dragged = [first[1], 'Swap in use', CPU, NETWORK];
  await until(() => titles(page), dragged, 'dragged');
  await until(async () => (await kept(page)).cards, ['resources', 'network', 'storage'], 'kept');
  await until(async () => (await kept(page)).charts, await shownCharts(page), 'kept');
  for (const again of [page, await open(DASHBOARD)]) {
    if (again === page) await page.reload();
    await live(again);
    await chart(again, CPU).waitFor();
    // Names come with the catalogue.
    await until(() => titles(again), dragged);
    expect(await cards(again)).toEqual(myCards);
    const wide = (await box(chart(again, NETWORK))).width / (await box(chart(again, CPU))).width;
    expect(wide).toBeGreaterThan(1.8);
  }
  await item('Swap in use', words.remove);
  await until(() => titles(page), [first[1], CPU, NETWORK]);
  await toasts(page).getByRole('button', { name: messages.toast.undo }).click();
  await until(() => titles(page), dragged, 'undone');
  await button(page, words.arrange).click();
  const server = messages.dashboard.cards.server;
  await button(page, messages.dashboard.showCard(server)).click();
  const tool = button(page, words.cards.hide(server));
  await until(() => focused(tool), true, 'the focus goes to the card');
  await button(page, words.usual).click();
  await until(() => titles(page), first);
  expect(await cards(page)).toHaveLength(4);
});

test('no more charts can be added than are kept', async ({ open }) => {
  const page = await open(DASHBOARD);
  const arrange = (charts: object[]) =>
    page.evaluate(async (charts) => {
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify({ document: { version: 1, charts } });
      return (await fetch('/api/v1/preferences/dashboard', { method: 'PUT', headers, body })).status;
    }, charts);
  const many = Array.from({ length: MOST_CHARTS - 1 }, (_, at) => ({
    id: `many${at}`,
    series: ['load_1'],
    wide: false,
  }));
  expect(await arrange(many)).toBe(200);
  await page.reload();
  await live(page);
  await until(async () => (await titles(page)).length, MOST_CHARTS - 1);
  await button(page, words.add).click();
  const dialog = page.getByRole('dialog', { name: words.adding.title });
  await dialog.getByRole('checkbox', { name: /Swap in use/ }).check();
  const submit = (count: number) => dialog.getByRole('button', { name: words.adding.submit(count) });
  expect(await submit(1).isEnabled()).toBe(true);
  await dialog.getByRole('checkbox', { name: /^Load/ }).first().check();
  await dialog.getByText(beyond.tooMany(1)).waitFor();
  expect(await submit(2).isDisabled()).toBe(true);
  await dialog.getByRole('checkbox', { name: /^Load/ }).first().uncheck();
  await submit(1).click();
  await until(async () => (await titles(page)).length, MOST_CHARTS);
  await until(() => button(page, words.add).isDisabled(), true);
  await until(async () => (await kept(page)).charts.length, MOST_CHARTS);
  expect(await arrange(usual().charts)).toBe(200);
});

test('what is shown is saved as a table and as a picture', async ({ open }) => {
  const page = await open(DASHBOARD);
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[4] as string });
  await drawn(page, NETWORK);
  const saved = async (name: string) => {
    await button(page, words.more(NETWORK)).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name, exact: true }).click(),
    ]);
    return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
  };
  const table = await saved(words.csv);
  expect(table.name).toMatch(/^Network-traffic-\d{4}-\d\d-\d\d-\d\d-\d\d\.csv$/);
  const [head = '', ...rows] = table.content.toString().trim().split('\r\n');
  const keys = ['network_received_bytes_per_second', 'network_sent_bytes_per_second'];
  expect(head).toBe(`time,${keys.flatMap((key) => [key, `${key} min`, `${key} max`]).join(',')}`);
  expect(rows.length).toBeGreaterThan(100);
  const known = rows.map((row) => row.split(',')).filter((cells) => cells[1] !== '');
  for (const [time = '', mean, low, high] of known) {
    expect(Date.parse(time)).toBeGreaterThan(Date.now() - 6.2 * 3_600_000);
    expect(Number(low)).toBeLessThanOrEqual(Number(mean) + 0.01);
    expect(Number(high)).toBeGreaterThanOrEqual(Number(mean) - 0.01);
  }
  const picture = await saved(words.png);
  expect(picture.name).toMatch(/\.png$/);
  expect(picture.content.subarray(1, 4).toString()).toBe('PNG');
  expect(picture.content.readUInt32BE(16)).toBeGreaterThan(300);
  expect(picture.content.length).toBeGreaterThan(5_000);
});

test('390 px: a finger scrolls the page over a chart, and moves in time sideways', async ({ open }) => {
  const page = await open(DASHBOARD, PHONE);
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[5] as string });
  await drawn(page, CPU);
  await canvas(page, CPU).scrollIntoViewIfNeeded();
  const cdp = await page.context().newCDPSession(page);
  const swipe = async (dx: number, dy: number) => {
    const { x, y, width, height } = await box(canvas(page, CPU));
    const at = (share: number) => [{ x: x + width / 2 + dx * share, y: y + height / 2 + dy * share }];
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0) });
    for (let share = 0.1; share <= 1.01; share += 0.1)
      await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(share) });
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  const scrolled = () => page.evaluate(() => scrollY);
  const before = await scrolled();
  await swipe(0, -120);
  await expect.poll(scrolled, { timeout: PATIENCE_MS }).toBeGreaterThan(before + 60);
  expect(await button(page, words.live).getAttribute('aria-pressed')).toBe('true');
  const there = await atRest(page);
  await swipe(120, 0);
  await until(() => button(page, words.live).getAttribute('aria-pressed'), 'false', 'moved in time');
  expect(await scrolled()).toBe(there);
  await audit(page, '390 px');
});

test('where WebSockets are blocked the charts follow events', async ({ open, guard }) => {
  guard.expect(/WebSocket connection/);
  const page = await open(DASHBOARD, {
    before: (page) => page.routeWebSocket(/\/monitoring\/live/, (socket) => void socket.close()),
  });
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[0] as string });
  const uptime = page
    .getByRole('region', { name: messages.dashboard.server.title, exact: true })
    .locator('dd')
    .first();
  const first = await uptime.textContent();
  await expect.poll(() => uptime.textContent(), { timeout: PATIENCE_MS }).not.toBe(first);
  expect(await page.locator('header').getByText(messages.connection.live).count()).toBe(1);
});

test('what was missed while the connection was cut is there afterwards', async ({ open, wire, guard }) => {
  guard.expect(
    /WebSocket connection|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|ERR_CONNECTION_CLOSED/,
  );
  const asked: string[] = [];
  const page = await open(DASHBOARD, {
    base: wire.url,
    before: async (page) => {
      page.on('websocket', (socket) => asked.push(socket.url()));
    },
  });
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[0] as string });
  await page.waitForTimeout(3_000);
  const from = Date.now();
  await wire.cut(6_000);
  const to = Date.now();
  await until(() => asked.length > 1, true, 'it came back');
  await live(page);
  expect(asked.at(-1)).toMatch(/since=\d{13}/);
  // What the server itself measured in that time: a machine with much else to do may leave out a tick.
  const measured = await page.evaluate(
    async ([from, to]) => {
      const query = new URLSearchParams({ metrics: 'cpu_percent', from, to, points: '60' });
      const answer = await (await fetch(`/api/v1/monitoring/history?${query}`)).json();
      return (answer.series[0].mean as (number | null)[]).flatMap((value, at) =>
        value === null ? [] : [Date.parse(answer.from) + at * answer.step_seconds * 1000],
      );
    },
    [from, to].map((time) => new Date(time).toISOString()) as [string, string],
  );
  expect(measured.length).toBeGreaterThan(1);
  const minutes = (time: string) => time.slice(-5);
  const rows = async () => {
    const table = button(page, `${CPU}: ${words.showTable}`);
    await table.click();
    const times = await chart(page, CPU).getByRole('rowheader').allTextContents();
    await table.click();
    return times.map(minutes);
  };
  const wanted = measured.map((time) => minutes(new Date(time).toISOString().slice(0, 19)));
  await expect.poll(rows, { timeout: PATIENCE_MS }).toEqual(expect.arrayContaining(wanted));
});
