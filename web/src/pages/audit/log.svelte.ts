/** The audit log as far as it was asked for, newest first. */
import { api, sentenceOf } from '../../lib/api';
import type { AuditEntry, AuditPage } from '../../lib/people';

const PATH = '/api/v1/audit';
const PAGE_ENTRIES = 50;

export type AuditFilter = { action: string; actor: string };

export class AuditLog {
  entries = $state.raw<AuditEntry[]>();
  problem = $state('');
  moreProblem = $state('');
  loading = $state(false);
  filter = $state.raw<AuditFilter>({ action: '', actor: '' });
  #cursor = $state('');
  /** Only the newest question's answer counts. */
  #asked = 0;

  get hasMore(): boolean {
    return this.#cursor !== '';
  }
  get filtered(): boolean {
    return this.filter.action !== '' || this.filter.actor !== '';
  }

  async load(filter: AuditFilter = this.filter): Promise<void> {
    const asked = ++this.#asked;
    this.filter = filter;
    this.problem = '';
    this.moreProblem = '';
    this.loading = true;
    try {
      const page = await this.#fetch('');
      if (asked !== this.#asked) return;
      this.entries = page.entries;
      this.#cursor = page.next_cursor ?? '';
    } catch (thrown) {
      if (asked === this.#asked) this.problem = sentenceOf(thrown);
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }

  async more(): Promise<void> {
    const asked = this.#asked;
    this.moreProblem = '';
    this.loading = true;
    try {
      const page = await this.#fetch(this.#cursor);
      if (asked !== this.#asked) return;
      this.entries = [...(this.entries ?? []), ...page.entries];
      this.#cursor = page.next_cursor ?? '';
    } catch (thrown) {
      if (asked === this.#asked) this.moreProblem = sentenceOf(thrown);
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }

  #fetch(cursor: string): Promise<AuditPage> {
    return api.get<AuditPage>(PATH, { query: { limit: PAGE_ENTRIES, cursor, ...this.filter } });
  }
}
