// What `go generate ./web` runs: the libraries if they are missing or outdated, then the pages.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));
const marker = `${web}node_modules/.homeserver-lock`;
const lock = createHash('sha256')
  .update(readFileSync(`${web}package-lock.json`))
  .digest('hex');

function run(...args) {
  const done = spawnSync('npm', args, { cwd: web, stdio: 'inherit', shell: process.platform === 'win32' });
  if (done.error) console.error(`npm could not be started: ${done.error.message}`);
  if (done.status !== 0) process.exit(done.status ?? 1);
}

const installed = existsSync(marker) && readFileSync(marker, 'utf8') === lock;
if (!installed) {
  run('ci', '--no-audit', '--no-fund');
  writeFileSync(marker, lock);
}
run('run', 'build');
