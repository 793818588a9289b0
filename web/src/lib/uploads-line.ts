/**
 * Whether the server can be reached, as the uploads find it. One connection that drops is that file's own affair; when
 * several drop one after the other the whole queue waits, and only one file tries until something comes through again:
 * a server that starts anew would else be met by thousands of files, each with a wait of its own.
 */

/** How long to wait before each automatic retry, in ms; the last one again and again. */
export const RETRY_DELAYS_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000] as const;
/** Connections that dropped in a row before the server counts as away. */
export const STRIKES = 3;

export function delayAfter(tries: number): number {
  return RETRY_DELAYS_MS[Math.min(tries, RETRY_DELAYS_MS.length - 1)] ?? 0;
}

export class Line {
  /** The server was not reached lately. */
  away = false;
  #strikes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly onTry: () => void) {}

  /** How many may send now, of so many at best. */
  room(most: number): number {
    if (!this.away) return most;
    return this.#timer === undefined ? 1 : 0;
  }

  /** A connection dropped, or only a proxy answered. */
  dropped(): void {
    this.#strikes++;
    if (this.#strikes < STRIKES || this.#timer !== undefined) return;
    this.away = true;
    this.#timer = setTimeout(() => this.tryNow(), delayAfter(this.#strikes - STRIKES));
  }

  /** The server answered, whatever it said. */
  came(): void {
    this.#strikes = 0;
    this.away = false;
    this.#stopTimer();
  }

  /** Ends the wait: the network is back, or somebody is impatient. */
  tryNow(): void {
    this.#stopTimer();
    this.onTry();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
