// Drives the dashboard of a running HomeServer in a real Chromium, under the server's own CSP, and fails on any
// console error, accessibility violation or sideways scrolling.
//   npm run browser -- http://127.0.0.1:8000 [folder for pictures] [API key]
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [base = 'http://127.0.0.1:8000', pictures = '', key = ''] = process.argv.slice(2);
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const failures = [];
const LOOKS = [
  { name: 'dark 1440', width: 1440, height: 900, colorScheme: 'dark' },
  { name: 'light 1440', width: 1440, height: 900, colorScheme: 'light' },
  { name: 'dark 390', width: 390, height: 844, colorScheme: 'dark', touch: true },
  { name: 'light 390', width: 390, height: 844, colorScheme: 'light', touch: true },
  { name: 'dark 320', width: 320, height: 640, colorScheme: 'dark', touch: true },
  { name: 'zoom 200 %', width: 640, height: 400, colorScheme: 'light', scale: 2 },
  { name: 'high contrast', width: 1024, height: 768, colorScheme: 'dark', forcedColors: 'active' },
  { name: 'less motion', width: 1024, height: 768, colorScheme: 'dark', reducedMotion: 'reduce' },
];

function expect(what, good) {
  if (!good) failures.push(what);
}

async function audit(page, what) {
  // addScriptTag would be stopped by the CSP, as it should be; evaluate is the debugger's own door.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }),
  );
  for (const one of violations) {
    failures.push(
      `${what}: ${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`,
    );
  }
}

async function open(browser, look) {
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.height },
    colorScheme: look.colorScheme,
    forcedColors: look.forcedColors ?? 'none',
    reducedMotion: look.reducedMotion ?? 'no-preference',
    hasTouch: look.touch ?? false,
    deviceScaleFactor: look.scale ?? 1,
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      failures.push(`${look.name}: console: ${message.text()}`);
  });
  page.on('pageerror', (error) => failures.push(`${look.name}: ${error.message}`));
  if (key) await context.request.post(`${base}/api/v1/session`, { data: { api_key: key } });
  await page.goto(`${base}/static/dashboard.html`);
  return { context, page };
}

async function look(browser, one) {
  const { context, page } = await open(browser, one);
  await page.locator('[role=meter]').first().waitFor();
  await page.locator('canvas').nth(3).waitFor();
  await page.locator('.pill.live').waitFor();
  expect(`${one.name}: title`, (await page.title()) === 'HomeServer Dashboard');
  expect(`${one.name}: one h1`, (await page.locator('h1').count()) === 1);
  for (const title of ['System Resources', 'File Storage', 'Server Information', 'Network']) {
    expect(`${one.name}: ${title}`, (await page.getByRole('heading', { name: title }).count()) > 0);
  }
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(`${one.name}: scrolls sideways by ${sideways} px`, sideways <= 0);
  await audit(page, one.name);
  if (pictures)
    await page.screenshot({ path: `${pictures}/${one.name.replaceAll(' ', '-')}.png`, fullPage: true });
  await context.close();
}

async function use(browser) {
  const { context, page } = await open(browser, LOOKS[0]);
  await page.locator('.pill.live').waitFor();
  await page.getByRole('radio', { name: '15 min' }).check();
  expect(
    'range: the charts say it',
    (await page.getByRole('img', { name: /^CPU over the last 15 min/ }).count()) === 1,
  );
  await page.getByRole('button', { name: 'CPU: Show as table' }).click();
  await page.getByRole('table').waitFor();
  await audit(page, 'table open');
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await audit(page, 'help open');
  await page.keyboard.press('Escape');
  const theme = page.getByRole('button', { name: 'Theme' });
  await theme.click();
  await audit(page, 'menu open');
  await page.getByRole('menuitemradio', { name: 'Light' }).click();
  expect('theme: light', (await page.locator('html').getAttribute('data-theme')) === 'light');
  expect('theme: focus returns', await theme.evaluate((button) => button === document.activeElement));
  await page.reload();
  expect('theme: kept', (await page.locator('html').getAttribute('data-theme')) === 'light');
  await context.setOffline(true);
  await context.close();
}

if (pictures) mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS.split(' ') });
try {
  for (const one of LOOKS) await look(browser, one);
  await use(browser);
} catch (error) {
  failures.push(error.message);
} finally {
  await browser.close();
}
for (const failure of failures) console.error(failure);
console.log(failures.length === 0 ? 'the dashboard is well' : `${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);
