import { describe, expect, test } from 'vitest';
import { axisLabel, axisRange, formatValue, rateCeiling, type Unit } from './units';

const KB = 1024;
const MB = 1024 ** 2;

describe('rateCeiling', () => {
  test.each([
    [0, 20 * KB],
    [21 * KB, 40 * KB],
    [900 * KB, MB],
    [3.2 * MB, 4 * MB],
    [9 * MB, 10 * MB],
    [101 * MB, 200 * MB],
    [900 * MB, 1024 * MB],
  ])('%d fits below %d', (highest, want) => {
    expect(rateCeiling(highest)).toBe(want);
  });

  test('a small drawing may span less', () => {
    expect(rateCeiling(3 * KB, KB)).toBe(4 * KB);
    expect(rateCeiling(0, KB)).toBe(KB);
  });

  test('never lies below the value', () => {
    for (let value = 1; value < 1e13; value *= 1.37) expect(rateCeiling(value)).toBeGreaterThanOrEqual(value);
  });
});

test('labels say what they count', () => {
  expect([
    axisLabel('percent', 25),
    axisLabel('bytes_per_second', 0),
    axisLabel('bytes_per_second', 2.5 * MB),
    axisLabel('celsius', 60),
    axisLabel('count', 12_000),
    axisLabel('state', 1),
  ]).toEqual(['25%', '0', '2.5 MB/s', '60 °C', '12K', 'yes']);
});

test.each([
  ['percent', 12.34, '12.3%'],
  ['bytes', 3 * MB, '3 MB'],
  ['per_second', 1.5, '1.5/s'],
  ['milliseconds', 0.25, '0.25 ms'],
  ['seconds', 90, '1 min 30 s'],
  ['state', 1, 'yes'],
  ['state', 0.25, '25% of the time'],
  ['rpm', 1200, '1,200 rpm'],
  ['watts', null, '–'],
] as const)('%s of %s reads %s', (unit, value, want) => {
  expect(formatValue(unit, value)).toBe(want);
});

test('an axis holds its values, and begins at zero unless they lie below', () => {
  expect(axisRange('percent', 3, 40)).toEqual([0, 100]);
  expect(axisRange('state', 0, 1)).toEqual([0, 1]);
  for (const unit of ['count', 'celsius', 'milliseconds', 'bytes', 'watts'] as Unit[])
    for (let highest = 0.003; highest < 1e7; highest *= 2.3) {
      const [low, high] = axisRange(unit, -highest, highest);
      expect(high).toBeGreaterThanOrEqual(highest);
      expect(low).toBeLessThanOrEqual(-highest);
      expect(axisRange(unit, highest / 2, highest)[0]).toBe(0);
    }
});
