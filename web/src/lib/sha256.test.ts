import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { SHA256 } from './sha256';

const hexOf = (pieces: readonly Uint8Array[]) => {
  const sum = new SHA256();
  for (const piece of pieces) sum.update(piece);
  return sum.hex();
};

it('gives the digests of the standard', () => {
  expect(hexOf([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(hexOf([new TextEncoder().encode('abc')])).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

it('gives those of node for every length around a block', () => {
  for (let length = 0; length < 200; length++) {
    const content = randomBytes(length);
    expect(hexOf([content]), `${length}`).toBe(createHash('sha256').update(content).digest('hex'));
  }
});

it('does not mind how the content is cut', () => {
  const content = randomBytes(300_001);
  const want = createHash('sha256').update(content).digest('hex');
  for (const size of [1, 63, 64, 65, 1_000, 300_000]) {
    const pieces = Array.from({ length: Math.ceil(content.length / size) }, (_, at) =>
      content.subarray(at * size, (at + 1) * size),
    );
    expect(hexOf(pieces), `${size}`).toBe(want);
  }
});
