import { expect, test } from 'vitest';
import { csvOf, fileName, fitted, rowsOf } from './export';
import type { Points } from './points';

const START = Date.UTC(2026, 10, 26, 3, 12);
const line = (mean: (number | null)[]) => ({
  mean,
  min: mean.map((v) => v && v - 1),
  max: mean.map((v) => v && v + 1),
});
const points = (step: number): Points => ({
  times: [0, 1, 2, 3].map((at) => (START + at * step) / 1000),
  lines: [line([1.5, null, 3, 4]), line([10, 20, 30, 40])],
  step,
});

test('a table has what is shown, and gaps are empty', () => {
  const lines = [
    { key: 'cpu_percent', label: 'Processor' },
    { key: 'x{a "b"%2Cc}', label: 'X' },
  ];
  expect(csvOf(points(2000), lines, START, START + 4000)).toBe(
    'time,cpu_percent,"x{a ""b""%2Cc}"\r\n2026-11-26T03:12:00.000Z,1.5,10\r\n2026-11-26T03:12:02.000Z,,20\r\n2026-11-26T03:12:04.000Z,3,30\r\n',
  );
  expect(csvOf(points(60_000), lines.slice(0, 1), START + 120_000, START + 200_000)).toBe(
    'time,cpu_percent,cpu_percent min,cpu_percent max\r\n2026-11-26T03:14:00.000Z,3,2,4\r\n2026-11-26T03:15:00.000Z,4,3,5\r\n',
  );
});

test('no name is a formula to a spreadsheet', () => {
  expect(csvOf({ times: [], lines: [], step: 2000 }, [{ key: '=1+1', label: '' }], 0, 1)).toBe(
    "time,'=1+1\r\n",
  );
});

test('a file is named for what it shows', () => {
  expect(fileName('Memory & disk', START, 'csv')).toBe('Memory-disk-2026-11-26-03-12.csv');
  expect(fileName('///', START, 'png')).toBe('chart-2026-11-26-03-12.png');
});

test('the names of many lines stand in as many rows as they need', () => {
  expect(rowsOf([100, 100, 100], 300)).toEqual([[0, 1, 2]]);
  expect(rowsOf([100, 100, 101, 50], 300)).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect(rowsOf([500, 100, 500], 300)).toEqual([[0], [1], [2]]);
  expect(rowsOf([], 300)).toEqual([]);
});

test('what is too long for its place is cut, and says so', () => {
  const width = (text: string) => [...text].length * 10;
  expect(fitted('Memory', 60, width)).toBe('Memory');
  expect(fitted('Memory & disk', 80, width)).toBe('Memory…');
  expect(fitted('🏠🏠🏠', 20, width)).toBe('🏠…');
  expect(fitted('Memory', 5, width)).toBe('…');
});
