import { describe, expect, test } from 'vitest';
import { type Alert, bySeverity, formatFigure, numberText, rises, scaleOf, typedNumber } from './alerts';

const words = { yes: 'yes', no: 'no' };

test('figures bear their unit', () => {
  expect(formatFigure(93.25, 'percent', words)).toBe('93.3%');
  expect(formatFigure(1536, 'bytes', words)).toBe('1.5 kB');
  expect(formatFigure(-1536, 'bytes', words)).toBe('-1.5 kB');
  expect(formatFigure(7200, 'seconds', words)).toBe('2 h');
  expect(formatFigure(10 * 365 * 86_400, 'seconds', words)).toBe('∞');
  expect(formatFigure(1, 'state', words)).toBe('yes');
  expect(formatFigure(0, 'state', words)).toBe('no');
  expect(formatFigure(4.5, 'celsius', words)).toBe('4.5 °C');
  expect(formatFigure(1234.567, 'count', words)).toBe('1,234.57');
});

describe('what is typed', () => {
  test('comes back as it was', () => {
    for (const unit of ['percent', 'bytes', 'bytes_per_second', 'seconds', 'celsius', 'count']) {
      const { by } = scaleOf(unit);
      expect(typedNumber(numberText(12.5 * by, by), by)).toBe(12.5 * by);
    }
  });
  test('may have a comma, and must be a number', () => {
    expect(typedNumber(' 1,5 ', 2)).toBe(3);
    expect(typedNumber('-3', 1)).toBe(-3);
    for (const text of ['', ' ', 'much', '1 2', 'Infinity', 'NaN'])
      expect(typedNumber(text, 1)).toBeUndefined();
  });
});

test('the worst first, then the newest', () => {
  const alert = (severity: Alert['severity'], raised_at: string) => ({ severity, raised_at }) as Alert;
  const sorted = bySeverity([
    alert('info', '2026-01-03'),
    alert('critical', '2026-01-01'),
    alert('warning', '2026-01-02'),
    alert('critical', '2026-01-02'),
  ]);
  expect(sorted.map(({ severity, raised_at }) => `${severity} ${raised_at.slice(-1)}`)).toEqual([
    'critical 2',
    'critical 1',
    'warning 2',
    'info 3',
  ]);
});

test('what is left to a limit gets worse by falling', () => {
  expect(rises({ condition: 'above' })).toBe(true);
  expect(rises({ condition: 'increase' })).toBe(true);
  expect(rises({ condition: 'below' })).toBe(false);
  expect(rises({ condition: 'trend' })).toBe(false);
  expect(rises({ condition: 'above', against: 'x' })).toBe(false);
});
