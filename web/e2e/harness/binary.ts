/** Builds what the tests drive: the pages into web/static/dist unless they are new enough, then the binary that embeds them. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WEB = fileURLToPath(new URL('../..', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
/** A binary to test instead of building one: for trying a test again quickly, or a released binary. */
const GIVEN = process.env.HOMESERVER_BINARY;

/** Says that whoever started the tests has just built the pages, as `make test` does. */
const PAGES_BUILT = process.env.HOMESERVER_PAGES_BUILT === '1';
/** Where the pages are made from, within web. */
const SOURCES = [
  'src',
  'public',
  'scripts',
  ...readdirSync(WEB).filter((name) => name.endsWith('.html')),
  'vite.config.ts',
  'svelte.config.js',
  'package.json',
  'package-lock.json',
];

export type Binary = { path: string; remove: () => void };

export function buildBinary(): Binary {
  if (GIVEN) {
    if (!existsSync(GIVEN)) throw new Error(`HOMESERVER_BINARY names ${GIVEN}, which does not exist`);
    return { path: GIVEN, remove: () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), 'homeserver-e2e-'));
  const path = join(folder, 'homeserver');
  if (!pagesBuilt()) run('npm', ['run', 'build'], WEB);
  run('go', ['build', '-o', path, './cmd/homeserver'], REPOSITORY);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Whether the built pages are there and none of their sources changed since. */
function pagesBuilt(): boolean {
  const built = join(WEB, 'static/dist/files.html');
  if (!existsSync(built)) return false;
  return (
    PAGES_BUILT || Math.max(...SOURCES.map((name) => lastChange(join(WEB, name)))) < statSync(built).mtimeMs
  );
}

/** Of a file, or of a folder and all in it: a folder changes when a file is removed from it. */
function lastChange(path: string): number {
  const info = statSync(path);
  if (!info.isDirectory()) return info.mtimeMs;
  return Math.max(info.mtimeMs, ...readdirSync(path).map((name) => lastChange(join(path, name))));
}

/** What a command prints is shown only when it fails. */
function run(command: string, args: string[], cwd: string): void {
  // Vitest's own NODE_ENV would make Vite build pages for developers.
  const env = { ...process.env, NODE_ENV: 'production' };
  try {
    execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: thrown });
  }
}
