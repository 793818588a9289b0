/** Alerts as the pages know them: the shapes of the API, figures with their units, and what a form makes of both. */
import { formatBytes, formatCount, formatDuration, formatPercent, formatRate } from './format';
import type { components } from './schema';

type Schemas = components['schemas'];

export const ALERTS = {
  list: '/api/v1/monitoring/alerts',
  summary: '/api/v1/monitoring/alerts/summary',
  events: '/api/v1/monitoring/alerts/events',
  silences: '/api/v1/monitoring/alert-silences',
  rules: '/api/v1/monitoring/alert-rules',
  trial: '/api/v1/monitoring/alert-rules/test',
  metrics: '/api/v1/monitoring/metrics',
} as const;

export type Alert = Schemas['AlertBody'];
export type AlertPage = Schemas['AlertsBody'];
export type AlertSummary = Schemas['SummaryBody'];
export type Silence = Schemas['SilenceBody'];
export type Rule = Schemas['RuleBody'];
export type RuleFields = Schemas['RuleFields'];
export type Trial = Schemas['TrialBody'];
export type Metrics = Schemas['MetricsBody'];
export type Metric = Metrics['metrics'][number];
export type Severity = Alert['severity'];
export type Condition = Alert['condition'];

export const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'info'];
export const CONDITIONS: readonly Condition[] = ['above', 'below', 'increase', 'trend'];

const HOUR = 3600;
/** As long as this is never: what the server says of a forecast that tells of no end. */
const NEVER_SECONDS = 10 * 365 * 24 * HOUR;
/** Shown where there is no end to tell of. */
const NO_END = '∞';
const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** A figure with its unit, as everywhere on the pages. */
export function formatFigure(value: number, unit: string, words: { yes: string; no: string }): string {
  switch (unit) {
    case 'percent':
      return formatPercent(value);
    case 'bytes':
      return value < 0 ? `-${formatBytes(-value)}` : formatBytes(value);
    case 'bytes_per_second':
      return formatRate(value);
    case 'seconds':
      return value >= NEVER_SECONDS ? NO_END : formatDuration(value);
    case 'milliseconds':
      return `${plain.format(value)} ms`;
    case 'celsius':
      return `${plain.format(value)} °C`;
    case 'rpm':
      return `${formatCount(value)} rpm`;
    case 'watts':
      return `${plain.format(value)} W`;
    case 'per_second':
      return `${plain.format(value)}/s`;
    case 'state':
      return value === 0 ? words.no : words.yes;
    default:
      return plain.format(value);
  }
}

/** In what a threshold is typed: large units, so that nobody counts zeros. */
export type Scale = { by: number; sign: string };
const SCALES: Record<string, Scale> = {
  percent: { by: 1, sign: '%' },
  bytes: { by: 1024 ** 3, sign: 'GB' },
  bytes_per_second: { by: 1024 ** 2, sign: 'MB/s' },
  seconds: { by: HOUR, sign: 'h' },
  milliseconds: { by: 1, sign: 'ms' },
  celsius: { by: 1, sign: '°C' },
  rpm: { by: 1, sign: 'rpm' },
  watts: { by: 1, sign: 'W' },
  per_second: { by: 1, sign: '/s' },
};

export function scaleOf(unit: string): Scale {
  return SCALES[unit] ?? { by: 1, sign: '' };
}

/** What was typed, in the API's unit; undefined when it is no number. */
export function typedNumber(text: string, by: number): number | undefined {
  const typed = text.trim().replace(',', '.');
  const value = Number(typed);
  return typed === '' || !Number.isFinite(value) ? undefined : value * by;
}

/** A number as it stands in a field: short, but never so short that a small one becomes none. */
export function numberText(value: number, by: number): string {
  const number = value / by;
  return String(Math.abs(number) < 1 ? Number(number.toPrecision(4)) : Math.round(number * 1000) / 1000);
}

/** A number that was written into a field. */
export type Written = { text: string; by: number; value: number };

export function written(value: number, by: number): Written {
  return { text: numberText(value, by), by, value };
}

/** What stands in a field, in the API's unit: as long as nobody touched it, the very number that was written there. */
export function numberIn(text: string, by: number, before: Written | undefined): number | undefined {
  return before?.text === text && before.by === by ? before.value : typedNumber(text, by);
}

/** The unit that a rule's thresholds are in. */
export function unitOf(condition: Condition, metric: Metric | undefined): string {
  return condition === 'trend' ? 'seconds' : (metric?.unit ?? 'count');
}

/** Whether more is worse. */
export function rises(rule: Pick<RuleFields, 'condition' | 'against'>): boolean {
  return !rule.against && (rule.condition === 'above' || rule.condition === 'increase');
}

/** The worst first, then the newest. */
export function bySeverity(alerts: readonly Alert[]): Alert[] {
  return [...alerts].sort(
    (a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      b.raised_at.localeCompare(a.raised_at),
  );
}

/** A new rule of a metric, to begin with. */
export function newRule(metric: Metric | undefined): RuleFields {
  return {
    name: '',
    enabled: true,
    severity: 'warning',
    metric: metric?.name ?? '',
    instance: metric?.instance ? '*' : '',
    condition: 'above',
    raise: 90,
    clear: 80,
    for_seconds: 300,
    hold_seconds: 300,
    no_data: 'keep',
    no_data_after_seconds: 120,
  };
}

/** What the API takes of a rule that it told. */
export function fieldsOf(rule: Rule): RuleFields {
  const {
    id: _id,
    default: _default,
    changed: _changed,
    etag: _etag,
    unit: _unit,
    series: _series,
    ...fields
  } = rule;
  return fields;
}
