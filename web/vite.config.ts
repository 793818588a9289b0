/// <reference types="vitest/config" />
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { precompress, themeScript } from './scripts/plugins.ts';

const root = fileURLToPath(new URL('.', import.meta.url));
/** Every HTML file beside this one is a page of its own. */
const pages = readdirSync(root).filter((name) => name.endsWith('.html'));
const server = process.env.HOMESERVER_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  base: '/static/',
  plugins: [svelte(), themeScript(`${root}src/theme-boot.js`), precompress()],
  build: {
    outDir: 'static/dist',
    emptyOutDir: true,
    target: 'es2022',
    // The page's CSP allows nothing inline: no data: URLs, no injected polyfill.
    assetsInlineLimit: 0,
    modulePreload: {
      polyfill: false,
      // What comes later brings its styles along; its scripts find each other. A link for each would stay in the page,
      // and its list in every script.
      resolveDependencies: (_, names, { hostType }) =>
        hostType === 'js' ? names.filter((name) => name.endsWith('.css')) : names,
    },
    reportCompressedSize: false,
    rolldownOptions: { input: pages.map((name) => `${root}${name}`) },
  },
  server: {
    proxy: {
      '/api': { target: server, ws: true },
      '/health': server,
      '/docs': server,
      '/openapi.json': server,
    },
  },
  test: { include: ['src/**/*.test.ts'] },
});
