/** The `test` of this folder: a browser for each worker, a server for each file, pages that are watched for each test. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { test as base, expect, inject } from 'vitest';
import { launch } from './browser';
import { Guard } from './guard';
import { cookiesOf, type SignedIn } from './people';
import { Server } from './server';
import { Wire } from './wire';

export {
  ACCOUNT,
  ALERTS,
  ALL_FILES,
  AUDIT,
  DASHBOARD,
  FILES,
  LOGIN,
  SETTINGS,
  SETUP,
  USERS,
} from './browser';
export { expect, inject };

/** How long a page may take to show what it should: generous, for a machine with other things to do. */
export const PATIENCE_MS = 15_000;

/** Where to put pictures of pages whose test failed. */
const PICTURES = process.env.HOMESERVER_PICTURES;

export type OpenOptions = BrowserContextOptions & {
  /** Another address than the server's own: that of a wire. */
  base?: string;
  /** Who is signed in: Ada unless somebody else, or nobody (null), is named. */
  as?: SignedIn | null;
  /** Runs before the page loads. */
  before?: (page: Page) => Promise<void>;
};

type Fixtures = {
  browser: Browser;
  /** API_KEY of the server; without one it has an administrator, Ada, who is signed in on every page. */
  key: string;
  /** The server still has to be set up. */
  fresh: boolean;
  /** Further settings of the server. */
  env: Record<string, string>;
  server: Server;
  guard: Guard;
  /** Opens a page in a context of its own, which ends with the test. */
  open: (path: string, options?: OpenOptions) => Promise<Page>;
  wire: Wire;
};

/** The browser of this worker, whichever `test` of its files asks first: Vitest has a worker's fixture for each of those. */
let launched: Promise<Browser> | undefined;

export async function openPage(
  browser: Browser,
  guard: Guard,
  url: string,
  { before, ...options }: Omit<OpenOptions, 'base' | 'as'> = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  await guard.watch(context, new URL(url).origin);
  const page = await context.newPage();
  await before?.(page);
  await page.goto(url);
  return page;
}

function picture(page: Page, name: string): Promise<unknown> {
  return page.screenshot({ path: `${PICTURES}/${name.replaceAll(/[^a-z0-9]+/gi, '-')}.png` });
}

export const test = base.extend<Fixtures>({
  browser: [
    // biome-ignore lint/correctness/noEmptyPattern: the form that Vitest reads
    async ({}, use) => {
      launched ??= launch();
      const browser = await launched;
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
  key: ['', { scope: 'file' }],
  fresh: [false, { scope: 'file' }],
  env: [{}, { scope: 'file' }],
  server: [
    async ({ key, fresh, env }, use) => {
      const options = { binary: inject('binary'), fresh, env };
      const server = await Server.start(key === '' ? options : { ...options, key });
      await use(server);
      await server.remove();
    },
    { scope: 'file' },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: the form that Vitest reads
  guard: async ({}, use) => {
    const guard = new Guard();
    await use(guard);
    expect(guard.take(), 'errors in the browser').toEqual([]);
  },
  // The wire outlives the pages, whose last requests would else fail.
  open: async ({ browser, server, wire: _wire, guard, task }, use) => {
    const pages: Page[] = [];
    await use(async (path, { base: address = server.url, as = server.session, ...options } = {}) => {
      const cookies = as ? cookiesOf(as, new URL(address).hostname) : [];
      const storageState = { cookies, origins: [] };
      const page = await openPage(browser, guard, address + path, { storageState, ...options });
      pages.push(page);
      return page;
    });
    if (PICTURES && task.result?.errors?.length)
      await Promise.all(pages.map((page, at) => picture(page, `${task.name} ${at}`)));
    for (const page of pages) await page.context().close();
  },
  wire: async ({ server }, use) => {
    const wire = await Wire.start(server.port);
    await use(wire);
    await wire.stop();
  },
});

/** Waits until `read` gives `want`. */
export async function until<T>(read: () => T | Promise<T>, want: T, message?: string): Promise<void> {
  await expect.poll(read, { timeout: PATIENCE_MS, interval: 50, message: message ?? '' }).toEqual(want);
}

/** Longer than a page waits before it asks for what follows from what came: for tags 0.6 s after the list. */
const REST_MS = 1_000;

/** Waits until a page has fetched nothing for a while: what it loads later is there, and what it asks by itself is answered. */
export async function atRest(page: Page): Promise<void> {
  let before = -1;
  const still = async () => {
    const now = await page.evaluate(() => performance.getEntriesByType('resource').length);
    const same = now === before;
    before = now;
    return same;
  };
  await expect.poll(still, { timeout: PATIENCE_MS, interval: REST_MS }).toBe(true);
}
