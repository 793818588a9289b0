import { afterAll, expect, test, vi } from 'vitest';
import { type HistoryAnswer, type Points, shifted } from './points';
import { weekBefore } from './view';

// Before anything is loaded that keeps the zone.
const zone = vi.hoisted(() => {
  const before = process.env.TZ;
  process.env.TZ = 'Europe/Berlin';
  return before;
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

const HOUR = 3_600_000;
const at = (text: string) => new Date(text).getTime();

test('last week is the same hour of the clock on the wall, also when summer time began or ended', () => {
  for (const [now, before] of [
    ['2026-11-26T09:00:00', '2026-11-19T09:00:00'],
    ['2026-03-29T09:00:00', '2026-03-22T09:00:00'], // 7 days less an hour
    ['2026-04-04T23:30:00', '2026-03-28T23:30:00'],
    ['2026-04-05T23:30:00', '2026-03-29T23:30:00'], // both in summer
    ['2026-10-25T09:00:00', '2026-10-18T09:00:00'], // 7 days and an hour
    ['2027-01-03T09:00:00', '2026-12-27T09:00:00'],
  ] as const)
    expect(new Date(weekBefore(at(now))).toString(), now).toBe(new Date(before).toString());
});

test('what happens every day at nine lies under nine', () => {
  // Hours of the week before, by what the clock showed, from 18 to 25 October 2026.
  const first = at('2026-10-17T00:00:00');
  const mean = Array.from({ length: 10 * 24 }, (_, hour) => new Date(first + hour * HOUR).getHours());
  const series = [{ metric: 'cpu_percent', mean, min: mean, max: mean, count: mean }];
  const other = {
    from: new Date(first).toISOString(),
    step_seconds: 3600,
    tier: '1h',
    series,
  } as HistoryAnswer;
  const from = at('2026-10-24T12:00:00');
  const times = Array.from({ length: 37 }, (_, hour) => from + hour * HOUR); // over the day of 25 hours
  const points: Points = { times: times.map((time) => time / 1000), lines: [], step: HOUR };
  expect(shifted(points, other, 'cpu_percent', weekBefore)).toEqual(
    times.map((time) => new Date(time).getHours()),
  );
});
