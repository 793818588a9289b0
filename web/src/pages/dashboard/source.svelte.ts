/** What one chart shows: asked for when its time changes, and again while it goes on. */
import { api, isAbort, sentenceOf } from '../../lib/api';
import type { History } from '../../lib/history';
import { endOf, type HistoryAnswer, NO_POINTS, type Points, pointsOf, shifted } from '../../lib/points';
import type { Known } from '../../lib/types';
import { LONGEST, type View, weekBefore } from '../../lib/view';
import { DEBOUNCE_MS } from './desk.svelte';

const HISTORY = '/api/v1/monitoring/history';
/** The live ticks go on by themselves; this makes up for what they do not tell. */
const AGAIN_MS = 60_000;
const AGAIN_AT_MOST_MS = 600_000;
/** What is asked for beyond either end, in shares of the span, so that dragging finds it there. */
const MARGIN = 0.5;
const MOST_POINTS = 4000;
const FEWEST_POINTS = 60;

export class Source {
  answer = $state.raw<HistoryAnswer>();
  /** The same, a week before. */
  before = $state.raw<HistoryAnswer>();
  problem = $state('');
  /** When the answer came. */
  asOf = $state(0);
  /** What is shown has been asked for, and no answer has come yet. */
  waiting = $state(true);

  #again: ReturnType<typeof setTimeout> | undefined;
  #asking: AbortController | undefined;
  /** Asks once more; set while the pause before it lasts. */
  #next: (() => void) | undefined;

  constructor(readonly keys: readonly string[]) {}

  /** Asks for the time that `view` gives then, for so many pixels. */
  ask(view: () => View, width: number, compare: boolean): void {
    this.stop();
    this.waiting = true;
    const wait = this.answer ? DEBOUNCE_MS : 0;
    this.#again = setTimeout(() => void this.#read(view, width, compare), wait);
  }

  stop(): void {
    clearTimeout(this.#again);
    this.#next = undefined;
    this.#asking?.abort();
  }

  /** Somebody looks again: what has grown old meanwhile is asked for at once. */
  look(): void {
    if (this.#next && Date.now() - this.asOf >= AGAIN_MS) this.#next();
  }

  points(history: History, view: View): Points {
    const { answer } = this;
    if (!answer) return NO_POINTS;
    // One about a time that is over has nothing that the ticks could go on from.
    const follows = view.live && endOf(answer) >= view.from;
    return pointsOf(answer, this.keys, follows ? history : undefined, view.to);
  }

  lastWeek(points: Points): Known[][] | null {
    const { before } = this;
    return before ? this.keys.map((key) => shifted(points, before, key, weekBefore)) : null;
  }

  async #read(view: () => View, width: number, compare: boolean): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    const shown = view();
    const span = shown.to - shown.from;
    const margin = shown.live ? 0 : Math.min(span * MARGIN, (LONGEST - span) / 2);
    const query = (moved: (time: number) => number) => ({
      metrics: this.keys.join(','),
      from: new Date(moved(shown.from - margin)).toISOString(),
      to: new Date(moved(shown.to + margin)).toISOString(),
      points: Math.round(Math.min(MOST_POINTS, Math.max(FEWEST_POINTS, width * (1 + (2 * margin) / span)))),
    });
    const get = (moved: (time: number) => number) =>
      api.get<HistoryAnswer>(HISTORY, { query: query(moved), signal: asking.signal });
    let step = AGAIN_MS;
    try {
      const [answer, before] = await Promise.all([
        get((time) => time),
        compare ? get(weekBefore) : undefined,
      ]);
      if (asking.signal.aborted) return;
      [this.answer, this.before, this.problem, this.asOf] = [answer, before, '', Date.now()];
      this.waiting = false;
      step = answer.step_seconds * 1000;
    } catch (thrown) {
      if (isAbort(thrown) || asking.signal.aborted) return;
      this.problem = sentenceOf(thrown);
    }
    const pause = Math.min(AGAIN_AT_MOST_MS, Math.max(AGAIN_MS, step));
    // What lies in the past stays as it is; but what failed is tried again.
    if (!shown.live && !this.problem) return;
    this.#next = () => {
      clearTimeout(this.#again);
      // A tab that nobody sees asks once it is looked at.
      if (document.visibilityState !== 'visible') return;
      this.#next = undefined;
      void this.#read(view, width, compare);
    };
    this.#again = setTimeout(this.#next, pause);
  }
}
