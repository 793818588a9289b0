/**
 * The last minutes of every series, as columns for the charts. They grow with the live ticks. A missing tick is a
 * gap (null), so that a line never bridges a time nobody measured; a tick that is not later than the last one says
 * that the server's clock was set back, and what was not before it is forgotten.
 */
import type { FeedSeries, Tick } from './feed';
import type { Known, Recent } from './types';

/** A stretch of time in which no tick is missing: its first and its last, in unix milliseconds. */
export type Run = { from: number; to: number };

/** Times in unix seconds, as uPlot wants them, and one column for each series asked for. */
export type Columns = { times: number[]; values: Known[][] };

/** What the server keeps, too. */
export const KEEP_MS = 15 * 60 * 1000;
const DEFAULT_INTERVAL_MS = 2000;
/** Ticks that are further apart than this share of the interval have a gap between them; the server counts so, too. */
const LATE = 1.5;

/** Ticks of one schema: where the value of each key is. */
type Sample = { time: number; at: Map<string, number>; values: readonly Known[] };

export class History {
  series: FeedSeries[] = [];
  private at = new Map<string, number>();
  private samples: Sample[] = [];
  private intervalMs = DEFAULT_INTERVAL_MS;

  get length(): number {
    return this.samples.length;
  }

  /** Time of the newest tick. */
  get latest(): number | undefined {
    return this.samples.at(-1)?.time;
  }

  /** Between the gaps, oldest first. */
  get runs(): Run[] {
    const runs: Run[] = [];
    this.samples.forEach(({ time }, index) => {
      const run = runs.at(-1);
      if (run && !this.isGap(index)) run.to = time;
      else runs.push({ from: time, to: time });
    });
    return runs;
  }

  /** From now on the values of ticks are of these series. */
  describe(series: FeedSeries[], intervalMs: number): void {
    this.series = series;
    if (intervalMs > 0) this.intervalMs = intervalMs;
    this.at = new Map(series.map(({ key }, at) => [key, at + 1]));
  }

  /** Takes in ticks, oldest first. */
  add(ticks: readonly Tick[]): void {
    for (const tick of ticks) {
      const time = tick[0];
      while ((this.latest ?? Number.NEGATIVE_INFINITY) >= time) this.samples.pop();
      this.samples.push({ time, at: this.at, values: tick });
    }
    const oldest = (this.latest ?? 0) - KEEP_MS;
    const first = this.samples.findIndex(({ time }) => time >= oldest);
    if (first > 0) this.samples.splice(0, first);
  }

  /** Takes in what the server remembers of before the first tick. */
  fill(recent: Recent): void {
    const { interval_seconds: _, time, ...columns } = recent;
    const at = new Map(Object.keys(columns).map((key, index) => [key, index]));
    const lists = Object.values(columns) as Known[][];
    const first = this.samples[0]?.time ?? Number.POSITIVE_INFINITY;
    const before = time
      .map((time, row) => ({ time, at, values: lists.map((list) => list[row] ?? null) }))
      .filter((one) => one.time < first - this.intervalMs / 2 && one.values.some((value) => value !== null));
    this.samples = [...before, ...this.samples];
  }

  /** The ticks from `since` (unix ms) on, with a null row wherever some are missing, unless only ticks are wanted. */
  columns(keys: readonly string[], since: number, gaps = true): Columns {
    const times: number[] = [];
    const values: Known[][] = keys.map(() => []);
    for (let index = this.first(since); index < this.samples.length; index++) {
      const { time, at, values: tick } = this.samples[index] as Sample;
      if (gaps && times.length > 0 && this.isGap(index)) {
        times.push(((this.samples[index - 1] as Sample).time + this.intervalMs) / 1000);
        for (const column of values) column.push(null);
      }
      times.push(time / 1000);
      keys.forEach((key, column) => {
        const index = at.get(key);
        values[column]?.push(index === undefined ? null : (tick[index] ?? null));
      });
    }
    return { times, values };
  }

  /** What a series has just now. */
  value(key: string): Known {
    const newest = this.samples.at(-1);
    const index = newest?.at.get(key);
    return index === undefined ? null : (newest?.values[index] ?? null);
  }

  private first(since: number): number {
    const first = this.samples.findIndex(({ time }) => time >= since);
    return first < 0 ? this.samples.length : first;
  }

  /** Whether ticks are missing before a sample. */
  private isGap(index: number): boolean {
    const before = this.samples[index - 1];
    return !before || (this.samples[index] as Sample).time - before.time > this.intervalMs * LATE;
  }
}
