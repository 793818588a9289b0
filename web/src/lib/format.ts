/** Numbers and times as people read them, in the reader's own locale. */
import type { Known } from './types';

/** Shown where a number is not known. */
export const UNKNOWN = '–';

const GB = 1024 ** 3;
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const upToOne = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined, {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const wholePercent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });
const twoDigits = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const dayOnly = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clockSeconds = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

export function formatCount(value: Known): string {
  return value === null ? UNKNOWN : whole.format(value);
}

/** 1536 -> "1.5 kB"; steps of 1024, as the original counted. */
export function formatBytes(value: Known): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN;
  let unit = 0;
  let scaled = Math.max(0, value);
  while (scaled >= 1023.95 && unit < UNITS.length - 1) {
    scaled /= 1024;
    unit++;
  }
  const digits = unit === 0 || scaled >= 100 ? whole : upToOne;
  return `${digits.format(scaled)} ${UNITS[unit]}`;
}

/** The API's GB figures, which are 1024^3 bytes. */
export function formatGigabytes(value: Known): string {
  return value === null ? UNKNOWN : formatBytes(value * GB);
}

export function formatRate(value: Known): string {
  return value === null ? UNKNOWN : `${formatBytes(value)}/s`;
}

export function formatPercent(value: Known): string {
  return value === null ? UNKNOWN : percent.format(value / 100);
}

export function formatWholePercent(value: number): string {
  return wholePercent.format(value / 100);
}

export function formatLoad(value: Known): string {
  return value === null ? UNKNOWN : twoDigits.format(value);
}

/** 93784 -> "1 d 2 h"; the two largest units that say something. */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(total / 86400), 'd'],
    [Math.floor((total % 86400) / 3600), 'h'],
    [Math.floor((total % 3600) / 60), 'min'],
    [total % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${whole.format(amount)} ${unit}`)
    .join(' ');
}

/** "14:03" */
export function formatClock(time: Date | number): string {
  return clock.format(time);
}

/** "14:03:22" */
export function formatClockSeconds(time: Date | number): string {
  return clockSeconds.format(time);
}

export function formatDateTime(time: Date | number | string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? UNKNOWN : dateTime.format(date);
}

/** Today's times as "14:03", older ones as a date. */
export function formatDate(time: Date | number | string, now: Date = new Date()): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return UNKNOWN;
  return date.toDateString() === now.toDateString() ? clock.format(date) : dayOnly.format(date);
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const AGES: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** "3 days ago"; less than a minute is "now". */
export function formatAge(time: Date | number | string, now: number = Date.now()): string {
  const seconds = Math.max(0, (now - new Date(time).getTime()) / 1_000);
  if (Number.isNaN(seconds)) return UNKNOWN;
  const [unit, size] = AGES.find(([, size]) => seconds >= size) ?? ['second', Number.POSITIVE_INFINITY];
  return relative.format(-Math.floor(seconds / size) || 0, unit);
}

const plurals = new Intl.PluralRules('en');

/** plural(1, 'file', 'files') -> "1 file" */
export function plural(count: number, one: string, other: string): string {
  return `${whole.format(count)} ${plurals.select(count) === 'one' ? one : other}`;
}

const rangeDays = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const rangeMinutes = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'short',
  hourCycle: 'h23',
});
const rangeSeconds = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});
const LONG_RANGE_MS = 14 * 86_400_000;
const SHORT_RANGE_MS = 600_000;

/** "26 Nov 2026, 14:00 – 15:00": as fine as the stretch is long. */
export function formatRange(from: number, to: number): string {
  const span = to - from;
  const format = span > LONG_RANGE_MS ? rangeDays : span > SHORT_RANGE_MS ? rangeMinutes : rangeSeconds;
  return format.formatRange(from, to);
}

/** "26 Nov 2026, 14:03:22": a moment of any day. */
export function formatMoment(time: Date | number): string {
  return rangeSeconds.format(time);
}
