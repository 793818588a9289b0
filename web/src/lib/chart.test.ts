import { describe, expect, test } from 'vitest';
import { rateCeiling, sparkline, valueLabel } from './chart';

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
  expect([valueLabel('percent', 25), valueLabel('rate', 0), valueLabel('rate', 2.5 * MB)]).toEqual([
    '25%',
    '0',
    '2.5 MB/s',
  ]);
});

test('a sparkline is broken where nothing was measured', () => {
  const path = sparkline([0, 5, 10], [10, null, 5], { width: 100, height: 20 }, [0, 10], 10);
  expect(path).toBe('M0.0 0.0M100.0 10.0');
});
