/** How this person has arranged the dashboard, kept on the server so that it is the same in every browser. */
import { ApiError, CHANGED, sentenceOf } from '../../lib/api';
import { type Arrangement, MOST_CHARTS, readArrangement, usual } from '../../lib/arrangement';
import { type Preference, readPreference, writePreference } from '../../lib/preference';
import { charts as text } from '../../messages/en.charts';
import { toasts } from '../../ui/toasts.svelte';
import { words } from './words';

const PAGE = 'dashboard';
/** Several changes in a row are one. */
const KEEP_AFTER_MS = 400;
/** Somebody else may be quicker so often. */
const ATTEMPTS = 4;

type Change = (arrangement: Arrangement) => Arrangement;

export class Kept {
  arrangement = $state.raw<Arrangement>(usual());
  /** It is known what was kept, or that it cannot be known. */
  ready = $state(false);

  #seen: Preference | undefined;
  #changes: Change[] = [];
  /** How many of them are on their way to the server. */
  #sent = 0;
  /** What was kept has been read, so that nothing unknown is replaced. */
  #known = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing = false;

  async read(): Promise<void> {
    try {
      this.#seen = await readPreference(PAGE);
      this.#known = true;
      this.arrangement = this.#applied(this.#changes, readArrangement(this.#seen.document));
    } catch {
      // As usual then; before anything is written it is read again.
    }
    this.ready = true;
  }

  /** Whoever leaves at once has arranged it all the same; returns how to stop. */
  watch(): () => void {
    const leave = () => {
      clearTimeout(this.#timer);
      void (this.#writing ? this.#keepAtOnce() : this.#keep());
    };
    addEventListener('pagehide', leave);
    return () => removeEventListener('pagehide', leave);
  }

  change(change: Change): void {
    this.arrangement = change(this.arrangement);
    this.#changes.push(change);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#keep(), KEEP_AFTER_MS);
  }

  async #keep(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      for (let attempt = 1; this.#changes.length > 0; )
        attempt = (await this.#write(attempt)) ? 1 : attempt + 1;
    } catch (thrown) {
      // What was changed stays on this page, and is written with the next change.
      toasts.show(text.notKept(sentenceOf(thrown)), { kind: 'error' });
    } finally {
      this.#writing = false;
    }
  }

  /** Writes all changes onto what is on the server; those of another browser stay. False if it was quicker. */
  async #write(attempt: number): Promise<boolean> {
    this.#seen ??= await readPreference(PAGE);
    this.#known = true;
    const made = [...this.#changes];
    let tooMany = false;
    this.#sent = made.length;
    const arrangement = this.#applied(made, readArrangement(this.#seen.document), () => (tooMany = true));
    try {
      this.#seen = await writePreference(PAGE, arrangement, this.#seen.etag);
      this.#forget(made);
      this.arrangement = this.#applied(this.#changes, arrangement);
      if (tooMany) toasts.show(words.taken, { kind: 'error' });
      return true;
    } catch (thrown) {
      if (!(thrown instanceof ApiError && thrown.type === CHANGED)) throw thrown;
      this.#seen = undefined;
      if (attempt >= ATTEMPTS) throw thrown;
      return false;
    } finally {
      this.#sent = 0;
    }
  }

  /** Writes what is shown without waiting for what is on its way, which nobody would be there to see arrive. */
  async #keepAtOnce(): Promise<void> {
    if (!this.#known || this.#changes.length === this.#sent) return;
    const made = [...this.#changes];
    try {
      this.#seen = await writePreference(PAGE, this.arrangement, '');
      this.#forget(made);
    } catch {
      // Whoever comes back to this page still has the changes, and writes them with the next.
    }
  }

  /** Some changes made to an arrangement, but those for which another browser has left no room. */
  #applied(changes: readonly Change[], to: Arrangement, drop?: () => void): Arrangement {
    return changes.reduce((one, change) => {
      const next = change(one);
      if (next.charts.length <= MOST_CHARTS) return next;
      drop?.();
      return one;
    }, to);
  }

  #forget(made: readonly Change[]): void {
    this.#changes = this.#changes.filter((change) => !made.includes(change));
  }
}
