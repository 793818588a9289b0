/**
 * The last minutes of every measured value, as columns for the charts. It is filled once from the server and
 * then grows with the live frames; a tick that both bring is kept once. A missing tick is a gap (null), so
 * that a line never bridges a time nobody measured.
 */
import type { Dashboard, Known, Recent } from './types';

export const METRICS = [
  'cpu_percent',
  'memory_percent',
  'disk_percent',
  'disk_read_bytes_per_second',
  'disk_write_bytes_per_second',
  'network_received_bytes_per_second',
  'network_sent_bytes_per_second',
] as const;

export type Metric = (typeof METRICS)[number];
export type Sample = { time: number } & Record<Metric, Known>;

/** Times in unix seconds, as uPlot wants them, and one column for each metric asked for. */
export type Columns = { times: number[]; values: Known[][] };

/** What the server keeps, too. */
export const KEEP_MS = 15 * 60 * 1000;
const DEFAULT_INTERVAL_MS = 2000;

export class History {
  private samples: Sample[] = [];
  private intervalMs = DEFAULT_INTERVAL_MS;

  get length(): number {
    return this.samples.length;
  }

  get latest(): Sample | undefined {
    return this.samples.at(-1);
  }

  /** Takes in what the server remembers; samples already here are kept. */
  fill(recent: Recent): void {
    if (recent.interval_seconds > 0) this.intervalMs = recent.interval_seconds * 1000;
    const remembered = recent.time.map((time, at) => {
      const sample = { time } as Sample;
      for (const metric of METRICS) sample[metric] = recent[metric]?.[at] ?? null;
      return sample;
    });
    const known = new Map(remembered.filter(hasValue).map((sample) => [this.tick(sample.time), sample]));
    for (const sample of this.samples) known.set(this.tick(sample.time), sample);
    this.samples = [...known.values()].sort((a, b) => a.time - b.time);
    this.forget();
  }

  /** Takes in one live frame; true when ticks before it are missing. */
  add(frame: Dashboard): boolean {
    const time = Date.parse(frame.sampled_at);
    if (Number.isNaN(time)) return false;
    const sample = { time } as Sample;
    const stale = frame.system.stale ?? [];
    for (const metric of METRICS) {
      // An old value repeated is not a measurement: it leaves a gap.
      sample[metric] = stale.some((one) => metric === `${one}_percent`)
        ? null
        : (frame.system[metric] ?? null);
    }
    const tick = this.tick(time);
    const last = this.latest;
    if (last && this.tick(last.time) >= tick) {
      if (!this.samples.some((one) => this.tick(one.time) === tick)) {
        this.samples.push(sample);
        this.samples.sort((a, b) => a.time - b.time);
      }
      return false;
    }
    this.samples.push(sample);
    this.forget();
    return last !== undefined && this.isGap(last.time, time);
  }

  /** The samples from `since` (unix ms) on, with a null row wherever ticks are missing. */
  columns(metrics: readonly Metric[], since: number): Columns {
    const times: number[] = [];
    const values: Known[][] = metrics.map(() => []);
    let before: number | undefined;
    for (const sample of this.samples) {
      if (sample.time < since) continue;
      if (before !== undefined && this.isGap(before, sample.time)) {
        times.push((before + this.intervalMs) / 1000);
        for (const column of values) column.push(null);
      }
      times.push(sample.time / 1000);
      metrics.forEach((metric, at) => {
        values[at]?.push(sample[metric]);
      });
      before = sample.time;
    }
    return { times, values };
  }

  /** At most `rows` samples since then, newest first and evenly thinned: what a table can show. */
  table(since: number, rows: number): Sample[] {
    const inside = this.samples.filter((sample) => sample.time >= since).reverse();
    const step = Math.max(1, Math.ceil(inside.length / rows));
    return inside.filter((_, at) => at % step === 0);
  }

  private isGap(before: number, after: number): boolean {
    return after - before > this.intervalMs * 1.75;
  }

  private tick(time: number): number {
    return Math.round(time / this.intervalMs);
  }

  private forget(): void {
    const newest = this.latest?.time ?? 0;
    const first = this.samples.findIndex((sample) => sample.time >= newest - KEEP_MS);
    if (first > 0) this.samples.splice(0, first);
  }
}

function hasValue(sample: Sample): boolean {
  return METRICS.some((metric) => sample[metric] !== null);
}
