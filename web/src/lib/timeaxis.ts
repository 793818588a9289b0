/** Where the time axis has its marks and what they say: on the reader's own clock, also when it is set to summer time. */
import { formatClock, formatClockSeconds } from './format';

type Step = { unit: 'second' | 'hour' | 'day' | 'month' | 'year'; count: number; seconds: number };

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
/** What they are worth on average is enough to choose by. */
const MONTH = 30.4 * DAY;
const YEAR = 365 * DAY;

const seconds = (count: number): Step => ({ unit: 'second', count, seconds: count });
const STEPS: Step[] = [
  ...[1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR].map(
    seconds,
  ),
  ...[2, 3, 6, 12].map((count): Step => ({ unit: 'hour', count, seconds: count * HOUR })),
  ...[1, 2, 7, 14].map((count): Step => ({ unit: 'day', count, seconds: count * DAY })),
  ...[1, 2, 3, 6].map((count): Step => ({ unit: 'month', count, seconds: count * MONTH })),
  ...[1, 2].map((count): Step => ({ unit: 'year', count, seconds: count * YEAR })),
];

const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const month = new Intl.DateTimeFormat(undefined, { month: 'short' });
const year = new Intl.DateTimeFormat(undefined, { year: 'numeric' });

/** The marks of a stretch of unix seconds, at most so many, and the step between two. */
export function timeMarks(from: number, to: number, most: number): { marks: number[]; step: number } {
  const least = (to - from) / Math.max(1, most);
  const step = STEPS.find((one) => one.seconds >= least) ?? (STEPS.at(-1) as Step);
  const marks: number[] = [];
  for (
    let mark = firstMark(from, step), guard = 0;
    mark <= to && guard < 1000;
    mark = nextMark(mark, step), guard++
  )
    if (mark >= from && mark > (marks.at(-1) ?? Number.NEGATIVE_INFINITY)) marks.push(mark);
  return { marks, step: step.seconds };
}

/** What a mark says: what differs from the mark before, and the day where one begins. */
export function timeLabel(mark: number, step: number): string {
  const at = new Date(mark * 1000);
  const midnight = at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0;
  if (step >= YEAR) return year.format(at);
  if (step >= MONTH) return at.getMonth() === 0 ? year.format(at) : month.format(at);
  if (step >= DAY || (midnight && step >= MINUTE)) return day.format(at);
  return step < MINUTE ? formatClockSeconds(at) : formatClock(at);
}

/** A mark at or before a time. */
function firstMark(from: number, step: Step): number {
  const at = new Date(from * 1000);
  if (step.unit === 'second') {
    // Every place on earth is a multiple of 15 minutes off, but not of an hour.
    const offset = at.getTimezoneOffset() * MINUTE;
    return Math.floor((from - offset) / step.count) * step.count + offset;
  }
  const [y, m, d] = [at.getFullYear(), at.getMonth(), at.getDate()];
  if (step.unit === 'hour') return unix(y, m, d);
  // Counted from a Monday, so that weeks begin where people let them begin.
  if (step.unit === 'day') return unix(y, m, d - (dayNumber(y, m, d) % step.count));
  return step.unit === 'month' ? unix(y, m - (m % step.count), 1) : unix(y - (y % step.count), 0, 1);
}

function nextMark(mark: number, step: Step): number {
  if (step.unit === 'second') return mark + step.count;
  const at = new Date(mark * 1000);
  const [y, m, d] = [at.getFullYear(), at.getMonth(), at.getDate()];
  if (step.unit === 'hour') {
    // By the clock on the wall: after the night it is set there are still marks at 6, 12 and 18.
    const hour = at.getHours() - (at.getHours() % step.count) + step.count;
    return hour >= 24 ? unix(y, m, d + 1) : unix(y, m, d, hour);
  }
  if (step.unit === 'day') return unix(y, m, d + step.count);
  return step.unit === 'month' ? unix(y, m + step.count, 1) : unix(y + step.count, 0, 1);
}

function unix(year: number, month: number, day: number, hour = 0): number {
  return new Date(year, month, day, hour).getTime() / 1000;
}

/** Days since Monday, 5 January 1970. */
function dayNumber(year: number, month: number, day: number): number {
  return Math.round(Date.UTC(year, month, day) / 86_400_000) - 4;
}
