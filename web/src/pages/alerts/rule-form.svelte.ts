/** What stands in the form of a rule, and the rule that it makes. */
import {
  fieldsOf,
  type Metric,
  type Metrics,
  newRule,
  numberIn,
  type Rule,
  type RuleFields,
  rises,
  scaleOf,
  unitOf,
  type Written,
  written,
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

type NumberField = 'raise' | 'clear' | 'limit' | 'atLeast' | 'window' | 'for' | 'hold';

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
  /** What the texts were made of. */
  readonly #written = new Map<NumberField, Written>();

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
    if (WINDOWS[condition]) this.#put('window', this.fields.window_seconds || WINDOWS[condition], HOUR);
    if (condition === 'trend' && this.limit === '0') this.limit = '100';
    if (condition === 'trend') [this.raise, this.clear] = ['72', '120'];
  }

  #write(): void {
    const { by } = this.scale;
    this.#put('raise', this.fields.raise, by);
    this.#put('clear', this.fields.clear, by);
    this.#put('limit', this.fields.limit ?? 0, this.limitScale.by);
    this.#put('atLeast', this.fields.at_least ?? 0, this.limitScale.by);
    this.#put('window', this.fields.window_seconds || WINDOWS[this.fields.condition] || 0, HOUR);
    this.#put('for', this.fields.for_seconds, MINUTE);
    this.#put('hold', this.fields.hold_seconds, MINUTE);
  }

  #put(field: NumberField, value: number, by: number): void {
    const one = written(value, by);
    this.#written.set(field, one);
    this[field] = one.text;
  }

  /** In the API's unit; undefined when it is no number. */
  #number(field: NumberField, by: number): number | undefined {
    return numberIn(this[field], by, this.#written.get(field));
  }

  /** What is wrong with each field, '' where nothing is. */
  get problems() {
    const number = (field: NumberField) => (this.#number(field, 1) === undefined ? words.number : '');
    const time = (field: NumberField, unit: number, least = 0) => {
      const seconds = this.#number(field, unit);
      const most = MOST_SECONDS / unit;
      return seconds === undefined || seconds < least * unit || seconds > MOST_SECONDS
        ? words.range(least, most)
        : '';
    };
    const trend = this.fields.condition === 'trend';
    const raise = number('raise');
    return {
      name: this.fields.name.trim() === '' ? words.nameMissing : '',
      raise,
      clear: number('clear') || (raise === '' && this.#crossed ? words.order : ''),
      limit: trend ? number('limit') : '',
      atLeast: trend ? number('atLeast') : '',
      window: this.windowed ? time('window', HOUR, LEAST_WINDOW_HOURS) : '',
      for: time('for', MINUTE),
      hold: time('hold', MINUTE),
    };
  }

  get #crossed(): boolean {
    const { by } = this.scale;
    const [raise, clear] = [Number(this.#number('raise', by)), Number(this.#number('clear', by))];
    return rises(this.fields) ? clear > raise : clear < raise;
  }

  /** The rule as it stands there, or undefined while something is wrong with it. A name may be missing for a trial. */
  made(nameless = ''): RuleFields | undefined {
    const { name, ...others } = this.problems;
    if ((name && !nameless) || Object.values(others).some(Boolean)) return undefined;
    const { by } = this.scale;
    const part = (field: NumberField, unit: number) => this.#number(field, unit) ?? 0;
    const seconds = (field: NumberField, unit: number) => Math.round(part(field, unit));
    const trend = this.fields.condition === 'trend';
    return {
      ...$state.snapshot(this.fields),
      name: this.fields.name.trim() || nameless,
      raise: part('raise', by),
      clear: part('clear', by),
      limit: trend ? part('limit', this.limitScale.by) : 0,
      at_least: trend ? part('atLeast', this.limitScale.by) : 0,
      window_seconds: this.windowed ? seconds('window', HOUR) : 0,
      for_seconds: seconds('for', MINUTE),
      hold_seconds: seconds('hold', MINUTE),
    };
  }
}
