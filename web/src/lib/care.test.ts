import { describe, expect, it } from 'vitest';
import { type BackupRun, backupState, quotaOf, quotaText } from './care';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const ago = (hours: number) => new Date(NOW - hours * 3_600_000).toISOString();
const run = (hours: number, error = ''): BackupRun => ({
  ...{ id: `${hours}`, place: '/backup', files: 1, bytes: 1, new_bytes: 1, error },
  ...{ started: ago(hours), finished: ago(hours) },
});
const daily = { directory: '/backup', every_hours: 24, keep: 7 };

describe('backupState', () => {
  it.each([
    ['none', { schedule: { ...daily, directory: '' }, last: null, runs: [] }],
    ['never', { schedule: daily, last: null, runs: [] }],
    ['failed', { schedule: daily, last: null, runs: [run(1, 'No such directory.')] }],
    ['fresh', { schedule: daily, last: run(36), runs: [run(36)] }],
    ['overdue', { schedule: daily, last: run(38), runs: [run(38)] }],
    ['failed', { schedule: daily, last: run(20), runs: [run(1, 'Disk full.'), run(20)] }],
    ['fresh', { schedule: daily, last: run(1), runs: [run(1), run(20, 'Disk full.')] }],
    ['fresh', { schedule: { ...daily, every_hours: 0 }, last: run(150), runs: [] }],
    ['overdue', { schedule: { ...daily, every_hours: 0 }, last: run(200), runs: [] }],
  ] as const)('%s', (want, { schedule, last, runs }) => {
    expect(backupState({ schedule, last, runs: [...runs] }, NOW)).toBe(want);
  });
});

it('reads quotas in GB', () => {
  expect(quotaOf('')).toBeNull();
  expect(quotaOf('1,5')).toBe(1.5 * 1024 ** 3);
  expect(quotaOf('0')).toBe(0);
  expect(quotaOf('-1')).toBeUndefined();
  expect(quotaOf('much')).toBeUndefined();
  expect(quotaText(1.5 * 1024 ** 3)).toBe('1.5');
  expect(quotaText(null)).toBe('');
});
