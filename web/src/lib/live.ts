/**
 * The live feed of the dashboard: a WebSocket that finds its way back by itself.
 * The caller sees frames and one word: connecting (never had one yet), live, reconnecting, offline.
 */
import type { Dashboard } from './types';

/** Whether the shown values are of this moment. */
export type LiveStatus = 'connecting' | 'live' | 'reconnecting' | 'offline';

export type LiveOptions = {
  url: string;
  onFrame: (frame: Dashboard) => void;
  onStatus: (status: LiveStatus) => void;
  /**
   * Asked after a connection that brought nothing, since a browser does not say why a handshake failed, and after one
   * that the server ended together with the session: true once it is worth trying again (perhaps after signing in),
   * false to leave it be.
   */
  mayConnect?: () => Promise<boolean>;
  /** For tests. */
  makeSocket?: (url: string) => WebSocket;
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

export class LiveFeed {
  private socket: WebSocket | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private check: ReturnType<typeof setInterval> | undefined;
  private attempts = 0;
  private lastFrameAt = 0;
  private lostAt = 0;
  private running = false;
  private asking = false;
  private status: LiveStatus = 'connecting';
  private everLive = false;

  constructor(private readonly options: LiveOptions) {}

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
    if (document.visibilityState !== 'visible' || this.socket || this.asking) return;
    this.attempts = 0;
    this.connect();
  };

  private readonly cutOff = (): void => {
    this.lost();
  };

  private connect(): void {
    clearTimeout(this.retry);
    this.drop();
    const make = this.options.makeSocket ?? ((url: string) => new WebSocket(url));
    const socket = make(this.options.url);
    this.socket = socket;
    this.lastFrameAt = Date.now();
    let brought = false;
    socket.onmessage = (event) => {
      const frame = parse(event.data);
      if (this.socket !== socket || !frame) return;
      brought = true;
      this.attempts = 0;
      this.lastFrameAt = Date.now();
      this.everLive = true;
      this.say('live');
      this.options.onFrame(frame);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.lost(brought && event?.code !== NO_LONGER_WELCOME);
    };
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
    if (may && this.running && !this.socket) this.again();
  }

  private again(): void {
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.attempts);
    const random = this.options.random ?? Math.random;
    const pause = Math.max(BACKOFF_MIN_MS, ceiling * (0.5 + random() / 2));
    this.attempts++;
    this.retry = setTimeout(() => this.connect(), pause);
  }

  private look(): void {
    if (this.socket && Date.now() - this.lastFrameAt > STALE_MS) {
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
    const socket = this.socket;
    this.socket = undefined;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }
}

/** The address of the feed beside this page. */
export function liveURL(path: string, here: Location = location): string {
  return `${here.protocol === 'https:' ? 'wss:' : 'ws:'}//${here.host}${path}`;
}

function parse(data: unknown): Dashboard | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const frame = JSON.parse(data) as Dashboard;
    return frame?.system && frame.storage ? frame : undefined;
  } catch {
    return undefined;
  }
}
