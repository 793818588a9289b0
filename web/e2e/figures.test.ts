/** The numbers on the cards: where each comes from, and both views where HomeServer may not take all there is. */
import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { machine } from '../src/messages/en.machine';
import { audit } from './harness/audit';
import { DASHBOARD, expect, PATIENCE_MS, test } from './harness/test';

const words = messages.dashboard;
const card = (page: Page, title: string) => page.getByRole('region', { name: title, exact: true });
const live = (page: Page) => page.locator('header').getByText(messages.connection.live).waitFor();
const meter = (page: Page, name: string) =>
  page.locator('.meter').filter({ has: page.getByRole('meter', { name, exact: true }) });

test('a number that is clicked tells its formula, its source and what the system told', async ({ open }) => {
  const page = await open(DASHBOARD);
  await live(page);
  for (const [title, label, source, raw] of [
    [words.resources.title, words.resources.cpu, '/proc/stat', 'First line of /proc/stat'],
    [words.resources.title, words.resources.memory, '/proc/meminfo', 'node_memory_MemAvailable_bytes'],
    [words.resources.title, words.resources.disk, 'statfs(2)', 'node_filesystem_avail_bytes'],
    [words.server.title, words.server.free, 'statfs(2)', 'node_filesystem_avail_bytes'],
    [words.server.title, words.server.memory, '/proc/meminfo', 'node_memory_MemTotal_bytes'],
    [words.server.title, words.server.load, '/proc/loadavg', 'node_load15'],
    [words.network.title, words.network.received, '/proc/net/dev', 'node_network_receive_bytes_total'],
    [words.network.title, words.network.sent, '/proc/net/dev', 'node_network_transmit_bytes_total'],
  ] as const) {
    const number = card(page, title).locator(`button[aria-label^="${label}, "]`);
    await number.click();
    const dialog = page.getByRole('dialog', { name: machine.explain.title(label) });
    await dialog.getByText(machine.explain.formula, { exact: true }).first().waitFor();
    expect(await dialog.locator('code').first().textContent(), label).toContain(source);
    await dialog.getByRole('rowheader').filter({ hasText: raw }).first().waitFor();
    if (label === words.server.load) expect(await dialog.getByRole('heading', { level: 3 }).count()).toBe(3);
    if (label === words.network.received) await audit(page, 'where a number comes from');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(
      await number.evaluate((element) => element === document.activeElement),
      `${label}: the focus`,
    ).toBe(true);
  }
});

test('where HomeServer may not take all there is, both views are shown', async ({ server, open }) => {
  const frame = await server.api.dashboard();
  const limits = {
    cgroup_cpu_percent: 25,
    cgroup_memory_percent: 93.8,
    cgroup_memory_used_bytes: 15 * 2 ** 26,
    cgroup_memory_limit_bytes: 2 ** 30,
  };
  const feed = (page: Page, series: string[], values: number[]) =>
    page.routeWebSocket(/\/monitoring\/live/, (socket) => {
      const described = series.map((key) => ({
        key,
        metric: key,
        instance: '',
        title: '',
        unit: '',
        scale: 1,
      }));
      socket.send(
        JSON.stringify({ schema: { version: 1, interval_ms: 2000, series: described }, complete: true }),
      );
      socket.send(JSON.stringify([Date.now(), ...values]));
      socket.send(JSON.stringify({ dashboard: frame }));
    });
  const page = await open(DASHBOARD, {
    before: (page) => feed(page, Object.keys(limits), Object.values(limits)),
  });
  await live(page);
  const { cpu, memory, disk, ownCPU, ownMemory } = words.resources;
  await meter(page, ownMemory).getByText(words.resources.ownOf('960 MB', '1 GB')).waitFor();
  await meter(page, ownMemory).getByText(messages.meter.high).waitFor();
  expect(await meter(page, ownCPU).locator('.value').textContent()).toBe('25.0%');
  const names = () =>
    page.getByRole('meter').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
  expect(await names(), 'the machine first').toEqual([cpu, memory, disk, ownCPU, ownMemory]);
  await audit(page, 'both views');
  await page.setViewportSize({ width: 390, height: 844 });
  // The charts follow the page's width a frame later.
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  await expect.poll(width, { timeout: PATIENCE_MS }).toBeLessThanOrEqual(390);

  const free = await open(DASHBOARD, { before: (page) => feed(page, ['cpu_percent'], [5]) });
  await live(free);
  await meter(free, memory).waitFor();
  expect(await meter(free, ownMemory).count(), 'where it may take all').toBe(0);
});
