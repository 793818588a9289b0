/**
 * What others change while one looks: the server's events, from where one last heard them. The browser's own way of
 * reconnecting gives up at the first answer that is not a stream, and never says why; so every connection here is
 * made anew, with the place to go on from.
 */
import type { Change } from './types';

type Source = Pick<EventSource, 'close' | 'addEventListener'>;

export type ChangesOptions = {
  url: string;
  onChanges: (changes: Change[]) => void;
  /** Something may have been missed: at the first connection, and when the server no longer knows so old a place. */
  onGap: () => void;
  /**
   * Asked before connecting again with a place: true if the server can go on from there, false if it is too old.
   * It throws if the server cannot be asked.
   */
  knows: (since: string) => Promise<boolean>;
  /** For tests. */
  makeSource?: (url: string) => Source;
  random?: () => number;
};

/** Changes that come together are told together. */
const GATHER_MS = 150;
/** First and longest pause between attempts. */
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;
/** A page nobody looks at gives its connection back: a browser has only six for a server. */
const HIDDEN_MS = 60_000;

export class ChangeFeed {
  #source: Source | undefined;
  #since = '';
  #gathered: Change[] = [];
  #gather: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hide: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #running = false;

  constructor(private readonly options: ChangesOptions) {}

  start(): void {
    if (this.#running) return;
    this.#running = true;
    addEventListener('online', this.#atOnce);
    addEventListener('pagehide', this.#leave);
    document.addEventListener('visibilitychange', this.#looked);
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    removeEventListener('online', this.#atOnce);
    removeEventListener('pagehide', this.#leave);
    document.removeEventListener('visibilitychange', this.#looked);
    clearTimeout(this.#gather);
    this.#leave();
  }

  readonly #atOnce = (): void => {
    if (this.#source || !this.#running || document.visibilityState === 'hidden') return;
    this.#attempts = 0;
    void this.#again();
  };

  readonly #leave = (): void => {
    clearTimeout(this.#retry);
    clearTimeout(this.#hide);
    this.#source?.close();
    this.#source = undefined;
  };

  readonly #looked = (): void => {
    clearTimeout(this.#hide);
    if (document.visibilityState === 'hidden') this.#hide = setTimeout(this.#leave, HIDDEN_MS);
    else this.#atOnce();
  };

  #connect(): void {
    this.#leave();
    const make = this.options.makeSource ?? ((url: string) => new EventSource(url));
    const since = this.#since === '' ? '' : `?since=${encodeURIComponent(this.#since)}`;
    const source = make(this.options.url + since);
    this.#source = source;
    // The first event says where the stream begins.
    source.addEventListener('ready', (event) => {
      if (this.#source !== source) return;
      this.#attempts = 0;
      this.#since = (event as MessageEvent).lastEventId || this.#since;
      if (since === '') this.options.onGap();
    });
    source.addEventListener('change', (event) => {
      if (this.#source === source) this.#heard(event as MessageEvent);
    });
    source.addEventListener('error', () => {
      if (this.#source !== source) return;
      this.#leave();
      this.#later();
    });
  }

  #heard(event: MessageEvent): void {
    if (event.lastEventId !== '') this.#since = event.lastEventId;
    try {
      this.#gathered.push(JSON.parse(String(event.data)) as Change);
    } catch {
      return;
    }
    this.#gather ??= setTimeout(() => {
      this.#gather = undefined;
      this.options.onChanges(this.#gathered.splice(0));
    }, GATHER_MS);
  }

  #later(): void {
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.#attempts);
    const random = this.options.random ?? Math.random;
    this.#attempts++;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#again(), ceiling * (0.5 + random() / 2));
  }

  async #again(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      if (this.#since !== '' && !(await this.options.knows(this.#since))) this.#since = '';
    } catch {
      if (this.#running && !this.#source) this.#later();
      return;
    }
    if (this.#running && !this.#source) this.#connect();
  }
}
