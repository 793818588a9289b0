import { describe, expect, test } from 'vitest';
import { History, KEEP_MS, METRICS } from './history';
import type { Dashboard, Known, Recent } from './types';

const START = Date.UTC(2026, 10, 24, 12, 0, 0);

function frame(time: number, cpu: Known): Dashboard {
  const system = Object.fromEntries(METRICS.map((metric) => [metric, null]));
  return {
    sampled_at: new Date(time).toISOString(),
    system: { ...system, cpu_percent: cpu },
  } as unknown as Dashboard;
}

function recent(times: number[], cpu: Known[]): Recent {
  const columns = Object.fromEntries(METRICS.map((metric) => [metric, times.map(() => null as Known)]));
  return { interval_seconds: 2, time: times, ...columns, cpu_percent: cpu } as Recent;
}

function cpu(history: History, since = 0): [number[], Known[] | undefined] {
  const { times, values } = history.columns(['cpu_percent'], since);
  return [times.map((time) => time - START / 1000), values[0]];
}

describe('History', () => {
  test('goes on where the remembered minutes end', () => {
    const history = new History();
    history.fill(recent([START, START + 2000], [1, 2]));
    expect(history.add(frame(START + 4000, 3))).toBe(false);
    expect(cpu(history)).toEqual([
      [0, 2, 4],
      [1, 2, 3],
    ]);
  });

  test('keeps a tick once, whichever way it came first', () => {
    const history = new History();
    history.add(frame(START + 2004, 2));
    history.fill(recent([START, START + 2000], [1, 9]));
    history.add(frame(START + 2004, 2));
    expect(cpu(history)[1]).toEqual([1, 2]);
  });

  test('leaves a gap where nothing was measured', () => {
    const history = new History();
    history.add(frame(START, 1));
    expect(history.add(frame(START + 10_000, 2))).toBe(true);
    expect(cpu(history)).toEqual([
      [0, 2, 10],
      [1, null, 2],
    ]);
  });

  test('does not take the empty rows before the server started for measurements', () => {
    const history = new History();
    history.fill(recent([START, START + 2000, START + 4000], [null, null, 5]));
    expect(cpu(history)).toEqual([[4], [5]]);
  });

  test('leaves a gap where an old value was sent again', () => {
    const history = new History();
    const old = frame(START, 7);
    old.system.stale = ['cpu'];
    history.add(old);
    expect(cpu(history)[1]).toEqual([null]);
  });

  test('puts a late frame in its place', () => {
    const history = new History();
    history.add(frame(START, 1));
    history.add(frame(START + 4000, 3));
    history.add(frame(START + 2000, 2));
    expect(cpu(history)[1]).toEqual([1, 2, 3]);
  });

  test('forgets what is older than it keeps', () => {
    const history = new History();
    for (let tick = 0; tick <= KEEP_MS / 2000 + 50; tick++) history.add(frame(START + tick * 2000, tick));
    expect(history.length).toBe(KEEP_MS / 2000 + 1);
  });

  test('ignores a frame without a time', () => {
    const history = new History();
    history.add({ ...frame(START, 1), sampled_at: 'soon' });
    expect(history.length).toBe(0);
  });

  test('thins a table and shows the newest first', () => {
    const history = new History();
    for (let tick = 0; tick < 100; tick++) history.add(frame(START + tick * 2000, tick));
    const rows = history.table(START, 10);
    expect(rows.length).toBe(10);
    expect(rows[0]?.cpu_percent).toBe(99);
  });
});
