/** Pictures of the real program: one for the README, and on request one of every state, to be looked at. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { messages } from '../src/messages/en';
import { charts } from '../src/messages/en.charts';
import { buildBinary } from './harness/binary';
import { DASHBOARD, FILES, launch } from './harness/browser';
import { row } from './harness/files';
import { moveIn } from './harness/household';
import { Server } from './harness/server';
import { live, open, pictures, picturesOfNothing } from './pictures';

const README_PICTURE = fileURLToPath(new URL('../../doc/screenshot.png', import.meta.url));
/** What a README may weigh. */
const MAX_README_BYTES = 400_000;
/** Long enough for lines in the charts. */
const HISTORY_MS = 40_000;
/** Between the two pages in the picture. */
const GAP_PX = 24;
const words = messages.files;

export async function takeScreenshots(folder?: string): Promise<void> {
  const binary = buildBinary();
  const server = await Server.start({ binary: binary.path });
  const browser = await launch();
  try {
    if (folder) await picturesOfNothing(browser, server, folder);
    await moveIn(server.api);
    await care(server);
    await busy(server, HISTORY_MS);
    await readmePicture(browser, server);
    if (folder) await pictures(browser, server, folder);
  } finally {
    await browser.close();
    await server.remove();
    binary.remove();
  }
}

/** A household that is looked after: all content read once, and a backup. */
async function care({ api, folder }: Server): Promise<void> {
  const directory = join(folder, 'backups');
  await api.json('PUT', '/api/v1/files/backups/schedule', { directory, every_hours: 24, keep: 7 });
  await api.json('POST', '/api/v1/files/backups/run');
  await api.json('POST', '/api/v1/files/integrity/scrub');
}

/** Reads and lists for a while, so that the charts have something to tell. */
async function busy(server: Server, milliseconds: number): Promise<void> {
  const ids = (await server.api.list()).files.map((file) => file.id);
  const end = Date.now() + milliseconds;
  for (let at = 0; Date.now() < end; at++) {
    await server.api.content(ids[at % ids.length] as string);
    const pause = 120 + 100 * Math.sin(Date.now() / 4_000);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** The dashboard above the files, as two windows of one width. */
async function readmePicture(browser: Browser, server: Server): Promise<void> {
  const look = (height: number): BrowserContextOptions => ({
    colorScheme: 'dark',
    viewport: { width: 1440, height },
  });
  // So high that the first two charts are whole.
  const dashboard = await open(browser, server.url + DASHBOARD, look(990), server.session);
  await live(dashboard);
  await dashboard.getByLabel(charts.range).selectOption({ label: charts.spans[0] as string });
  const files = await open(browser, server.url + FILES, look(700), server.session);
  await row(files, 'Hills, first day.png').locator('.name').click();
  await files.getByRole('img', { name: words.details.preview('Hills, first day.png') }).waitFor();
  await files.mouse.move(0, 0);
  await files.waitForTimeout(500);
  const shots = [await dashboard.screenshot(), await files.screenshot()];
  writeFileSync(README_PICTURE, await stacked(browser, shots));
  const { size } = statSync(README_PICTURE);
  process.stdout.write(`${README_PICTURE}: ${Math.round(size / 1024)} kB\n`);
  if (size > MAX_README_BYTES)
    throw new Error(`the picture has ${size} bytes, want at most ${MAX_README_BYTES}`);
  for (const page of [dashboard, files]) await page.context().close();
}

/** Pictures of one width, one below the other. */
async function stacked(browser: Browser, shots: Buffer[]): Promise<Buffer> {
  const page = await browser.newPage();
  const picture = await page.evaluate(
    async ({ shots, gap }) => {
      const images = await Promise.all(
        shots.map(async (shot) => {
          const bytes = Uint8Array.from(atob(shot), (letter) => letter.charCodeAt(0));
          return createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        }),
      );
      const height = images.reduce((sum, image) => sum + image.height + gap, -gap);
      const canvas = document.createElement('canvas');
      canvas.width = images[0]?.width ?? 0;
      canvas.height = height;
      let top = 0;
      for (const image of images) {
        canvas.getContext('2d')?.drawImage(image, 0, top);
        top += image.height + gap;
      }
      return canvas.toDataURL('image/png').slice('data:image/png;base64,'.length);
    },
    { shots: shots.map((shot) => shot.toString('base64')), gap: GAP_PX },
  );
  await page.close();
  return Buffer.from(picture, 'base64');
}
