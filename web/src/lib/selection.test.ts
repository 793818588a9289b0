import { describe, expect, it } from 'vitest';
import { Selection } from './selection';

const rows = 'abcdefgh'.split('').map((id) => ({ id }));

function select(run: (selection: Selection) => void): string {
  const selection = new Selection();
  run(selection);
  return selection.ids.sort().join('');
}

describe('Selection', () => {
  it('toggles', () => {
    expect(select((s) => [s.toggle('a'), s.toggle('c'), s.toggle('a')])).toBe('c');
  });

  it('extends from the last toggled row, either way, and keeps the rest', () => {
    expect(select((s) => [s.toggle('h'), s.toggle('c'), s.range('e', rows)])).toBe('cdeh');
    expect(select((s) => [s.toggle('e'), s.range('b', rows)])).toBe('bcde');
  });

  it('shrinks a range walked with the arrows', () => {
    expect(select((s) => [s.only('c'), s.range('f', rows, false), s.range('d', rows, false)])).toBe('cd');
    expect(select((s) => [s.only('c'), s.range('f', rows, false), s.range('a', rows, false)])).toBe('abc');
  });

  it('takes one row when there is no anchor, or the anchor is gone', () => {
    expect(select((s) => s.range('d', rows))).toBe('d');
    expect(select((s) => [s.anchorAt('gone'), s.range('d', rows), s.range('f', rows, false)])).toBe('def');
  });

  it('knows the only one, all, and forgets what is gone', () => {
    const selection = new Selection();
    selection.all(rows);
    expect(selection.size).toBe(8);
    expect(selection.single).toBeNull();
    selection.drop(['b', 'c', 'd', 'e', 'f', 'g', 'h']);
    expect(selection.single).toBe('a');
    selection.clear();
    expect(selection.size).toBe(0);
    expect(selection.has('a')).toBe(false);
  });
});
