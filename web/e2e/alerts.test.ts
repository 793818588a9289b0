/** The page of alerts: one is made, fires, is acknowledged and silenced, and is over. */
import type { Page } from 'playwright-core';
import { messages } from '../src/messages/en';
import { alerts as words } from '../src/messages/en.alerts';
import { audit } from './harness/audit';
import { BOB, signInByScript } from './harness/people';
import { BROKEN } from './harness/rules';
import type { Server } from './harness/server';
import { ALERTS, DASHBOARD, expect, FILES, type OpenOptions, test } from './harness/test';

const PHONE: OpenOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const SMALL: OpenOptions = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
const SIZES: [string, OpenOptions][] = [
  ['1440', {}],
  ['390', PHONE],
];
const SILENCES = '/api/v1/monitoring/alert-silences';
const RULES = '/api/v1/monitoring/alert-rules';

async function auditBoth(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-theme=${colorScheme}]`).waitFor({ state: 'attached' });
    await audit(page, `${what}, ${colorScheme}`);
  }
}

const card = (page: Page, title: string) => page.getByRole('article', { name: title, exact: true });
const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const dialog = (page: Page, name: string) => page.getByRole('dialog', { name });

/** Each test begins without rules and silences of the one before. */
async function clear({ api }: Server): Promise<void> {
  const { rules } = await api.json<{ rules: { id: string; default: boolean }[] }>('GET', RULES);
  for (const { id } of rules.filter((one) => !one.default)) await api.json('DELETE', `${RULES}/${id}`);
  const { silences } = await api.json<{ silences: { id: string }[] }>('GET', SILENCES);
  for (const { id } of silences) await api.json('DELETE', `${SILENCES}/${id}`);
}

for (const [size, options] of SIZES) {
  test(`${size}: an alert is made, fires, is acknowledged, silenced, and over`, async ({ server, open }) => {
    await clear(server);
    const page = await open(ALERTS, options);
    await page.getByText(words.open.none).waitFor();
    await page.getByRole('button', { name: words.rules.add }).click();
    const box = dialog(page, words.rule.newTitle);
    await box.getByLabel(words.rule.metric).selectOption('memory_percent');
    await box.getByLabel(words.rule.raise('%')).fill('lots');
    await box.getByRole('button', { name: words.save }).click();
    await box.getByText(words.rule.number).waitFor();
    await box.getByText(words.rule.nameMissing).waitFor();
    const name = `Memory is used ${size}`;
    await box.getByLabel(words.rule.name, { exact: true }).fill(name);
    await box.getByLabel(words.rule.raise('%')).fill('0,1');
    await box.getByLabel(words.rule.clear('%')).fill('0.2');
    await box.getByText(words.rule.order).waitFor();
    await box.getByLabel(words.rule.clear('%')).fill('0.05');
    await box.getByLabel(words.rule.for).fill('0');
    await box.getByLabel(words.rule.hold).fill('0');
    await box
      .getByRole('status')
      .getByText(/^Now [\d.]+%\. In the last week it would have raised 1 alert/)
      .waitFor();
    await box.getByRole('button', { name: words.save }).click();
    await box.waitFor({ state: 'hidden' });

    const alert = card(page, name);
    await alert.getByText(words.severities.warning).waitFor();
    await alert.getByText(words.open.states.firing).waitFor();
    await alert.getByRole('button', { name: words.open.acknowledgeOf(name) }).click();
    const note = dialog(page, words.acknowledge.title);
    await note.getByLabel(words.acknowledge.note).fill('More memory is ordered');
    await note.getByRole('button', { name: words.open.acknowledge, exact: true }).click();
    await alert.getByText('More memory is ordered').waitFor();
    await alert.getByText(/^Acknowledged by Ada Lovelace, /).waitFor();

    await alert.getByRole('button', { name: words.open.silenceOf(name) }).click();
    await page.getByRole('menuitem', { name: words.open.hour }).click();
    await alert.getByText(/^Silenced until /).waitFor();
    const silences = section(page, words.silences.title);
    await silences.getByText(name).waitFor();
    await silences.getByRole('button', { name: words.silences.endOf(name) }).click();
    await silences.waitFor({ state: 'detached' });

    await page.getByRole('button', { name: words.rules.edit(name) }).click();
    const change = dialog(page, words.rule.editTitle);
    await change.getByLabel(words.rule.raise('%')).fill('150');
    await change.getByLabel(words.rule.clear('%')).fill('140');
    await change.getByText(words.rule.never).waitFor();
    await change.getByRole('button', { name: words.save }).click();
    await page.getByText(words.open.none).waitFor();
    const past = section(page, words.past.title).getByRole('listitem').filter({ hasText: name });
    await past.getByText(/lasted .* worst .*“More memory is ordered”/).waitFor();

    const row = page
      .getByRole('listitem')
      .filter({ hasText: name })
      .filter({ has: page.getByRole('switch') });
    await row.getByRole('button', { name: `${name}: ${words.rules.delete}` }).click();
    await page.getByRole('menuitem', { name: words.rules.delete }).click();
    await dialog(page, words.rules.deleteTitle).getByRole('button', { name: words.rules.delete }).click();
    await row.waitFor({ state: 'detached' });
  });

  test(`${size}: alerts without barriers, in both themes`, async ({ server, open }) => {
    await clear(server);
    const page = await open(ALERTS, options);
    await page.getByText(words.open.none).waitFor();
    await page.getByRole('switch', { name: words.rules.on('Memory nearly full') }).waitFor();
    await page.getByRole('button', { name: words.rules.add }).click();
    const box = dialog(page, words.rule.newTitle);
    await box.getByRole('button', { name: words.save }).click();
    await box.getByText(words.rule.nameMissing).waitFor();
    await auditBoth(page, 'a rule that cannot be');
    await page.keyboard.press('Escape');
    await server.api.json('POST', RULES, BROKEN);
    const alert = card(page, BROKEN.name);
    await alert.getByText(words.severities.critical).waitFor();
    await auditBoth(page, 'an alert is open');
    await alert.getByRole('button', { name: words.open.silenceOf(BROKEN.name) }).click();
    await page.getByRole('menuitem', { name: words.open.until }).click();
    const pause = dialog(page, words.silence.title);
    await pause.getByLabel(words.silence.until).fill('2020-01-01T00:00');
    await pause.getByRole('button', { name: words.open.silence, exact: true }).click();
    await pause.getByText(words.silence.wrong).waitFor();
    await auditBoth(page, 'a silence that cannot be');
  });

  test(`${size}: what was acknowledged and silenced, and the dashboard`, async ({ server, open }) => {
    await clear(server);
    await server.api.json('POST', RULES, BROKEN);
    const page = await open(ALERTS, options);
    const alert = card(page, BROKEN.name);
    await alert.getByRole('button', { name: words.open.acknowledgeOf(BROKEN.name) }).click();
    await audit(page, 'acknowledging');
    await page.getByLabel(words.acknowledge.note).press('Enter');
    await alert.getByText(/^Acknowledged by /).waitFor();
    await alert.getByRole('button', { name: words.open.silenceOf(BROKEN.name) }).click();
    await page.getByRole('menuitem', { name: words.open.day }).click();
    await section(page, words.silences.title).waitFor();
    await auditBoth(page, 'silenced');
    const dashboard = await open(DASHBOARD, options);
    await dashboard.getByRole('link', { name: messages.shell.alertsBanner(1) }).waitFor();
    await audit(dashboard, 'dashboard with an alert');
    await dashboard.getByRole('link', { name: messages.shell.alertsBanner(1) }).click();
    await card(dashboard, BROKEN.name).waitFor();
  });
}

test('a default is switched off, changed, and as it came again', async ({ server, open }) => {
  const page = await open(ALERTS);
  const name = 'Memory nearly full';
  const box = page.getByRole('switch', { name: words.rules.on(name) });
  await box.waitFor();
  // By the keyboard alone.
  await box.focus();
  await page.keyboard.press('Space');
  await page.getByText(words.rules.switched(name, false)).waitFor();
  expect(await box.isChecked()).toBe(false);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const change = dialog(page, words.rule.editTitle);
  await change.getByLabel(words.rule.raise('%')).fill('97');
  await page.keyboard.press('Enter');
  await change.waitFor({ state: 'hidden' });
  const row = page.getByRole('listitem').filter({ hasText: name });
  await row.getByText(words.rules.changed).waitFor();
  const stored = async () =>
    (
      await server.api.json<{ rules: { id: string; raise: number; enabled: boolean }[] }>('GET', RULES)
    ).rules.find(({ id }) => id === 'memory-full');
  expect(await stored()).toMatchObject({ raise: 97, enabled: false });
  await row.getByRole('button', { name: `${name}: ${words.rules.reset}` }).click();
  await page.getByRole('menuitem', { name: words.rules.reset }).click();
  await row.getByText(words.rules.changed).waitFor({ state: 'detached' });
  expect(await stored()).toMatchObject({ raise: 95, enabled: true });
});

test('with the server gone the page says since when nothing is known', async ({ server, open, guard }) => {
  guard.expect(
    /ERR_CONNECTION|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|WebSocket|EventSource|preload assets/,
  );
  await clear(server);
  const page = await open(ALERTS);
  const shown = section(page, words.open.title);
  await shown.getByText(words.open.none).waitFor();
  await section(page, words.rules.title).getByRole('switch').first().waitFor();
  await server.kill();
  for (const name of [words.open.title, words.rules.title, words.past.title])
    await section(page, name)
      .getByText(/^as of \d/)
      .waitFor();
  await auditBoth(page, 'the server is gone');
  await server.start();
  await shown.getByRole('button', { name: messages.errors.tryAgain }).click();
  await shown.getByText(/^as of /).waitFor({ state: 'detached' });
});

test('a trend is made for a disk', async ({ server, open }) => {
  const page = await open(ALERTS);
  await page.getByRole('button', { name: words.rules.add }).click();
  const box = dialog(page, words.rule.newTitle);
  await box.getByLabel(words.rule.name, { exact: true }).fill('Full within a day');
  await box.getByLabel(words.rule.metric).selectOption('disk_percent');
  await box.getByLabel(words.rule.condition, { exact: true }).selectOption('trend');
  await box.getByLabel(words.rule.raise('h')).fill('24');
  await box.getByLabel(words.rule.clear('h')).fill('48');
  await auditBoth(page, 'a trend');
  await box.getByRole('button', { name: words.save }).click();
  await box.waitFor({ state: 'hidden' });
  const { rules } = await server.api.json<{ rules: Record<string, unknown>[] }>('GET', RULES);
  expect(rules.find(({ name }) => name === 'Full within a day')).toMatchObject({
    condition: 'trend',
    raise: 86_400,
    clear: 172_800,
    limit: 100,
    window_seconds: 86_400,
  });
});

test('members see alerts and change nothing; guests see none; 320 px fit', async ({ server, open }) => {
  await clear(server);
  await server.api.addPerson(BOB);
  await server.api.json('POST', RULES, BROKEN);
  const bob = await open(ALERTS, { ...SMALL, as: await signInByScript(server.url, BOB) });
  await card(bob, BROKEN.name).getByText(words.severities.critical).waitFor();
  expect(await bob.getByRole('button', { name: words.open.acknowledgeOf(BROKEN.name) }).count()).toBe(0);
  expect(await bob.getByRole('switch').count()).toBe(0);
  await audit(bob, 'a member, 320 px');
  const more = bob.getByRole('navigation').getByRole('button', { name: messages.shell.more });
  await more.click();
  await bob.getByRole('menuitem', { name: messages.shell.alertsOpen(messages.shell.alerts, 1) }).waitFor();
  await audit(bob, 'the menu with a number');
  const guest = { ...BOB, name: 'gus', display_name: 'Gus', role: 'guest' } as const;
  await server.api.addPerson(guest);
  const page = await open(ALERTS, { as: await signInByScript(server.url, guest) });
  await page.getByText(messages.errors.notForGuests).waitFor();
  const files = await open(FILES);
  await files.getByRole('navigation').getByText(messages.shell.openOnly(1)).waitFor({ state: 'attached' });
});
