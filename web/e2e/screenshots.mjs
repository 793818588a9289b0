// Starts screenshots.ts, which Node alone could not read:  npm run screenshots [-- folder for pictures of all states]
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const { module } = await runnerImport(fileURLToPath(new URL('./screenshots.ts', import.meta.url)), {
  configFile: false,
  logLevel: 'error',
});
await module.takeScreenshots(process.argv[2]);
