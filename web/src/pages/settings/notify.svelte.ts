/** What the section of notifications knows. */
import { api, sentenceOf } from '../../lib/api';
import {
  type bodyOf,
  type Channel,
  type Delivery,
  isWaiting,
  type Kind,
  NOTIFY,
  type NotifySettings,
  type Outbox,
  type TestResult,
} from '../../lib/notify';
import { session } from '../../lib/session';
import { BY_ITSELF, Part } from './settings.svelte';

/** While something waits. */
const LOOK_EVERY_MS = 3_000;
const PAGE = 10;

export type ChannelChange = ReturnType<typeof bodyOf>;
export type SettingsChange = Omit<NotifySettings, 'now' | 'watchdog'> & {
  watchdog: { enabled: boolean; url?: string; minutes: number; allow_local: boolean };
};

export class NotifyStore {
  readonly channels = new Part<{ channels: Channel[] }>(NOTIFY.channels);
  readonly settings = new Part<NotifySettings>(NOTIFY.settings);
  readonly outbox = new Part<Outbox>(`${NOTIFY.outbox}?limit=${PAGE}`);
  /** What came by "Show more", behind the first page. */
  older = $state.raw<Delivery[]>([]);
  /** undefined: as the first page says. */
  #next = $state<string | null>();

  start(): () => void {
    for (const part of [this.channels, this.settings, this.outbox]) void part.load();
    const timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }

  get deliveries(): Delivery[] {
    const first = this.outbox.value?.deliveries ?? [];
    const known = new Set(first.map(({ id }) => id));
    return [...first, ...this.older.filter(({ id }) => !known.has(id))];
  }

  get hasMore(): boolean {
    return (this.#next === undefined ? this.outbox.value?.next_cursor : this.#next) != null;
  }

  async more(): Promise<void> {
    const cursor = this.#next ?? this.outbox.value?.next_cursor;
    if (cursor === undefined) return;
    const page = await api.get<Outbox>(NOTIFY.outbox, { query: { limit: PAGE, cursor } });
    this.older = [...this.older, ...page.deliveries];
    this.#next = page.next_cursor ?? null;
  }

  async add(kind: Kind, change: ChannelChange): Promise<void> {
    await api.post(NOTIFY.channels, { kind, ...change });
    await this.channels.reload();
  }

  async change(channel: Channel, change: ChannelChange): Promise<void> {
    await api.put(`${NOTIFY.channels}/${channel.id}`, change);
    await this.#reload();
  }

  async remove(channel: Channel): Promise<void> {
    await api.delete(`${NOTIFY.channels}/${channel.id}`);
    await this.#reload();
  }

  async test(channel: Channel): Promise<TestResult> {
    try {
      return await api.post<TestResult>(`${NOTIFY.channels}/${channel.id}/test`);
    } catch (thrown) {
      return { ok: false, detail: sentenceOf(thrown) };
    } finally {
      await this.#reload();
    }
  }

  async retry(delivery: Delivery): Promise<void> {
    await api.post(`${NOTIFY.outbox}/${delivery.id}/retry`);
    await this.#reload();
  }

  async saveSettings(change: SettingsChange): Promise<void> {
    this.settings.value = await api.put<NotifySettings>(NOTIFY.settings, change);
  }

  async #reload(): Promise<void> {
    await Promise.all([this.channels.reload(), this.outbox.reload()]);
  }

  #look(): void {
    if (document.hidden || session.needed || this.channels.value === undefined) return;
    const waits = this.channels.value.channels.some(({ waiting }) => waiting > 0);
    if (!waits && !this.deliveries.some(isWaiting)) return;
    void this.channels.load(BY_ITSELF);
    void this.outbox.load(BY_ITSELF);
  }
}
