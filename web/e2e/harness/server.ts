/** A HomeServer of one's own: the real binary on a free port, with its data in a folder that goes with it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from './api';
import { ADA, type SignedIn, signInByScript, type TestPerson } from './people';

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 25;
/**
 * Below those that the system gives to outgoing connections: one of these, of the other worker's browser, could else take
 * the port of a server that a test has killed, before it is started again. For the same reason each worker has its share.
 */
const PORTS = { first: 20_000, count: 12_000 };
const PORT_TRIES = 100;
/** More than there are workers. */
const SHARES = 16;
const SHARE = Number(process.env.VITEST_POOL_ID ?? 0) % SHARES;

export type ServerOptions = {
  binary: string;
  env?: Record<string, string>;
  /** API_KEY, which also opens the API to the tests. */
  key?: string;
  /** Nobody is made: the server still has to be set up. */
  fresh?: boolean;
};

export class Server {
  readonly url: string;
  /** As the administrator, or with the key. */
  api: Api;
  /** The administrator's session, if there is one. */
  session: SignedIn | undefined;
  #child: ChildProcess | undefined;

  private constructor(
    private readonly options: ServerOptions,
    readonly port: number,
    readonly folder: string,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.api = new Api(this.url, options.key === undefined ? {} : { 'X-API-Key': options.key });
  }

  static async start(options: ServerOptions): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), 'homeserver-e2e-data-'));
    const server = new Server(options, await freePort(), folder);
    mkdirSync(join(folder, 'data')); // the server makes no directory that was configured
    const anybody = options.fresh || options.key !== undefined || options.env?.AUTH === 'none';
    if (!anybody) server.addAtTerminal(ADA);
    await server.start();
    if (!anybody) {
      server.session = await signInByScript(server.url, ADA);
      server.api = new Api(server.url, { Cookie: server.session.cookie });
    }
    return server;
  }

  /** The API as somebody else. */
  async apiOf(person: TestPerson): Promise<Api> {
    return new Api(this.url, { Cookie: (await signInByScript(this.url, person)).cookie });
  }

  /** As somebody does who sits at the server. */
  addAtTerminal(person: TestPerson): void {
    const { role, name, display_name, password } = person;
    const args = ['user', 'add', '--role', role, '--display-name', display_name, name];
    execFileSync(this.options.binary, args, {
      cwd: this.folder,
      env: this.#env,
      input: `${password}\n`,
      stdio: 'pipe',
    });
  }

  /** What the server wrote so far. */
  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Starts it, also again on the same port with the same data. */
  async start(): Promise<void> {
    const log = createWriteStream(this.#log, { flags: 'a' });
    await once(log, 'open');
    this.#child = spawn(this.options.binary, ['serve'], {
      // Not the repository, whose .env is nobody's business here.
      cwd: this.folder,
      env: this.#env,
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

  get #env(): Record<string, string> {
    const { env = {}, key } = this.options;
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.folder,
      PORT: String(this.port),
      DATA_DIR: join(this.folder, 'data'),
      ...(key === undefined ? {} : { API_KEY: key }),
      ...env,
    };
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

/** A port that nobody listens on, and that no other worker gives to a server of its own. */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const port = PORTS.first + SHARES * randomInt(PORTS.count / SHARES) + SHARE;
    const probe = createServer().listen(port, '127.0.0.1');
    const free = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
  throw new Error(`no free port from ${PORTS.first} on`);
}
