import { expect, test } from 'vitest';
import { readMessage } from './feed';

test('reads what the protocol says, and nothing else', () => {
  const dashboard = { system: {}, storage: {} };
  for (const [text, want] of [
    ['[1000,1.5,null]', { ticks: [[1000, 1.5, null]] }],
    ['{"ticks":[[1000,1],[3000,2]]}', { ticks: [[1000, 1], [3000, 2]] }], // biome-ignore format: two ticks
    ['{"schema":{"series":[]},"complete":true}', { schema: { series: [] }, complete: true }],
    [JSON.stringify({ dashboard }), { dashboard }],
    ['not json', undefined],
    ['[]', undefined],
    ['["x"]', undefined],
    ['null', undefined],
    ['7', undefined],
    ['{"ticks":7}', undefined],
    ['{"ticks":[[]]}', undefined],
    ['{"schema":{}}', undefined],
    ['{"dashboard":{"system":{}}}', undefined],
    ['{}', undefined],
  ] as const)
    expect(readMessage(text), text).toEqual(want);
});
