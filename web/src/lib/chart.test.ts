import { expect, test } from 'vitest';
import { MOST_LINES } from './arrangement';
import { lineStyle, sparkline } from './chart';

test('a sparkline is broken where nothing was measured', () => {
  const path = sparkline([0, 5, 10], [10, null, 5], { width: 100, height: 20 }, [0, 10], 10);
  expect(path).toBe('M0.0 0.0M100.0 10.0');
});

test('no two lines of a chart look the same', () => {
  const looks = Array.from({ length: MOST_LINES }, (_, at) => JSON.stringify(lineStyle(at)));
  expect(new Set(looks).size).toBe(MOST_LINES);
});
