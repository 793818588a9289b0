/**
 * The live feed: a WebSocket that finds its way back by itself, and Server-Sent Events where WebSockets are blocked.
 * The caller sees frames and one word: connecting (never had one yet), live, reconnecting, offline.
 */

/** Whether the shown values are of this moment. */
export type LiveStatus = 'connecting' | 'live' | 'reconnecting' | 'offline';

export type LiveOptions<Frame> = {
  /** The address of a WebSocket; asked for each connection, since it says what is known already. */
  url: () => string;
  /** The same as a stream of events, if there is one. */
  eventsURL?: () => string;
  /** The names of its events. */
  events?: readonly string[];
  /** What a message says; undefined for what is none. */
  read: (text: string) => Frame | undefined;
  onFrame: (frame: Frame) => void;
  onStatus: (status: LiveStatus) => void;
  /**
   * Asked after a connection that brought nothing, since a browser does not say why a handshake failed, and after one
   * that the server ended together with the session: true once it is worth trying again (perhaps after signing in),
   * false to leave it be.
   */
  mayConnect?: () => Promise<boolean>;
  /** For tests. */
  makeSocket?: (url: string) => WebSocket;
  makeEvents?: (url: string) => EventSource;
  random?: () => number;
};

/** The server sends every 2 s; after three missed frames the values are old. */
const STALE_MS = 6_000;
const CHECK_MS = 1_000;
/** First and longest pause between attempts. */
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 10_000;
/** Closed by a server that no longer lets us in: the session ended (RFC 6455, policy violation). */
const NO_LONGER_WELCOME = 1008;
/** Not connected for this long: no longer a hiccup. */
const OFFLINE_AFTER_MS = 20_000;
/** So many WebSockets in a row that brought nothing, and the other way is tried. */
const BLOCKED_AFTER = 2;

/** One connection, over either way. */
type Connection = { close: () => void };

export class LiveFeed<Frame> {
  private connection: Connection | undefined;
  /** WebSockets that brought nothing, one after the other. */
  private barren = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private check: ReturnType<typeof setInterval> | undefined;
  private attempts = 0;
  private lastFrameAt = 0;
  private lostAt = 0;
  private running = false;
  private asking = false;
  private status: LiveStatus = 'connecting';
  private everLive = false;

  constructor(private readonly options: LiveOptions<Frame>) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.lostAt = Date.now();
    this.check = setInterval(() => this.look(), CHECK_MS);
    addEventListener('online', this.atOnce);
    addEventListener('offline', this.cutOff);
    document.addEventListener('visibilitychange', this.atOnce);
    this.connect();
  }

  stop(): void {
    this.running = false;
    clearInterval(this.check);
    clearTimeout(this.retry);
    removeEventListener('online', this.atOnce);
    removeEventListener('offline', this.cutOff);
    document.removeEventListener('visibilitychange', this.atOnce);
    this.drop();
  }

  /** The network is back, or somebody looks again: no reason to wait. */
  private readonly atOnce = (): void => {
    if (document.visibilityState !== 'visible' || this.connection || this.asking) return;
    this.attempts = 0;
    this.connect();
  };

  private readonly cutOff = (): void => {
    this.lost();
  };

  private connect(): void {
    clearTimeout(this.retry);
    this.drop();
    this.lastFrameAt = Date.now();
    const { eventsURL } = this.options;
    // Every other time once WebSockets seem to be blocked: whatever blocks them may end.
    const blocked = this.barren >= BLOCKED_AFTER && (this.barren - BLOCKED_AFTER) % 2 === 0;
    if (eventsURL && blocked) this.follow(eventsURL());
    else this.listen(this.options.url());
  }

  private listen(url: string): void {
    const make = this.options.makeSocket ?? ((url: string) => new WebSocket(url));
    const socket = make(url);
    const connection: Connection = {
      close: () => {
        socket.onmessage = null;
        socket.onclose = null;
        socket.close();
      },
    };
    this.connection = connection;
    let brought = false;
    socket.onmessage = (event) => {
      if (!this.took(connection, event.data)) return;
      brought = true;
      this.barren = 0;
    };
    socket.onclose = (event) => {
      if (this.connection !== connection) return;
      this.connection = undefined;
      if (!brought) this.barren++;
      this.lost(brought && event?.code !== NO_LONGER_WELCOME);
    };
  }

  private follow(url: string): void {
    const make = this.options.makeEvents ?? ((url: string) => new EventSource(url));
    const source = make(url);
    const connection: Connection = { close: () => source.close() };
    this.connection = connection;
    let brought = false;
    for (const name of this.options.events ?? ['message']) {
      source.addEventListener(name, (event) => {
        brought = this.took(connection, (event as MessageEvent).data) || brought;
      });
    }
    source.onerror = () => {
      if (this.connection !== connection) return;
      // It would come back by itself, without asking who it is and without a pause that grows.
      source.close();
      this.connection = undefined;
      if (!brought) this.barren++;
      this.lost(brought);
    };
  }

  /** Hands a message on; false for what is none. */
  private took(connection: Connection, data: unknown): boolean {
    const frame = typeof data === 'string' ? this.options.read(data) : undefined;
    if (this.connection !== connection || frame === undefined) return false;
    this.attempts = 0;
    this.lastFrameAt = Date.now();
    this.everLive = true;
    this.say('live');
    this.options.onFrame(frame);
    return true;
  }

  /** Something broke: say so, and try again after a pause that grows, and differs between browsers. */
  private lost(brought = true): void {
    this.drop();
    if (!this.running) return;
    if (this.status === 'live') this.lostAt = Date.now();
    this.say(this.lostWord());
    clearTimeout(this.retry);
    if (!brought && this.options.mayConnect) {
      void this.ask();
      return;
    }
    this.again();
  }

  private async ask(): Promise<void> {
    this.asking = true;
    const may = await this.options.mayConnect?.().catch(() => true);
    this.asking = false;
    if (may && this.running && !this.connection) this.again();
  }

  private again(): void {
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.attempts);
    const random = this.options.random ?? Math.random;
    const pause = Math.max(BACKOFF_MIN_MS, ceiling * (0.5 + random() / 2));
    this.attempts++;
    this.retry = setTimeout(() => this.connect(), pause);
  }

  private look(): void {
    if (this.connection && Date.now() - this.lastFrameAt > STALE_MS) {
      if (this.status !== 'live') this.barren++;
      this.lost(this.status === 'live');
      return;
    }
    if (this.status !== 'live') this.say(this.lostWord());
  }

  private lostWord(): LiveStatus {
    const long = Date.now() - this.lostAt >= OFFLINE_AFTER_MS;
    if (long || navigator.onLine === false) return 'offline';
    return this.everLive ? 'reconnecting' : 'connecting';
  }

  private say(status: LiveStatus): void {
    if (status === this.status) return;
    this.status = status;
    this.options.onStatus(status);
  }

  private drop(): void {
    const connection = this.connection;
    this.connection = undefined;
    connection?.close();
  }
}

/** The address of the feed beside this page. */
export function liveURL(path: string, here: Location = location): string {
  return `${here.protocol === 'https:' ? 'wss:' : 'ws:'}//${here.host}${path}`;
}
