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
import { api, isAbort, sentenceOf } from '../../lib/api';
import { alertCount } from '../../ui/alert-count.svelte';

/** How often the figures of what is open are asked for anew, and how soon after the stream broke it is tried again. */
const FIGURES_EVERY_MS = 10_000;
const AGAIN_MS = 5_000;
const PAGE_ALERTS = 25;

class Part<T> {
  value = $state.raw<T>();
  problem = $state('');
  /** Only the newest question's answer counts. */
  #asked = 0;

  constructor(private readonly read: () => Promise<T>) {}

  async load(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const value = await this.read();
      if (asked !== this.#asked) return;
      this.value = value;
      this.problem = '';
    } catch (thrown) {
      if (asked === this.#asked && !isAbort(thrown)) this.problem = sentenceOf(thrown);
    }
  }
}

export class AlertsStore {
  readonly open = new Part(async () =>
    bySeverity((await api.get<AlertPage>(ALERTS.list, { query: { state: 'open' } })).alerts),
  );
  readonly past = new Part(() => this.#page(''));
  readonly rules = new Part(async () => (await api.get<{ rules: Rule[] }>(ALERTS.rules)).rules);
  readonly silences = new Part(
    async () => (await api.get<{ silences: Silence[] }>(ALERTS.silences)).silences,
  );
  readonly metrics = new Part(() => api.get<Metrics>(ALERTS.metrics));
  #source: EventSource | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  start(): () => void {
    this.#stopped = false;
    this.#follow();
    void this.metrics.load();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void this.#figures();
    }, FIGURES_EVERY_MS);
    return () => {
      this.#stopped = true;
      clearInterval(timer);
      clearTimeout(this.#again);
      this.#source?.close();
    };
  }

  /** Reads all that may have changed. */
  async load(): Promise<void> {
    await Promise.all([this.open, this.past, this.rules, this.silences].map((part) => part.load()));
  }

  #figures(): Promise<unknown> {
    return Promise.all([this.open.load(), this.rules.load()]);
  }

  /** Follows the server's events; the first comes at once. */
  #follow(): void {
    const source = new EventSource(ALERTS.events);
    this.#source = source;
    source.addEventListener('alerts', (event) => {
      alertCount.summary = JSON.parse(event.data) as AlertSummary;
      void this.load();
    });
    source.onerror = () => {
      // The browser's own way of coming back gives up at the first answer that is no stream.
      source.close();
      if (this.#stopped) return;
      if (this.open.value === undefined) void this.load();
      this.#again = setTimeout(() => this.#follow(), AGAIN_MS);
    };
  }

  async #page(cursor: string): Promise<AlertPage> {
    return api.get<AlertPage>(ALERTS.list, { query: { state: 'past', limit: PAGE_ALERTS, cursor } });
  }

  async morePast(): Promise<void> {
    const before = this.past.value;
    if (!before?.next_cursor) return;
    const next = await this.#page(before.next_cursor);
    this.past.value = { ...next, alerts: [...before.alerts, ...next.alerts] };
  }

  async acknowledge(alert: Alert, note: string): Promise<void> {
    await api.post(`${ALERTS.list}/${alert.id}/acknowledge`, { note });
    await this.open.load();
  }

  async silence(alert: Alert, until: Date): Promise<void> {
    await api.post(`${ALERTS.list}/${alert.id}/silence`, { until: until.toISOString() });
    await Promise.all([this.open.load(), this.silences.load()]);
  }

  async unsilence(alert: Alert): Promise<void> {
    await api.delete(`${ALERTS.list}/${alert.id}/silence`);
    await Promise.all([this.open.load(), this.silences.load()]);
  }

  async endSilence(silence: Silence): Promise<void> {
    await api.delete(`${ALERTS.silences}/${silence.id}`);
    await Promise.all([this.open.load(), this.silences.load()]);
  }

  async saveRule(fields: RuleFields, rule?: Rule): Promise<void> {
    if (rule) await api.put(`${ALERTS.rules}/${rule.id}`, fields);
    else await api.post(ALERTS.rules, fields);
    await this.rules.load();
  }

  switchRule(rule: Rule, enabled: boolean): Promise<void> {
    return this.saveRule({ ...fieldsOf(rule), enabled }, rule);
  }

  async resetRule(rule: Rule): Promise<void> {
    await api.post(`${ALERTS.rules}/${rule.id}/reset`);
    await this.rules.load();
  }

  async deleteRule(rule: Rule): Promise<void> {
    await api.delete(`${ALERTS.rules}/${rule.id}`);
    await this.load();
  }

  try(rule: RuleFields, signal: AbortSignal): Promise<Trial> {
    return api.post<Trial>(ALERTS.trial, { rule }, { signal });
  }
}
