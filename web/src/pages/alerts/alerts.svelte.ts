/** What the page of alerts knows. Each part is asked for by itself, and one that fails leaves the others alone. */
import {
  ALERTS,
  type Alert,
  type AlertPage,
  type AlertSummary,
  bySeverity,
  fieldsOf,
  type Metrics,
  type Rule,
  type RuleFields,
  type Silence,
  type Trial,
} from '../../lib/alerts';
import { api, isAbort, type RequestOptions, sentenceOf } from '../../lib/api';
import { session } from '../../lib/session';
import { alertCount } from '../../ui/alert-count.svelte';

/** How often the figures of what is open are asked for anew, and how soon after the stream broke it is tried again. */
const FIGURES_EVERY_MS = 10_000;
const AGAIN_MS = 5_000;
const PAGE_ALERTS = 25;
/** Nobody is asked to sign in by what the page asks by itself. */
const BY_ITSELF: RequestOptions = { neverAsk: true };

export class Part<T> {
  value = $state.raw<T>();
  problem = $state('');
  /** When the value was read, in ms. */
  asOf = $state(0);
  #running: Promise<void> | undefined;

  constructor(private readonly read: (options: RequestOptions) => Promise<T>) {}

  /** Asks, unless that is being done: questions that wait for somebody to sign in must not pile up. */
  load(options: RequestOptions = {}): Promise<void> {
    this.#running ??= this.#ask(options).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Asks after what is being asked: something has changed meanwhile. */
  async reload(): Promise<void> {
    await this.#running;
    await this.load();
  }

  async #ask(options: RequestOptions): Promise<void> {
    try {
      this.value = await this.read(options);
      this.asOf = Date.now();
      this.problem = '';
    } catch (thrown) {
      if (!isAbort(thrown)) this.problem = sentenceOf(thrown);
    }
  }
}

export class AlertsStore {
  readonly open = new Part(async (options) =>
    bySeverity((await api.get<AlertPage>(ALERTS.list, { ...options, query: { state: 'open' } })).alerts),
  );
  readonly past = new Part((options) => this.#page('', options));
  readonly rules = new Part(
    async (options) => (await api.get<{ rules: Rule[] }>(ALERTS.rules, options)).rules,
  );
  readonly silences = new Part(
    async (options) => (await api.get<{ silences: Silence[] }>(ALERTS.silences, options)).silences,
  );
  readonly metrics = new Part((options) => api.get<Metrics>(ALERTS.metrics, options));
  #source: EventSource | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  start(): () => void {
    this.#stopped = false;
    this.#follow();
    void this.metrics.load();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible' && !session.needed) void this.#figures();
    }, FIGURES_EVERY_MS);
    return () => {
      this.#stopped = true;
      clearInterval(timer);
      clearTimeout(this.#again);
      this.#source?.close();
    };
  }

  /** Reads all that may have changed. */
  async reload(): Promise<void> {
    if (this.metrics.problem) void this.metrics.load();
    await Promise.all(this.#parts.map((part) => part.reload()));
  }

  get #parts(): Part<unknown>[] {
    return [this.open, this.past, this.rules, this.silences];
  }

  #figures(): Promise<unknown> {
    return Promise.all([this.open.load(BY_ITSELF), this.rules.load(BY_ITSELF)]);
  }

  /** The stream is broken: whether what is shown is still so the parts have to find out by themselves. */
  #doubt(): void {
    if (session.needed) return;
    for (const part of this.#parts) void part.load(part.value === undefined ? {} : BY_ITSELF);
  }

  /** Follows the server's events; the first comes at once. */
  #follow(): void {
    const source = new EventSource(ALERTS.events);
    this.#source = source;
    source.addEventListener('alerts', (event) => {
      alertCount.summary = JSON.parse(event.data) as AlertSummary;
      void this.reload();
    });
    source.onerror = () => {
      // The browser's own way of coming back gives up at the first answer that is no stream.
      source.close();
      if (this.#stopped) return;
      this.#doubt();
      this.#again = setTimeout(() => this.#follow(), AGAIN_MS);
    };
  }

  async #page(cursor: string, options: RequestOptions = {}): Promise<AlertPage> {
    const query = { state: 'past', limit: PAGE_ALERTS, cursor };
    return api.get<AlertPage>(ALERTS.list, { ...options, query });
  }

  async morePast(): Promise<void> {
    const before = this.past.value;
    if (!before?.next_cursor) return;
    const next = await this.#page(before.next_cursor);
    this.past.value = { ...next, alerts: [...before.alerts, ...next.alerts] };
  }

  async acknowledge(alert: Alert, note: string): Promise<void> {
    await api.post(`${ALERTS.list}/${alert.id}/acknowledge`, { note });
    await this.open.reload();
  }

  async silence(alert: Alert, until: Date): Promise<void> {
    await api.post(`${ALERTS.list}/${alert.id}/silence`, { until: until.toISOString() });
    await Promise.all([this.open.reload(), this.silences.reload()]);
  }

  async unsilence(alert: Alert): Promise<void> {
    await api.delete(`${ALERTS.list}/${alert.id}/silence`);
    await Promise.all([this.open.reload(), this.silences.reload()]);
  }

  async endSilence(silence: Silence): Promise<void> {
    await api.delete(`${ALERTS.silences}/${silence.id}`);
    await Promise.all([this.open.reload(), this.silences.reload()]);
  }

  async saveRule(fields: RuleFields, rule?: Rule): Promise<void> {
    try {
      if (rule) await api.put(`${ALERTS.rules}/${rule.id}`, fields, { ifMatch: rule.etag });
      else await api.post(ALERTS.rules, fields);
    } finally {
      await this.rules.reload(); // also when somebody else was first: what is shown is not so any more
    }
  }

  switchRule(rule: Rule, enabled: boolean): Promise<void> {
    return this.saveRule({ ...fieldsOf(rule), enabled }, rule);
  }

  async resetRule(rule: Rule): Promise<void> {
    await api.post(`${ALERTS.rules}/${rule.id}/reset`);
    await this.rules.reload();
  }

  async deleteRule(rule: Rule): Promise<void> {
    await api.delete(`${ALERTS.rules}/${rule.id}`);
    await this.reload();
  }

  try(rule: RuleFields, signal: AbortSignal): Promise<Trial> {
    return api.post<Trial>(ALERTS.trial, { rule }, { signal });
  }
}
