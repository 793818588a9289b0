/** How a figure of any unit reads, and how high its axis goes. */
import {
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
  formatWholePercent,
  UNKNOWN,
} from './format';
import type { Known } from './types';

export type Unit =
  | 'percent'
  | 'bytes'
  | 'bytes_per_second'
  | 'count'
  | 'per_second'
  | 'seconds'
  | 'milliseconds'
  | 'celsius'
  | 'rpm'
  | 'watts'
  | 'state';

/** The least a rate axis spans, so that idle noise does not look like a storm. */
const MIN_RATE = 16 * 1024;
const BINARY_STEPS = [1, 2, 4, 8, 10, 20, 40, 80, 100, 200, 400, 800];
const DECIMAL_STEPS = [1, 2, 4, 8, 10];

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, notation: 'compact' });
const SIGNS: Partial<Record<Unit, string>> = {
  per_second: '/s',
  milliseconds: ' ms',
  celsius: ' °C',
  rpm: ' rpm',
  watts: ' W',
};

/** "12.5%", "3.2 MB/s", "48 °C". */
export function formatValue(unit: Unit, value: Known): string {
  if (value === null) return UNKNOWN;
  switch (unit) {
    case 'percent':
      return formatPercent(value);
    case 'bytes':
      return formatBytes(value);
    case 'bytes_per_second':
      return formatRate(value);
    case 'seconds':
      return formatDuration(value);
    case 'state':
      // A mean over some time says how much of it.
      return value === 0 ? 'no' : value === 1 ? 'yes' : `${formatWholePercent(value * 100)} of the time`;
    default:
      return number.format(value) + (SIGNS[unit] ?? '');
  }
}

/** The labels of a value axis. */
export function axisLabel(unit: Unit, value: number): string {
  switch (unit) {
    case 'percent':
      return formatWholePercent(value);
    case 'bytes':
    case 'bytes_per_second':
      return value === 0 ? '0' : (unit === 'bytes' ? formatBytes : formatRate)(value);
    case 'state':
      return value === 0 ? 'no' : value === 1 ? 'yes' : '';
    case 'seconds':
      return formatDuration(value);
    default:
      return compact.format(value) + (SIGNS[unit] ?? '');
  }
}

/** The first round figure, in steps of 1024, at or above the highest value and the least one. */
export function rateCeiling(highest: number, least = MIN_RATE): number {
  const target = Math.max(least, highest);
  let unit = 1;
  while (target > unit * 1000) unit *= 1024;
  const step = BINARY_STEPS.find((one) => one * unit >= target);
  return step === undefined ? unit * 1024 : step * unit;
}

/** From where to where the axis of a unit goes, for values between. */
export function axisRange(unit: Unit, lowest: number, highest: number): [number, number] {
  const top = ceiling(unit, Math.max(0, highest));
  return lowest < 0 ? [-ceiling(unit, -lowest), top] : [0, top];
}

function ceiling(unit: Unit, highest: number): number {
  switch (unit) {
    case 'percent':
      return highest <= 100 ? 100 : decimalCeiling(highest);
    case 'state':
      return 1;
    case 'bytes':
    case 'bytes_per_second':
      return rateCeiling(highest);
    default:
      return decimalCeiling(highest);
  }
}

function decimalCeiling(highest: number): number {
  if (highest <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(highest));
  return (DECIMAL_STEPS.find((step) => step * unit >= highest) ?? 10) * unit;
}
