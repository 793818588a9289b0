/// <reference types="vitest/config" />
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * How many files are run at once. Much of a test is waiting: for figures that come every two seconds, for uploads that are
 * slow on purpose. So another one runs meanwhile; a third would only wait for the processor where there are two.
 */
const WORKERS = 2;

/** Browser tests: the real binary, a real Chromium. A file has a server of its own, a worker keeps its browser for the next file. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    include: ['**/*.test.ts'],
    globalSetup: ['./harness/global.ts'],
    maxWorkers: WORKERS,
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
