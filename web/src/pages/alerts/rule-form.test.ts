import { describe, expect, it } from 'vitest';
import type { Metric, Metrics, Rule } from '../../lib/alerts';
import { RuleForm } from './rule-form.svelte';

const GB = 1024 ** 3;
const metric = (name: string, unit: string) =>
  ({ name, unit, title: name, group: 'g', instance: '' }) as Metric;
const KNOWN: Metrics = { metrics: [metric('free', 'bytes'), metric('load', 'count')], series: [] };

function ruleOf(change: Partial<Rule>): Rule {
  return {
    ...{ id: 'r', default: false, changed: false, unit: 'bytes', series: [], name: 'Free', enabled: true },
    ...{ severity: 'warning', metric: 'free', instance: '', condition: 'above', no_data: 'keep' },
    ...{ raise: 0, clear: 0, for_seconds: 100, hold_seconds: 7, no_data_after_seconds: 120 },
    ...change,
  } as Rule;
}

describe('RuleForm', () => {
  it('saves what nobody touched as it was', () => {
    for (const [raise, clear] of [
      [400_000, 300_000],
      [100_000_000, 99_999_999],
      [123_456_789_012, 1],
    ] as const) {
      const form = new RuleForm(() => KNOWN, ruleOf({ raise, clear }));
      expect(Number(form.raise)).toBeGreaterThan(0);
      expect(form.made()).toMatchObject({ raise, clear, for_seconds: 100, hold_seconds: 7 });
      form.fields.name = 'Another';
      form.for = '2';
      expect(form.made()).toMatchObject({ raise, clear, for_seconds: 120, hold_seconds: 7 });
    }
  });

  it('saves what was typed, also the same figure of another metric', () => {
    const form = new RuleForm(() => KNOWN, ruleOf({ raise: 2 * GB, clear: GB }));
    form.raise = '2,5';
    expect(form.made()).toMatchObject({ raise: 2.5 * GB, clear: GB });
    form.choose('load');
    expect(form.made()).toMatchObject({ raise: 2.5, clear: 1 });
  });

  it('sees which of two thresholds is the higher one, however alike they look', () => {
    const form = new RuleForm(() => KNOWN, ruleOf({ raise: 5 * GB, clear: 5 * GB + 1 }));
    expect(form.clear).toBe(form.raise);
    expect(form.problems.clear).not.toBe('');
  });
});
