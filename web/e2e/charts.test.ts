/** The charts: five years of figures, zoomed, moved and taken along. */
import { readFileSync } from 'node:fs';
import { messages } from '../src/messages/en';
import { charts as words } from '../src/messages/en.charts';
import {
  area,
  atRest,
  box,
  button,
  CPU,
  canvas,
  chart,
  drawn,
  fillYears,
  live,
  NETWORK,
  open5,
  PHONE,
  range,
} from './charts';
import { audit } from './harness/audit';
import { DASHBOARD, expect, PATIENCE_MS, test, until } from './harness/test';

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

test('two fingers zoom about what lies between them', async ({ open }) => {
  const page = await open(DASHBOARD, PHONE);
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[5] as string });
  await drawn(page, CPU);
  await canvas(page, CPU).scrollIntoViewIfNeeded();
  const cdp = await page.context().newCDPSession(page);
  const { x, y, width, height } = await box(canvas(page, CPU));
  const pinch = async (from: number, to: number) => {
    const fingers = (apart: number) =>
      [-1, 1].map((side, id) => ({ id, x: x + width / 2 + (side * apart * width) / 2, y: y + height / 2 }));
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(from) });
    for (let step = 1; step <= 10; step++)
      await cdp.send('Input.dispatchTouchEvent', {
        type: 'touchMove',
        touchPoints: fingers(from + ((to - from) * step) / 10),
      });
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  const span = async () => Number(await page.getByLabel(words.range).inputValue());
  const day = await span();
  await pinch(0.2, 0.8);
  await expect.poll(span, { timeout: PATIENCE_MS }).toBeLessThan(day / 2);
  const closer = await span();
  expect(closer).toBeGreaterThan(day / 8);
  // The middle stays where it is: half a day ago.
  expect(await button(page, words.live).getAttribute('aria-pressed')).toBe('false');
  expect(await page.evaluate(() => visualViewport?.scale), 'the page itself').toBe(1);
  await pinch(0.8, 0.2);
  await expect.poll(span, { timeout: PATIENCE_MS }).toBeGreaterThan(closer * 2);
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
