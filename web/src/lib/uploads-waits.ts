/** Who waits until when before the next try. Those of one request wait together, and so go on together. */

/** Waits that end this close together end at once. */
const TOGETHER_MS = 50;

export class Waits<T> {
  readonly #due = new Map<T, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly onDue: (all: T[]) => void,
    private readonly now: () => number,
  ) {}

  add(one: T, wait: number): void {
    this.#due.set(one, this.now() + wait);
    this.#schedule();
  }

  delete(one: T): void {
    this.#due.delete(one);
  }

  all(): T[] {
    return [...this.#due.keys()];
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#due.size === 0) return;
    let first = Number.POSITIVE_INFINITY;
    for (const due of this.#due.values()) first = Math.min(first, due);
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, first - this.now()));
  }

  #fire(): void {
    const until = this.now() + TOGETHER_MS;
    const all = [...this.#due].filter(([, due]) => due <= until).map(([one]) => one);
    for (const one of all) this.#due.delete(one);
    this.#schedule();
    this.onDue(all);
  }
}
