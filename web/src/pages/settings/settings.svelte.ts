/** What the settings page knows: each part is asked for by itself, and one that fails leaves the others alone. */
import { api, isAbort, type RequestOptions, sentenceOf } from '../../lib/api';
import {
  type BackupSchedule,
  type Backups,
  CARE,
  type Integrity,
  type Retention,
  type Space,
  type StorageUse,
} from '../../lib/care';
import { type Person, personName } from '../../lib/people';
import { session } from '../../lib/session';

/** While a backup or a check runs. */
const LOOK_EVERY_MS = 2_000;
/** What was asked for begins a little later, and may be through before anybody looks. */
const BEGINS_WITHIN_MS = 20_000;

/** Nobody is asked to sign in by what the page asks by itself. */
export const BY_ITSELF: RequestOptions = { neverAsk: true };

export class Part<T> {
  value = $state.raw<T>();
  problem = $state('');

  #running: Promise<void> | undefined;

  constructor(private readonly path: string) {}

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
    this.problem = '';
    try {
      this.value = await api.get<T>(this.path, options);
    } catch (thrown) {
      if (!isAbort(thrown)) this.problem = sentenceOf(thrown);
    }
  }
}

export class SettingsStore {
  readonly retention = new Part<Retention>(CARE.settings);
  readonly space = new Part<StorageUse>(CARE.storage);
  readonly backups = new Part<Backups>(CARE.backups);
  readonly integrity = new Part<Integrity>(CARE.integrity);
  #asked = 0;
  #people = $state.raw<Person[]>([]);
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): () => void {
    for (const part of [this.retention, this.space, this.backups, this.integrity]) void part.load();
    void this.#loadPeople();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    return () => clearInterval(this.#timer);
  }

  /** What everybody uses; also who has nothing yet, and may be given a limit all the same. */
  get spaces(): Space[] {
    const spaces = this.space.value?.spaces ?? [];
    const known = new Set(spaces.map(({ owner }) => owner));
    const others = this.#people.filter(({ id }) => !known.has(id));
    const nothing = { files: 0, bytes: 0, trash_bytes: 0, version_bytes: 0, quota: null };
    return [...spaces, ...others.map((one) => ({ owner: one.id, owner_name: personName(one), ...nothing }))];
  }

  async saveRetention(retention: Retention): Promise<void> {
    this.retention.value = await api.put<Retention>(CARE.settings, retention);
  }

  async setQuota(owner: string, quota: number | null): Promise<void> {
    await api.put(`${CARE.quotas}/${owner || 'household'}`, { quota });
    await this.space.reload();
  }

  async saveSchedule(schedule: BackupSchedule): Promise<void> {
    await api.put(`${CARE.backups}/schedule`, schedule);
    // The first one may be due at once.
    this.#asked = Date.now();
    await this.backups.reload();
  }

  async backUp(): Promise<void> {
    await api.post(`${CARE.backups}/run`);
    this.#asked = Date.now();
    await this.backups.reload();
  }

  async check(): Promise<void> {
    await api.post(`${CARE.integrity}/scrub`);
    this.#asked = Date.now();
    await this.integrity.reload();
  }

  async #loadPeople(): Promise<void> {
    try {
      this.#people = (await api.get<{ users: Person[] }>('/api/v1/users')).users;
    } catch {
      // Where nobody has an account there is nobody else to be shown.
    }
  }

  #look(): void {
    if (document.hidden || session.needed) return;
    const soon = Date.now() - this.#asked < BEGINS_WITHIN_MS;
    if (soon || this.backups.value?.running) void this.backups.load(BY_ITSELF);
    if (soon || this.integrity.value?.running) void this.integrity.load(BY_ITSELF);
  }
}
