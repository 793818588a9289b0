/** The charts among each other: arranged, read out, and what is said where one is missing. */
import { MOST_CHARTS, usual } from '../src/lib/arrangement';
import { messages } from '../src/messages/en';
import { charts as words } from '../src/messages/en.charts';
import { words as beyond } from '../src/pages/dashboard/words';
import {
  area,
  box,
  button,
  CPU,
  cards,
  chart,
  focused,
  kept,
  live,
  NETWORK,
  range,
  shownCharts,
  titles,
} from './charts';
import { audit } from './harness/audit';
import { toasts } from './harness/files';
import { DASHBOARD, expect, PATIENCE_MS, test, until } from './harness/test';

test('a chart that goes on with the time is read out when somebody comes to it', async ({ open }) => {
  const page = await open(DASHBOARD);
  await live(page);
  await page.getByLabel(words.range).selectOption({ label: words.spans[0] as string });
  const name = () => area(page, CPU).getAttribute('aria-label');
  await expect.poll(name, { timeout: PATIENCE_MS }).toContain('CPU: last');
  let first = await name();
  const steady = async () => {
    first = await name();
    for (let ticks = 0; ticks < 2; ticks++) {
      const before = await range(page);
      await expect.poll(() => range(page), { timeout: PATIENCE_MS }).not.toBe(before);
    }
    return (await name()) === first;
  };
  // Once all of it is loaded.
  await expect.poll(steady, { timeout: 2 * PATIENCE_MS, message: 'while nobody does anything' }).toBe(true);
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
  await chart(page, CPU).locator('canvas').waitFor();
  await page.getByRole('main').getByText(beyond.moreHappened).waitFor();
  await area(page, CPU).press('Enter');
  const dialog = page.getByRole('dialog', { name: /^What happened at / });
  await dialog.getByRole('rowheader', { name: 'CPU' }).waitFor();
  await dialog.getByRole('alert').getByText('Not now.').waitFor();
  await dialog.getByText(beyond.moreHappened).waitFor();
  await audit(page, 'what happened, in part');
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
