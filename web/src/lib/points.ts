/** What a chart draws: what the server remembers, and the live ticks that came since. */
import type { History } from './history';
import type { components } from './schema';
import type { Known } from './types';

export type HistoryAnswer = components['schemas']['HistoryBody'];

/** One line of a chart. The band says between which values the samples of each point lay. */
export type LinePoints = { mean: Known[]; min: Known[]; max: Known[] };
export type Points = {
  /** The middle of each point, in unix seconds. */
  times: number[];
  lines: LinePoints[];
  /** Milliseconds between two points. */
  step: number;
};

/** Points of one sample each say all with their mean. */
const SAMPLE_MS = 2000;

export const NO_POINTS: Points = { times: [], lines: [], step: SAMPLE_MS };

/** Whether a point holds more than one sample, so that there is a band. */
export function hasBand(points: Points): boolean {
  return points.step > SAMPLE_MS;
}

/** The server's answer, with the ticks that came since up to `to`. */
export function pointsOf(answer: HistoryAnswer, keys: readonly string[], history?: History, to = 0): Points {
  const step = answer.step_seconds * 1000;
  const first = Date.parse(answer.from);
  const remembered = answer.series[0]?.mean.length ?? 0;
  // A point that the ticks here hold whole is worked out from them.
  const since =
    history?.since === undefined ? Number.POSITIVE_INFINITY : Math.ceil(history.since / step) * step;
  const latest = history?.latest ?? 0;
  const last = since <= Math.min(to, latest) ? Math.floor((Math.min(to, latest) - first) / step) + 1 : 0;
  const count = Math.max(remembered, last);
  const half = step > SAMPLE_MS ? step / 2 : 0;
  const points: Points = {
    times: Array.from({ length: count }, (_, at) => (first + at * step + half) / 1000),
    lines: keys.map((key) => {
      const known = answer.series.find(({ metric }) => metric === key);
      const column = (list: Known[] | undefined) =>
        Array.from({ length: count }, (_, at) => list?.[at] ?? null);
      return { mean: column(known?.mean), min: column(known?.min), max: column(known?.max) };
    }),
    step,
  };
  if (history && since < Number.POSITIVE_INFINITY) addTicks(points, keys, history, since, first);
  return points;
}

function addTicks(
  points: Points,
  keys: readonly string[],
  history: History,
  since: number,
  first: number,
): void {
  const { times, values } = history.columns(keys, since);
  const { step, lines } = points;
  lines.forEach((line, column) => {
    let at = -1;
    let sum = 0;
    let count = 0;
    times.forEach((time, row) => {
      const index = Math.floor((time * 1000 - first) / step);
      if (index < 0 || index >= line.mean.length) return;
      if (index !== at) {
        [at, sum, count] = [index, 0, 0];
        line.mean[index] = line.min[index] = line.max[index] = null;
      }
      const value = values[column]?.[row] ?? null;
      if (value === null) return;
      sum += value;
      count++;
      line.mean[index] = sum / count;
      line.min[index] = Math.min(line.min[index] ?? value, value);
      line.max[index] = Math.max(line.max[index] ?? value, value);
    });
  });
}

/** The means of another time, moved by `shift` ms onto the points of this one: last week under this week. */
export function shifted(points: Points, other: HistoryAnswer, key: string, shift: number): Known[] {
  const mean = other.series.find(({ metric }) => metric === key)?.mean ?? [];
  const first = Date.parse(other.from);
  const step = other.step_seconds * 1000;
  return points.times.map((time) => mean[Math.floor((time * 1000 - shift - first) / step)] ?? null);
}
