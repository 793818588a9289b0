/** A HomeServer of one's own: the real binary on a free port, with its data in a folder that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from './api';

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 25;

export type ServerOptions = { binary: string; env?: Record<string, string>; key?: string };

export class Server {
  readonly url: string;
  readonly api: Api;
  #child: ChildProcess | undefined;

  private constructor(
    private readonly options: ServerOptions,
    readonly port: number,
    readonly folder: string,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.api = new Api(this.url, options.key);
  }

  static async start(options: ServerOptions): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), 'homeserver-e2e-data-'));
    const server = new Server(options, await freePort(), folder);
    await server.start();
    return server;
  }

  /** Starts it, also again on the same port with the same data. */
  async start(): Promise<void> {
    const { binary, env = {}, key } = this.options;
    mkdirSync(join(this.folder, 'data'), { recursive: true }); // the server makes no directory that was configured
    const log = createWriteStream(this.#log, { flags: 'a' });
    await once(log, 'open');
    this.#child = spawn(binary, ['serve'], {
      // Not the repository, whose .env is nobody's business here.
      cwd: this.folder,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: this.folder,
        PORT: String(this.port),
        DATA_DIR: join(this.folder, 'data'),
        ...(key === undefined ? {} : { API_KEY: key }),
        ...env,
      },
      stdio: ['ignore', log, log],
    });
    await this.#ready();
    log.close();
  }

  /** As a power cut ends it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it and takes its data away. */
  async remove(): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #log(): string {
    return join(this.folder, 'server.log');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline && this.#child?.exitCode === null) {
      const response = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (response?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await this.#end('SIGKILL');
    throw new Error(`homeserver did not become ready:\n${readFileSync(this.#log, 'utf8')}`);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
