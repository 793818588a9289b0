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
/** Of points from ticks alone: more than all that are kept, and far fewer than take time to draw. */
const MOST_ADDED = 4000;

export const NO_POINTS: Points = { times: [], lines: [], step: SAMPLE_MS };

/** Whether a point holds more than one sample, so that there is a band. */
export function hasBand(points: Points): boolean {
  return points.step > SAMPLE_MS;
}

/** When the answer ends, in unix milliseconds. */
export function endOf(answer: HistoryAnswer): number {
  const count = answer.series[0]?.mean.length ?? 0;
  return Date.parse(answer.from) + count * answer.step_seconds * 1000;
}

/** The server's answer, with the ticks that came since up to `to`. */
export function pointsOf(answer: HistoryAnswer, keys: readonly string[], history?: History, to = 0): Points {
  const step = answer.step_seconds * 1000;
  const first = Date.parse(answer.from);
  const remembered = answer.series[0]?.mean.length ?? 0;
  const latest = Math.min(to, history?.latest ?? 0);
  const reached = Math.floor((latest - first) / step) + 1;
  // Ticks that are so much later than the answer are of another time than it.
  const ticks = reached - remembered <= MOST_ADDED ? history : undefined;
  const count = ticks ? Math.max(remembered, reached) : remembered;
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
  if (ticks) addTicks(points, keys, ticks, first);
  return points;
}

/** Works out every point from the ticks that lie in it, unless they are but a part of it and the server knows it. */
function addTicks(points: Points, keys: readonly string[], history: History, first: number): void {
  const { times, values } = history.columns(keys, first, false);
  const { step, lines } = points;
  const parts = partsOf(history, first, step);
  lines.forEach((line, column) => {
    let at = -1;
    let sum = 0;
    let count = 0;
    let known = false;
    times.forEach((time, row) => {
      const index = Math.floor((time * 1000 - first) / step);
      if (index >= line.mean.length) return;
      if (index !== at) {
        [at, sum, count] = [index, 0, 0];
        known = parts.has(index) && line.mean[index] !== null;
        if (!known) line.mean[index] = line.min[index] = line.max[index] = null;
      }
      const value = values[column]?.[row] ?? null;
      if (known || value === null) return;
      sum += value;
      count++;
      line.mean[index] = sum / count;
      line.min[index] = Math.min(line.min[index] ?? value, value);
      line.max[index] = Math.max(line.max[index] ?? value, value);
    });
  });
}

/** The points of which ticks are missing here. The newest is none of them: its ticks are yet to come. */
function partsOf(history: History, first: number, step: number): Set<number> {
  const parts = new Set<number>();
  const { runs } = history;
  runs.forEach(({ from, to }, at) => {
    const [begun, ended] = [from, to].map((time) => Math.floor((time - first) / step)) as [number, number];
    if (from - (first + begun * step) >= SAMPLE_MS) parts.add(begun);
    if (at < runs.length - 1 && first + (ended + 1) * step - to > SAMPLE_MS) parts.add(ended);
  });
  return parts;
}

/** The means of another time on the points of this one: `then` says where each lies there. Last week under this week. */
export function shifted(
  points: Points,
  other: HistoryAnswer,
  key: string,
  then: (time: number) => number,
): Known[] {
  const mean = other.series.find(({ metric }) => metric === key)?.mean ?? [];
  const first = Date.parse(other.from);
  const step = other.step_seconds * 1000;
  return points.times.map((time) => mean[Math.floor((then(time * 1000) - first) / step)] ?? null);
}
