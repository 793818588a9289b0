import { describe, expect, test } from 'vitest';
import type { FeedSeries } from './feed';
import { History, KEEP_MS } from './history';
import type { Known, Recent } from './types';

const START = Date.UTC(2026, 10, 24, 12, 0, 0);
const series = (...keys: string[]) => keys.map((key) => ({ key }) as FeedSeries);

function history(...keys: string[]): History {
  const made = new History();
  made.describe(series(...(keys.length > 0 ? keys : ['cpu_percent'])), 2000);
  return made;
}

function recent(times: number[], cpu: Known[]): Recent {
  return { interval_seconds: 2, time: times, cpu_percent: cpu } as Recent;
}

function cpu(history: History, since = 0): [number[], Known[] | undefined] {
  const { times, values } = history.columns(['cpu_percent'], since);
  return [times.map((time) => time - START / 1000), values[0]];
}

describe('History', () => {
  test('goes on where the remembered minutes end', () => {
    const made = history();
    made.fill(recent([START, START + 2000], [1, 2]));
    made.add([[START + 4000, 3]]);
    expect(cpu(made)).toEqual([
      [0, 2, 4],
      [1, 2, 3],
    ]);
  });

  test('keeps a tick once, whichever way it came first', () => {
    const made = history();
    made.add([[START + 2004, 2]]);
    made.fill(recent([START, START + 2004], [1, 9]));
    made.add([[START + 4000, 3]]);
    expect(cpu(made)[1]).toEqual([1, 2, 3]);
  });

  test('leaves a gap where nothing was measured', () => {
    const made = history();
    made.add([[START, 1]]);
    made.add([[START + 10_000, 2]]);
    expect(cpu(made)).toEqual([
      [0, 2, 10],
      [1, null, 2],
    ]);
    expect(made.runs).toEqual([
      { from: START, to: START },
      { from: START + 10_000, to: START + 10_000 },
    ]);
    expect(made.columns(['cpu_percent'], 0, false).values).toEqual([[1, 2]]);
  });

  test('takes a tick that is a little late for no gap', () => {
    const made = history();
    made.add([
      [START, 1],
      [START + 3_000, 2],
      [START + 6_001, 3],
    ]);
    expect(cpu(made)[1]).toEqual([1, 2, null, 3]);
  });

  test('does not take the empty rows before the server started for measurements', () => {
    const made = history();
    made.fill(recent([START, START + 2000, START + 4000], [null, null, 5]));
    expect(cpu(made)).toEqual([[4], [5]]);
  });

  test('forgets the future when the clock of the server was set back', () => {
    const made = history();
    made.add([0, 1, 2, 3].map((tick) => [START + tick * 2000, tick]));
    made.add([[START + 2000, 10]]);
    expect(cpu(made)).toEqual([
      [0, 2],
      [0, 10],
    ]);
  });

  test('reads ticks of before by the schema of before', () => {
    const made = history('cpu_percent', 'load_1');
    made.add([[START, 1, 7]]);
    made.describe(series('usb', 'load_1', 'cpu_percent'), 2000);
    made.add([[START + 2000, null, 8, 2]]);
    expect(made.columns(['load_1', 'usb', 'cpu_percent'], 0).values).toEqual([
      [7, 8],
      [null, null],
      [1, 2],
    ]);
    expect([made.value('load_1'), made.value('usb'), made.value('nothing')]).toEqual([8, null, null]);
  });

  test('forgets what is older than it keeps', () => {
    const made = history();
    for (let tick = 0; tick <= KEEP_MS / 2000 + 50; tick++) made.add([[START + tick * 2000, tick]]);
    expect(made.length).toBe(KEEP_MS / 2000 + 1);
    expect(made.runs).toEqual([{ from: START + 50 * 2000, to: START + KEEP_MS + 50 * 2000 }]);
  });
});
