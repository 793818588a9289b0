/** Looks for barriers with axe-core, and for anything wider than the window. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function audit(page: Page, what: string): Promise<void> {
  // A half faded-in dialog has half its contrast; what pulses for ever is not waited for.
  await page.evaluate(() => {
    const ending = document
      .getAnimations()
      .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    return Promise.all(ending.map((one) => one.finished.catch(() => {})));
  });
  // A script tag would be stopped by the page's policy, as it should; this is the debugger's own door.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const runner = (globalThis as unknown as { axe: { run: (...args: unknown[]) => Promise<AxeResults> } })
      .axe;
    const { violations } = await runner.run(document, { resultTypes: ['violations'] });
    return violations.flatMap((one) =>
      one.nodes.map((node) => `${one.id}: ${node.target.join(' ')}: ${node.failureSummary}`),
    );
  });
  expect.soft(violations, `axe: ${what}`).toEqual([]);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(wide, `pixels to scroll sideways: ${what}`).toBeLessThanOrEqual(0);
}
