/** Finds a row by the first letters of its name, as file managers do. */

/** A pause this long begins a new word. */
const PAUSE_MS = 800;
/** How long lib/keys waits for the second key of "g d". */
const SEQUENCE_MS = 1_200;

export class TypeAhead {
  #typed = '';
  #last = Number.NEGATIVE_INFINITY;
  #passed: { key: string; at: number } | null = null;

  /**
   * Takes a key; returns the index of the row it leads to, null when no name fits, or undefined when the key is
   * not for us: a page's shortcut (`reserved`) begins no word, nor does the second key of a sequence.
   */
  press(
    key: string,
    at: number,
    names: readonly string[],
    current: number,
    reserved: string,
  ): number | null | undefined {
    const running = at - this.#last < PAUSE_MS && this.#typed !== '';
    if (!running) {
      const second = this.#passed?.key === 'g' && at - this.#passed.at < SEQUENCE_MS;
      if (second || reserved.includes(key)) {
        this.#passed = second ? null : { key, at };
        return undefined;
      }
    }
    this.#typed = running ? this.#typed + key.toLowerCase() : key.toLowerCase();
    this.#last = at;
    return this.#search(names, current);
  }

  /** Another key came between: the next letter begins a new word. */
  reset(): void {
    this.#typed = '';
  }

  #search(names: readonly string[], current: number): number | null {
    // The same letter again and again walks through the names that begin with it.
    const repeated = this.#typed.length > 1 && [...this.#typed].every((letter) => letter === this.#typed[0]);
    const wanted = repeated ? (this.#typed[0] as string) : this.#typed;
    const first = wanted.length === 1 ? current + 1 : current;
    for (let step = 0; step < names.length; step++) {
      const index = (first + step) % names.length;
      if (names[index]?.toLowerCase().startsWith(wanted)) return index;
    }
    return null;
  }
}
