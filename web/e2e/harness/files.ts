/** Where things are on the page of files. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { messages } from '../../src/messages/en';

const words = messages.files;

export const rows = (page: Page) => page.locator('[role=row].file');
export const row = (page: Page, name: string) =>
  rows(page).filter({ has: page.locator('.name', { hasText: new RegExp(`^\\s*${literal(name)}\\s*$`) }) });
export const panel = (page: Page) => page.locator('section.panel');
export const upload = (page: Page, name: string) => panel(page).locator('li').filter({ hasText: name });
export const count = (page: Page) => page.locator('main header [role=status]');
export const toolbar = (page: Page) => page.getByRole('toolbar', { name: words.actions.menu });
export const toasts = (page: Page) => page.getByRole('region', { name: messages.toast.region });
export const picker = (page: Page) => page.locator('input[type=file][multiple]:not([webkitdirectory])');
export const folderPicker = (page: Page) => page.locator('input[webkitdirectory]');
export const crumbs = (page: Page) => page.getByRole('navigation', { name: words.crumbs.label });
export const places = (page: Page) => page.getByRole('navigation', { name: words.places.label });
export const grid = (page: Page) => page.getByRole('grid', { name: words.list });

/** What acts on files is fetched once the first rows are there: whoever takes the server away waits for it. */
export const ready = (page: Page) => page.locator('[popover].menu').waitFor({ state: 'attached' });

export async function names(page: Page): Promise<string[]> {
  return (await rows(page).locator('.name').allTextContents()).map((name) => name.trim());
}

/** Selects a row by the cell of its check box, all of which can be hit. */
export async function check(row: Locator, options?: Parameters<Locator['click']>[0]): Promise<void> {
  await row.locator('.check').click(options);
}

/** Sets the tags that the next uploads get. */
export async function tagUploads(page: Page, ...tags: string[]): Promise<void> {
  const disclose = page.getByRole('button', { name: words.upload.tags, expanded: false });
  // On a phone the field waits behind this button; elsewhere there is none.
  if (await disclose.isVisible()) await disclose.click();
  const field = page.getByRole('textbox', { name: words.upload.tags });
  await field.fill(tags.join(', '));
  await field.press('Enter');
}

/** A pattern that matches just this text. */
function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Writes files into a folder and gives their contents by name. */
export function writeFolder(
  folder: string,
  files: readonly { path: string; bytes: number }[],
): Map<string, Buffer> {
  const contents = new Map<string, Buffer>();
  for (const { path, bytes } of files) {
    const content = randomBytes(bytes);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    contents.set(path.split('/').at(-1) ?? path, content);
  }
  return contents;
}
