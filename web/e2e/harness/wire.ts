/** A wire between browser and server that can be made slow or bad. */
import { once } from 'node:events';
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net';

export class Wire {
  /** Bytes a second that get through from the browser, on each connection. */
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /**
   * Connections that carry more than this towards the server are cut. A condition, not a number of cuts: a browser
   * sends again by itself what it had sent on a connection that had been used before.
   */
  cutAfterBytes = Number.POSITIVE_INFINITY;
  /** The server does not learn that the browser has gone, as behind a router that forgets connections. */
  silent = false;
  readonly #sockets = new Set<Socket>();
  #severed = false;

  private constructor(
    private readonly listener: NetServer,
    private readonly target: number,
  ) {}

  static async start(target: number): Promise<Wire> {
    const listener = createServer();
    const wire = new Wire(listener, target);
    listener.on('connection', (socket) => wire.#join(socket));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as { port: number }).port}`;
  }

  /** Cuts all connections, and lets nobody through for so long. */
  async cut(milliseconds: number): Promise<void> {
    this.#severed = true;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    this.#severed = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.listener.close();
    await once(this.listener, 'close');
  }

  #join(browser: Socket): void {
    if (this.#severed) {
      browser.destroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    let carried = 0;
    for (const socket of [browser, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (this.silent && socket === browser) return;
        (socket === browser ? server : browser).destroy();
      });
    }
    server.pipe(browser);
    browser.on('data', (chunk) => {
      carried += chunk.length;
      if (carried > this.cutAfterBytes) {
        // A reset, as a cable that is pulled gives it in the end.
        browser.resetAndDestroy();
        server.resetAndDestroy();
        return;
      }
      const room = server.write(chunk);
      const pause = (chunk.length / this.bytesPerSecond) * 1_000;
      if (pause === 0 && room) return;
      browser.pause();
      const resume = () => setTimeout(() => browser.resume(), pause);
      if (room) resume();
      else server.once('drain', resume);
    });
    browser.on('end', () => !this.silent && server.end());
  }
}
