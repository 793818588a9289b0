import { expect, test } from 'vitest';
import { Catalogue } from './catalogue';
import { eventsWithin, type MachineEvent, markColor, sentenceFor } from './happened';

const metric = (name: string, title: string, unit: string, group: string) => ({
  name,
  title,
  unit,
  group,
  formula: '',
});
const catalogue = new Catalogue({
  metrics: [
    metric('cpu_percent', 'Processor', 'percent', 'processor'),
    metric('disk_read_bytes_per_second', 'Read from disks', 'bytes_per_second', 'disks'),
  ],
  series: [
    {
      key: 'disk_read_bytes_per_second{sda}',
      metric: 'disk_read_bytes_per_second',
      instance: 'sda',
      title: 'Samsung SSD',
      value: 1,
    },
    { key: 'cpu_percent', metric: 'cpu_percent', instance: '', title: '', value: 1 },
    { key: 'cpu_percent{0}', metric: 'cpu_percent', instance: '0', title: '', value: null },
    { key: 'gone', metric: 'gone', instance: '', title: '', value: null },
  ],
} as never);

test('figures are in the order of their metrics, and named for people', () => {
  expect(catalogue.figures.map(({ key }) => key)).toEqual([
    'cpu_percent',
    'cpu_percent{0}',
    'disk_read_bytes_per_second{sda}',
  ]);
  expect(
    ['cpu_percent', 'cpu_percent{0}', 'disk_read_bytes_per_second{sda}', 'gone'].map((key) =>
      catalogue.labelOf(key),
    ),
  ).toEqual(['CPU', 'Processor, 0', 'Read from disks, Samsung SSD', 'gone']);
});

test('units are known, also of what is not measured here any more', () => {
  expect(catalogue.unitOf('disk_read_bytes_per_second{sda}')).toBe('bytes_per_second');
  expect(['x_bytes{percent}', 'x_per_second', 'oom_kills'].map((key) => catalogue.unitOf(key))).toEqual([
    'bytes',
    'per_second',
    'count',
  ]);
});

test('are found by any of their words', () => {
  const found = (text: string) =>
    catalogue.search(text).map(({ name, figures }) => [name, figures.map(({ key }) => key)]);
  expect(found('SAMSUNG read')).toEqual([['Disks', ['disk_read_bytes_per_second{sda}']]]);
  expect(found('processor')).toEqual([['Processor', ['cpu_percent', 'cpu_percent{0}']]]);
  expect(found('samsung cpu')).toEqual([]);
  expect(found(' ').length).toBe(2);
});

test('events say what happened', () => {
  const event = (kind: string, count = 1, title = ''): MachineEvent => ({
    at: '2026-11-26T03:12:00Z',
    kind,
    count,
    title,
  });
  expect(
    [
      event('boot'),
      event('oom_kill', 2),
      event('upload', 1),
      event('backup', 1, 'failed'),
      event('alert', 1, 'Disk full'),
      event('check'),
      event('new'),
      event('new', 1, 'News'),
    ].map(sentenceFor),
  ).toEqual([
    'The machine started',
    '2 processes were killed for want of memory',
    '1 file was uploaded',
    'Backup failed',
    'Alert: Disk full',
    'All files were read again and compared',
    'new',
    'News',
  ]);
  expect([event('backup', 1, 'failed'), event('boot'), event('upload')].map(markColor)).toEqual([
    '--danger',
    '--warn',
    '--muted',
  ]);
  const at = Date.UTC(2026, 10, 26, 3, 12);
  expect([
    eventsWithin([event('boot')], at - 1, at + 1).length,
    eventsWithin([event('boot')], at + 1, at + 2).length,
  ]).toEqual([1, 0]);
});
