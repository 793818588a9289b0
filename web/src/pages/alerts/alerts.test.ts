import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Rule } from '../../lib/alerts';
import { AlertsStore, Part } from './alerts.svelte';

/** A part whose every question the test answers by hand. */
function byHand() {
  const asked: { resolve: (value: number) => void; reject: (reason: Error) => void }[] = [];
  const part = new Part<number>(() => new Promise((resolve, reject) => asked.push({ resolve, reject })));
  return { part, asked };
}

describe('Part', () => {
  it('asks once, however often it is told to while that waits', async () => {
    const { part, asked } = byHand();
    const all = Promise.all([part.load(), part.load({ neverAsk: true }), part.load()]);
    expect(asked).toHaveLength(1);
    asked[0]?.resolve(1);
    await all;
    expect(part.value).toBe(1);
  });

  it('asks after a change for what is so after it', async () => {
    const { part, asked } = byHand();
    const first = part.load();
    const changed = Promise.all([part.reload(), part.reload()]);
    asked[0]?.resolve(1);
    await first;
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    asked[1]?.resolve(2);
    await changed;
    expect([part.value, asked.length]).toEqual([2, 2]);
  });

  it('keeps what was so, since when, and why it is not known any more', async () => {
    const { part, asked } = byHand();
    const before = Date.now();
    const first = part.load();
    asked[0]?.resolve(1);
    await first;
    const { asOf } = part;
    expect(asOf).toBeGreaterThanOrEqual(before);
    const second = part.load();
    asked[1]?.reject(new Error('away'));
    await second;
    expect([part.value, part.asOf]).toEqual([1, asOf]);
    expect(part.problem).not.toBe('');
    const third = part.load();
    asked[2]?.resolve(3);
    await third;
    expect([part.value, part.problem]).toEqual([3, '']);
  });
});

describe('AlertsStore', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('changes a rule only as it was seen, and looks again when somebody else was first', async () => {
    const rule = { id: 'memory-full', name: 'Memory', enabled: true, etag: '"seen"' } as Rule;
    const asked: { method: string; ifMatch?: string; body?: unknown }[] = [];
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      if (init.method !== 'PUT') {
        asked.push({ method: 'GET' });
        return Response.json({ rules: [{ ...rule, etag: '"theirs"' }] });
      }
      const ifMatch = new Headers(init.headers).get('If-Match') ?? '';
      asked.push({ method: 'PUT', ifMatch, body: JSON.parse(String(init.body)) });
      return Response.json({ detail: 'Somebody else was first.' }, { status: 412 });
    });
    const store = new AlertsStore();
    await expect(store.switchRule(rule, false)).rejects.toThrow('Somebody else was first.');
    expect(asked).toEqual([
      { method: 'PUT', ifMatch: '"seen"', body: { name: 'Memory', enabled: false } },
      { method: 'GET' },
    ]);
    expect(store.rules.value?.[0]?.etag).toBe('"theirs"');
  });
});
