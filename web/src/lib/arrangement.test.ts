import { describe, expect, test } from 'vitest';
import { chartsOf, MOST_CHARTS, MOST_LINES, moved, readArrangement, usual } from './arrangement';

describe('what was kept', () => {
  test('is read back as it was written', () => {
    const mine = usual();
    mine.cards = ['network', 'resources'];
    mine.charts = [{ id: 'x', series: ['load_1', 'temperature_celsius{/sys/a}'], wide: true }];
    mine.span = 3_600_000;
    mine.compare = true;
    expect(readArrangement(JSON.parse(JSON.stringify(mine)))).toEqual(mine);
    expect(readArrangement({ ...mine, cards: [], charts: [] })).toMatchObject({ cards: [], charts: [] });
  });

  test.each([
    null,
    undefined,
    7,
    'x',
    [],
    {},
    { charts: 7, cards: 'x', span: 'long' },
    { span: 1, compare: 'yes' },
  ])('that cannot be read is as usual: %j', (kept) => {
    expect(readArrangement(kept)).toEqual(usual());
  });

  test('loses only what cannot be read', () => {
    const read = readArrangement({
      cards: ['network', 'nonsense', 'network', null],
      charts: [
        null,
        { id: 'a', series: [] },
        { id: 'b', series: ['cpu_percent'] },
        { id: 'b', series: ['load_1'] },
        { id: 'c', series: [7] },
        { id: 'd', series: Array.from({ length: 40 }, (_, at) => `load_1{${at % 20}}`) },
        { id: 'e', series: ['load_1', 'load_1'] },
        ...Array.from({ length: 200 }, (_, at) => ({ id: `many ${at}`, series: ['load_1'] })),
      ],
    });
    expect(read.cards).toEqual(['network']);
    expect(read.charts.slice(0, 3).map(({ id, series, wide }) => [id, series.length, wide])).toEqual([
      ['b', 1, false],
      ['d', MOST_LINES, false],
      ['e', 1, false],
    ]);
    expect(read.charts.length).toBe(MOST_CHARTS);
  });
});

test('moves one, and no further than to an end', () => {
  expect(moved([1, 2, 3], 0, 1)).toEqual([2, 1, 3]);
  expect(moved([1, 2, 3], 2, 0)).toEqual([3, 1, 2]);
  expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3]);
  expect(moved([1, 2, 3], 2, 9)).toEqual([1, 2, 3]);
  expect(moved([1, 2, 3], 7, 0)).toEqual([1, 2, 3]);
  expect(moved([1, 2, 3], -1, 0)).toEqual([1, 2, 3]);
});

test('series of different units become charts of their own', () => {
  let id = 0;
  const many = Array.from({ length: MOST_LINES + 1 }, (_, at) => `percent ${at}`);
  const charts = chartsOf(
    ['watts a', ...many, 'watts b'],
    (key) => key.split(' ')[0] as string,
    () => String(id++),
  );
  expect(charts.map(({ series }) => series)).toEqual([
    ['watts a', 'watts b'],
    many.slice(0, MOST_LINES),
    many.slice(MOST_LINES),
  ]);
  expect(new Set(charts.map((chart) => chart.id)).size).toBe(3);
});
