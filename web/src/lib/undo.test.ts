import { describe, expect, it } from 'vitest';
import type { Done, FileInfo } from './types';
import { movesBack, namesBack, tagsBack } from './undo';

const file = (id: string, tags: string[] = [], filename = id) =>
  ({ id, tags, filename }) as unknown as FileInfo;
const done = (id: string, from: string, kind: Done['kind'] = 'file', name = id): Done => ({
  id,
  of: id,
  kind,
  name,
  from,
  folder_id: 'there',
});

describe('tags', () => {
  it('come back file by file, in as few requests as there are kinds of change', () => {
    const before = [file('a', ['x']), file('b', ['old']), file('c', ['old', 'x']), file('d', ['old'])];
    expect(tagsBack(before, { add: ['x'], remove: ['old'] })).toEqual([
      { ids: ['b', 'd'], add: ['old'], remove: ['x'] },
      { ids: ['c'], add: ['old'], remove: [] },
    ]);
  });
  it('that changed nothing need nothing', () => {
    expect(tagsBack([file('a', ['x'])], { add: ['x'], remove: ['y'] })).toEqual([]);
  });
});

describe('moves', () => {
  it('go back to where each came from', () => {
    expect(movesBack([done('a', 'f1'), done('b', 'f2', 'folder'), done('c', 'f1', 'folder')])).toEqual([
      { to: 'f1', files: [{ id: 'a' }], folders: [{ id: 'c' }] },
      { to: 'f2', files: [], folders: [{ id: 'b' }] },
    ]);
  });
  it('leave alone what replaced a file: there is nothing left to move', () => {
    const replacing = { ...done('there', 'f1'), of: 'a', replaced: 'there' };
    expect(movesBack([replacing])).toEqual([]);
    expect(namesBack([replacing], [file('a', [], 'a.txt')])).toEqual([]);
    const folder = { ...done('a', 'f1', 'folder'), replaced: 'old' };
    expect(movesBack([folder])).toHaveLength(1);
  });
  it('give back the names they took away', () => {
    const before = [file('a', [], 'a.txt'), file('b', [], 'b.txt')];
    const after = [done('a', 'f1', 'file', 'a (2).txt'), done('b', 'f1', 'file', 'b.txt')];
    expect(namesBack(after, before)).toEqual([{ id: 'a', kind: 'file', name: 'a.txt' }]);
  });
});
