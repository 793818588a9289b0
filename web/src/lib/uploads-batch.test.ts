import { describe, expect, it } from 'vitest';
import { LineReader, resultOf } from './uploads-batch';
import { equalBytes } from './uploads-same';
import { metadataOf } from './uploads-tus';
import type { Upload } from './uploads-types';

describe('LineReader', () => {
  it('gives each line of a growing text once, and none that is not whole', () => {
    const lines: string[] = [];
    const reader = new LineReader((line) => lines.push(line));
    reader.read('{"a":1}\n{"b"');
    expect(lines).toEqual(['{"a":1}']);
    reader.read('{"a":1}\n{"b":2}\r\n\n{"c":3}');
    reader.read('{"a":1}\n{"b":2}\r\n\n{"c":3}\n');
    expect(lines).toEqual(['{"a":1}', '{"b":2}', '{"c":3}']);
  });
});

describe('resultOf', () => {
  it('reads what became of one file', () => {
    expect(resultOf('{"index":2,"name":"a","status":201,"file":{"id":"7"}}')).toEqual({
      index: 2,
      result: { file: { id: '7' } },
    });
    const refused = '{"index":0,"status":409,"detail":"It is there.","type":"urn:homeserver:exists"}';
    expect(resultOf(refused)).toEqual({
      index: 0,
      result: {
        problem: { kind: 'refused', status: 409, detail: 'It is there.', type: 'urn:homeserver:exists' },
      },
    });
  });
  it('takes the sum at the end, and what it cannot read, for no file', () => {
    expect(resultOf('{"stored":2,"failed":0}')).toBeUndefined();
    expect(resultOf('<html>')).toBeUndefined();
  });
});

it('tells the server where a file goes, and only what is known of it', () => {
  const upload = {
    path: 'x/ü.txt',
    folder: 'f',
    onConflict: 'fail',
    tags: ['a', 'b'],
    shared: true,
  } as unknown;
  expect(metadataOf(upload as Upload)).toEqual({
    filename: 'ü.txt',
    relativePath: 'x/ü.txt',
    folder: 'f',
    on_conflict: 'fail',
    tags: 'a,b',
    shared: 'true',
  });
});

it('compares bytes', () => {
  const bytes = (...all: number[]) => new Uint8Array(all);
  expect(equalBytes(bytes(1, 2), bytes(1, 2))).toBe(true);
  expect(equalBytes(bytes(1, 2), bytes(1, 3))).toBe(false);
  expect(equalBytes(bytes(1), bytes(1, 2))).toBe(false);
});
