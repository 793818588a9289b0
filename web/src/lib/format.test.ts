import { describe, expect, test } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatDate,
  formatDateTime,
  formatDuration,
  formatGigabytes,
  formatPercent,
  formatRate,
  plural,
  UNKNOWN,
} from './format';

describe('formatBytes', () => {
  test.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1 kB'],
    [1536, '1.5 kB'],
    [1024 ** 2 - 1, '1 MB'],
    [150 * 1024 ** 2, '150 MB'],
    [5.25 * 1024 ** 3, '5.3 GB'],
    [3 * 1024 ** 4, '3 TB'],
    [-5, '0 B'],
    [Number.NaN, UNKNOWN],
    [null, UNKNOWN],
  ])('%s is %s', (value, want) => {
    expect(formatBytes(value)).toBe(want);
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3661, '1 h 1 min'],
    [86400, '1 d'],
    [93784, '1 d 2 h'],
    [-3, '0 s'],
  ])('%s s is %s', (seconds, want) => {
    expect(formatDuration(seconds)).toBe(want);
  });
});

test('what is not known is said to be unknown, never zero', () => {
  expect([formatPercent(null), formatRate(null), formatGigabytes(null)]).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
});

test('percentages keep one digit, so that they do not jump', () => {
  expect([formatPercent(5), formatPercent(12.34)]).toEqual(['5.0%', '12.3%']);
});

test('today is a time, another day a date, nonsense unknown', () => {
  const now = new Date(2026, 10, 24, 15, 0);
  expect(formatDate(new Date(2026, 10, 24, 14, 3), now)).toBe('14:03');
  expect(formatDate(new Date(2026, 10, 23, 14, 3), now)).toContain('2026');
  expect(formatDate('nonsense', now)).toBe(UNKNOWN);
  expect(formatDateTime('nonsense')).toBe(UNKNOWN);
});

test('plural', () => {
  expect([plural(1, 'file', 'files'), plural(0, 'file', 'files'), plural(1200, 'file', 'files')]).toEqual([
    '1 file',
    '0 files',
    '1,200 files',
  ]);
});

test('tells ages in the largest unit that says something', () => {
  const now = Date.parse('2026-11-26T12:00:00Z');
  const ago = (seconds: number) => formatAge(now - seconds * 1_000, now);
  expect(ago(10)).toBe('now');
  expect(ago(61)).toBe('1 minute ago');
  expect(ago(7_200)).toBe('2 hours ago');
  expect(ago(86_400)).toBe('yesterday');
  expect(ago(3 * 86_400 + 5)).toBe('3 days ago');
  expect(ago(-60)).toBe('now');
});
