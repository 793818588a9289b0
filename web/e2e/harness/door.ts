/** The door, as a person goes through it. */
import type { Page } from 'playwright-core';
import { signin as words } from '../../src/messages/en.signin';

export const loginDialog = (page: Page) => page.getByRole('dialog', { name: words.dialog });
export const confirmDialog = (page: Page) => page.getByRole('dialog', { name: words.confirm });
/** What Chromium writes when it is asked who it is, in answers and on the live feed. */
export const ASKED = /answer 401|status of 401|WebSocket connection/;

/** Fills in name and password, on the page or in its dialog. */
export async function enterPassword(
  page: Page,
  { name, password }: { name: string; password: string },
): Promise<void> {
  await page.getByLabel(words.name, { exact: true }).fill(name);
  await page.getByLabel(words.password, { exact: true }).fill(password);
  await page.getByRole('button', { name: words.submit, exact: true }).click();
}

/** Makes the server ask once, at the next change of this address, who it is: as a session that is old is asked. */
export async function askAgain(page: Page, url: string): Promise<void> {
  let asked = false;
  await page.route(url, (route) => {
    if (asked || route.request().method() === 'GET') return route.fallback();
    asked = true;
    return route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: '{"type":"urn:homeserver:confirm","status":401,"detail":"Confirm who you are."}',
    });
  });
}
