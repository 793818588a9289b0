/** The two small build steps Vite does not have itself. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { HtmlTagDescriptor, Plugin } from 'vite';

const asBrotli = promisify(brotliCompress);
const asGzip = promisify(gzip);

/** Files below this size travel in one packet either way, so they stay as they are. */
const COMPRESS_FROM_BYTES = 512;
const TEXT = /\.(html|js|css|svg|json|txt|webmanifest)$/;

/**
 * Puts the theme script at the head of every page as a classic, blocking, hashed file:
 * the page then never flashes in the wrong colours, and the CSP needs no inline script.
 */
export function themeScript(source: string): Plugin {
  let serving = false;
  let base = '/';
  const built = () => {
    const code = readFileSync(source, 'utf8');
    const hash = createHash('sha256').update(code).digest('base64url').slice(0, 8);
    return { code, fileName: `assets/theme-${hash}.js` };
  };
  return {
    name: 'homeserver:theme-script',
    configResolved(config) {
      serving = config.command === 'serve';
      base = config.base;
    },
    generateBundle() {
      const { code, fileName } = built();
      this.emitFile({ type: 'asset', fileName, source: code });
    },
    transformIndexHtml() {
      const src = base + (serving ? 'src/theme-boot.js' : built().fileName);
      const tag: HtmlTagDescriptor = { tag: 'script', attrs: { src }, injectTo: 'head-prepend' };
      return [tag];
    },
  };
}

/** Writes a .br and a .gz beside every text file of the build, for web.go to choose from. */
export function precompress(): Plugin {
  return {
    name: 'homeserver:precompress',
    apply: 'build',
    async writeBundle({ dir }) {
      if (!dir) return;
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && TEXT.test(entry.name));
      await Promise.all(files.map((entry) => compressFile(join(entry.parentPath, entry.name))));
    },
  };
}

async function compressFile(path: string): Promise<void> {
  const plain = await readFile(path);
  if (plain.length < COMPRESS_FROM_BYTES) return;
  const [br, gz] = await Promise.all([
    asBrotli(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    asGzip(plain, { level: 9 }),
  ]);
  await Promise.all([writeFile(`${path}.br`, br), writeFile(`${path}.gz`, gz)]);
}
