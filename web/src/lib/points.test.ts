import { describe, expect, test } from 'vitest';
import type { FeedSeries } from './feed';
import { History } from './history';
import { endOf, type HistoryAnswer, hasBand, pointsOf, shifted } from './points';
import type { Known } from './types';

const START = Date.UTC(2026, 10, 26, 12);

function answer(step: number, mean: Known[], from = START): HistoryAnswer {
  const count = mean.map((value) => (value === null ? 0 : 1));
  return {
    from: new Date(from).toISOString(),
    step_seconds: step,
    tier: '2s',
    series: [{ metric: 'cpu_percent', mean, min: mean, max: mean, count }],
  } as HistoryAnswer;
}

function live(...ticks: [seconds: number, value: Known][]): History {
  const history = new History();
  history.describe([{ key: 'cpu_percent' } as FeedSeries], 2000);
  history.add(ticks.map(([seconds, value]) => [START + seconds * 1000, value]));
  return history;
}

describe('the points of a chart', () => {
  test('go on with the live ticks', () => {
    const points = pointsOf(
      answer(2, [1, 2, null]),
      ['cpu_percent'],
      live([4, 3], [6, 4], [8, null]),
      START + 8000,
    );
    expect(points.times.map((time) => time - START / 1000)).toEqual([0, 2, 4, 6, 8]);
    expect(points.lines[0]?.mean).toEqual([1, 2, 3, 4, null]);
    expect(hasBand(points)).toBe(false);
  });

  test('work out a point from the ticks only if they hold it whole', () => {
    const ticks = [14, 16, 18, 20, 22, 24, 26, 28, 30].map((at) => [at, at] as [number, number]);
    const points = pointsOf(answer(10, [5, 7, 100]), ['cpu_percent'], live(...ticks), START + 30_000);
    // From 10 s to 20 s the first ticks are missing here: the server knows better.
    expect(points.lines[0]?.mean).toEqual([5, 7, 24, 30]);
    expect([points.lines[0]?.min[2], points.lines[0]?.max[2]]).toEqual([20, 28]);
    expect(points.times.map((time) => time - START / 1000)).toEqual([5, 15, 25, 35]);
    expect(hasBand(points)).toBe(true);
  });

  test('leave a gap where ticks are missing', () => {
    const points = pointsOf(answer(2, [1]), ['cpu_percent'], live([2, 2], [10, 3]), START + 10_000);
    expect(points.lines[0]?.mean).toEqual([1, 2, null, null, null, 3]);
  });

  test('keep what was measured before a gap that opened since the answer', () => {
    const before = [2, 4, 6, 8, 10].map((at) => [at, at] as [number, number]);
    const after = [14, 16, 18].map((at) => [at, at] as [number, number]);
    const fine = pointsOf(answer(2, [0, 1]), ['cpu_percent'], live(...before, ...after), START + 18_000);
    expect(fine.lines[0]?.mean).toEqual([0, 2, 4, 6, 8, 10, null, 14, 16, 18]);
    const coarse = pointsOf(answer(10, [5]), ['cpu_percent'], live(...before, ...after), START + 18_000);
    // The server has told the first, of which a tick is missing here; the second nobody knows better.
    expect(coarse.lines[0]?.mean).toEqual([5, 14.5]);
    // What it told of the second is better than what is held of it.
    const told = pointsOf(answer(10, [5, 7]), ['cpu_percent'], live(...before, [16, 9]), START + 18_000);
    expect(told.lines[0]?.mean).toEqual([5, 7]);
  });

  test('are not stretched to now from an answer about another time', () => {
    const ago = START - 6 * 86_400_000;
    const points = pointsOf(answer(2, [1, 2], ago), ['cpu_percent'], live([0, 1], [2, 2]), START + 2000);
    expect(points.lines[0]?.mean).toEqual([1, 2]);
    expect(endOf(answer(2, [1, 2], ago))).toBe(ago + 4000);
  });

  test('show no ticks that are later than the end', () => {
    const points = pointsOf(
      answer(2, [1, 2]),
      ['cpu_percent'],
      live([0, 1], [2, 2], [4, 3], [6, 4]),
      START + 4000,
    );
    expect(points.lines[0]?.mean).toEqual([1, 2, 3]);
  });

  test('have a line of gaps for what nobody measured', () => {
    expect(pointsOf(answer(2, [1, 2]), ['nothing']).lines[0]?.mean).toEqual([null, null]);
  });
});

test('last week lies under this week, however finely it is remembered', () => {
  const week = 7 * 86_400_000;
  const points = pointsOf(answer(20, [1, 2, 3, 4, 5, 6]), ['cpu_percent']);
  expect(shifted(points, answer(60, [10, 20], START - week), 'cpu_percent', (time) => time - week)).toEqual([
    10, 10, 10, 20, 20, 20,
  ]);
  expect(shifted(points, answer(60, [10], START - week), 'cpu_percent', (time) => time - week)).toEqual([
    10,
    10,
    10,
    null,
    null,
    null,
  ]);
});
