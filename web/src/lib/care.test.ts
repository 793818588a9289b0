import { describe, expect, it } from 'vitest';
import { type BackupRun, type Backups, backupState, quotaOf, quotaText } from './care';

const at = '2026-11-26T12:00:00Z';
const run = (state: BackupRun['state'], error = ''): BackupRun => ({
  ...{ id: state, directory: '/backup', files: 1, bytes: 1, new_files: 1, new_bytes: 1, error, state },
  ...{ started: at, finished: state === 'running' ? null : at },
});
const daily = { directory: '/backup', every_hours: 24, keep: 7 };
const fine: Backups = {
  schedule: daily,
  next: at,
  last: run('done'),
  running: null,
  runs: [run('done')],
  warning: '',
};

describe('backupState', () => {
  it.each<[string, Partial<Backups>]>([
    ['fresh', {}],
    [
      'none',
      { schedule: { ...daily, directory: '' }, last: null, runs: [], warning: 'There are no backups.' },
    ],
    ['never', { last: null, runs: [], warning: 'There is no backup yet.' }],
    ['never', { last: null, runs: [], schedule: { ...daily, every_hours: 0 } }],
    ['failed', { runs: [run('failed', 'Disk full.'), run('done')], warning: 'Disk full.' }],
    ['failed', { runs: [run('running'), run('failed', 'Disk full.')], warning: 'Disk full.' }],
    ['incomplete', { runs: [run('incomplete', '1 is missing.')], warning: '1 is missing.' }],
    ['overdue', { warning: 'The last backup is 3 days old.' }],
  ])('%s', (want, part) => {
    expect(backupState({ ...fine, ...part })).toBe(want);
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
