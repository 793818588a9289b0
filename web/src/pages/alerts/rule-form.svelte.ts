/** What stands in the form of a rule, and the rule that it makes. */
import {
  fieldsOf,
  type Metric,
  type Metrics,
  newRule,
  numberText,
  type Rule,
  type RuleFields,
  rises,
  scaleOf,
  typedNumber,
  unitOf,
} from '../../lib/alerts';
import { alerts } from '../../messages/en.alerts';

const words = alerts.rule;
const MINUTE = 60;
const HOUR = 3600;
/** As the server allows: a week, and five minutes of a window. */
const MOST_SECONDS = 7 * 24 * HOUR;
const LEAST_WINDOW_HOURS = 0.1;
/** A trend of a figure is looked at over a day, an increase over an hour, unless something else is said. */
const WINDOWS: Record<string, number> = { trend: 24 * HOUR, increase: HOUR };

export class RuleForm {
  /** What is chosen; the numbers stand in texts of their own. */
  fields = $state<RuleFields>(newRule(undefined));
  raise = $state('');
  clear = $state('');
  limit = $state('');
  atLeast = $state('');
  window = $state('');
  for = $state('');
  hold = $state('');
  judged = $state(false);

  constructor(
    private readonly known: () => Metrics,
    readonly rule: Rule | undefined,
  ) {
    this.fields = rule ? fieldsOf(rule) : newRule(known().metrics[0]);
    this.#write();
  }

  get metric(): Metric | undefined {
    return this.known().metrics.find(({ name }) => name === this.fields.metric);
  }
  get scale() {
    return scaleOf(unitOf(this.fields.condition, this.metric));
  }
  get limitScale() {
    return scaleOf(this.metric?.unit ?? '');
  }
  get windowed(): boolean {
    return this.fields.condition === 'trend' || this.fields.condition === 'increase';
  }

  /** Where it can be watched: everywhere, the whole machine, and each instance that was seen. */
  get places(): { value: string; label: string }[] {
    const metric = this.metric;
    const seen = this.known().series.filter((one) => one.metric === metric?.name);
    const places = metric?.instance ? [{ value: '*', label: words.every(metric.instance) }] : [];
    if (!metric?.instance || seen.some(({ instance }) => instance === '')) {
      places.push({ value: '', label: words.machine });
    }
    for (const { instance, title } of seen) {
      if (instance !== '') places.push({ value: instance, label: title || instance });
    }
    const own = this.fields.instance;
    if (!places.some(({ value }) => value === own)) places.push({ value: own, label: own });
    return places;
  }

  choose(name: string): void {
    this.fields.metric = name;
    this.fields.instance = this.metric?.instance ? '*' : '';
  }

  /** The thresholds of another condition are in other units. */
  turn(condition: RuleFields['condition']): void {
    this.fields.condition = condition;
    if (WINDOWS[condition]) this.window = numberText(this.fields.window_seconds || WINDOWS[condition], HOUR);
    if (condition === 'trend' && this.limit === '0') this.limit = '100';
    if (condition === 'trend') [this.raise, this.clear] = ['72', '120'];
  }

  #write(): void {
    const { by } = this.scale;
    this.raise = numberText(this.fields.raise, by);
    this.clear = numberText(this.fields.clear, by);
    this.limit = numberText(this.fields.limit ?? 0, this.limitScale.by);
    this.atLeast = numberText(this.fields.at_least ?? 0, this.limitScale.by);
    this.window = numberText(this.fields.window_seconds || WINDOWS[this.fields.condition] || 0, HOUR);
    this.for = numberText(this.fields.for_seconds, MINUTE);
    this.hold = numberText(this.fields.hold_seconds, MINUTE);
  }

  /** What is wrong with each field, '' where nothing is. */
  get problems() {
    const number = (text: string) => (typedNumber(text, 1) === undefined ? words.number : '');
    const time = (text: string, unit: number, least = 0) => {
      const seconds = typedNumber(text, unit);
      const most = MOST_SECONDS / unit;
      return seconds === undefined || seconds < least * unit || seconds > MOST_SECONDS
        ? words.range(least, most)
        : '';
    };
    const trend = this.fields.condition === 'trend';
    const raise = number(this.raise);
    return {
      name: this.fields.name.trim() === '' ? words.nameMissing : '',
      raise,
      clear: number(this.clear) || (raise === '' && this.#crossed ? words.order : ''),
      limit: trend ? number(this.limit) : '',
      atLeast: trend ? number(this.atLeast) : '',
      window: this.windowed ? time(this.window, HOUR, LEAST_WINDOW_HOURS) : '',
      for: time(this.for, MINUTE),
      hold: time(this.hold, MINUTE),
    };
  }

  get #crossed(): boolean {
    const [raise, clear] = [Number(typedNumber(this.raise, 1)), Number(typedNumber(this.clear, 1))];
    return rises(this.fields) ? clear > raise : clear < raise;
  }

  /** The rule as it stands there, or undefined while something is wrong with it. A name may be missing for a trial. */
  made(nameless = ''): RuleFields | undefined {
    const { name, ...others } = this.problems;
    if ((name && !nameless) || Object.values(others).some(Boolean)) return undefined;
    const { by } = this.scale;
    const part = (text: string, unit: number) => typedNumber(text, unit) ?? 0;
    const seconds = (text: string, unit: number) => Math.round(part(text, unit));
    const trend = this.fields.condition === 'trend';
    return {
      ...$state.snapshot(this.fields),
      name: this.fields.name.trim() || nameless,
      raise: part(this.raise, by),
      clear: part(this.clear, by),
      limit: trend ? part(this.limit, this.limitScale.by) : 0,
      at_least: trend ? part(this.atLeast, this.limitScale.by) : 0,
      window_seconds: this.windowed ? seconds(this.window, HOUR) : 0,
      for_seconds: seconds(this.for, MINUTE),
      hold_seconds: seconds(this.hold, MINUTE),
    };
  }
}
