import { afterAll, describe, expect, test, vi } from 'vitest';
import { timeLabel, timeMarks } from './timeaxis';

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

const at = (text: string) => new Date(text).getTime() / 1000;
const clock = (mark: number) => {
  const time = new Date(mark * 1000);
  return `${time.getDate()}. ${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
};

describe('the time axis', () => {
  test('has marks by the clock on the wall on the day that summer time begins', () => {
    const { marks } = timeMarks(at('2026-03-28T18:00:00'), at('2026-03-30T06:00:00'), 8);
    expect(marks.map(clock)).toEqual([
      '28. 18:00',
      '29. 00:00',
      '29. 06:00',
      '29. 12:00',
      '29. 18:00',
      '30. 00:00',
      '30. 06:00',
    ]);
    // The night is an hour shorter.
    expect([marks[2], marks[3]].map((mark, index) => (mark ?? 0) - (marks[index + 1] ?? 0))).toEqual([
      5 * 3600,
      6 * 3600,
    ]);
  });

  test('and on the day that it ends', () => {
    const { marks } = timeMarks(at('2026-10-24T18:00:00'), at('2026-10-26T00:00:00'), 6);
    expect(marks.map(clock)).toEqual([
      '24. 18:00',
      '25. 00:00',
      '25. 06:00',
      '25. 12:00',
      '25. 18:00',
      '26. 00:00',
    ]);
    expect((marks[2] ?? 0) - (marks[1] ?? 0)).toBe(7 * 3600);
  });

  test('shows the hour that comes twice twice', () => {
    const { marks, step } = timeMarks(at('2026-10-25T00:00:00Z'), at('2026-10-25T03:00:00Z'), 4);
    expect(marks.map(clock)).toEqual(['25. 02:00', '25. 02:00', '25. 03:00', '25. 04:00']);
    expect(step).toBe(3600);
  });

  test('leaves out the hour that does not come', () => {
    const { marks } = timeMarks(at('2026-03-29T00:00:00Z'), at('2026-03-29T03:00:00Z'), 4);
    expect(marks.map(clock)).toEqual(['29. 01:00', '29. 03:00', '29. 04:00', '29. 05:00']);
  });

  test('days, months and years begin at midnight, whatever the season', () => {
    for (const [from, to] of [
      ['2026-03-20', '2026-04-05'],
      ['2026-01-01', '2026-12-31'],
      ['2021-11-26', '2026-11-26'],
    ] as const) {
      const { marks } = timeMarks(at(`${from}T12:00:00`), at(`${to}T12:00:00`), 8);
      expect(marks.length).toBeGreaterThan(3);
      for (const mark of marks) expect(clock(mark)).toMatch(/ 00:00$/);
    }
  });

  test('never has more marks than there is room for, nor hardly any', () => {
    for (let span = 60; span < 5 * 366 * 86_400; span *= 1.7) {
      const { marks } = timeMarks(at('2026-11-26T12:34:56') - span, at('2026-11-26T12:34:56'), 8);
      expect(marks.length, `${span} s`).toBeLessThanOrEqual(9);
      expect(marks.length, `${span} s`).toBeGreaterThanOrEqual(2);
      for (let index = 1; index < marks.length; index++)
        expect(marks[index]).toBeGreaterThan(marks[index - 1] as number);
    }
  });

  test('says what differs', () => {
    expect(timeLabel(at('2026-11-26T14:03:20'), 10)).toBe('14:03:20');
    expect(timeLabel(at('2026-11-26T14:03:00'), 60)).toBe('14:03');
    expect(timeLabel(at('2026-11-26T00:00:00'), 3600)).toMatch(/26/);
    expect(timeLabel(at('2026-01-01T00:00:00'), 31 * 86_400)).toBe('2026');
    expect(timeLabel(at('2026-02-01T00:00:00'), 31 * 86_400)).not.toMatch(/2/);
  });
});
