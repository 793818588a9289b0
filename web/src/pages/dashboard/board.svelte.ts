/** What the dashboard knows: the newest frame, the last minutes, and whether they are of this moment. */
import { api, sentenceOf } from '../../lib/api';
import { FEED, FEED_EVENTS, type FeedMessage, readMessage } from '../../lib/feed';
import { History } from '../../lib/history';
import { LiveFeed, type LiveStatus, liveURL } from '../../lib/live';
import { readSession, session } from '../../lib/session';
import type { Dashboard, Recent } from '../../lib/types';

const RECENT = '/api/v1/monitoring/recent';
const RECENT_SECONDS = 900;
/** How often the charts move on while no frame comes. */
const IDLE_REDRAW_MS = 2000;

export class Board {
  frame = $state.raw<Dashboard>();
  status = $state<LiveStatus>('connecting');
  /** Why there is nothing to show; empty once there is. */
  problem = $state('');
  /** Counts the changes of history, which is too large to be watched itself. */
  changes = $state(0);
  /** Counts the changes of what is measured. */
  schemas = $state(0);
  /** Counts the times that ticks were missed for good: the server's memory must be asked. */
  missed = $state(0);
  readonly history = new History();

  private skewMs = 0;
  private redraw: ReturnType<typeof setInterval> | undefined;
  private readonly feed = new LiveFeed<FeedMessage>({
    url: () => liveURL(this.address()),
    eventsURL: () => this.address(),
    events: FEED_EVENTS,
    read: readMessage,
    onFrame: (message) => this.took(message),
    onStatus: (status) => this.became(status),
    mayConnect: () => this.mayConnect(),
  });

  start(): () => void {
    this.feed.start();
    void this.fill();
    this.redraw = setInterval(() => {
      if (this.status !== 'live') this.changes++;
    }, IDLE_REDRAW_MS);
    return () => {
      clearInterval(this.redraw);
      this.feed.stop();
    };
  }

  retry(): void {
    this.problem = '';
    this.feed.stop();
    this.feed.start();
    void this.fill();
  }

  /** The server's clock, as far as its frames tell. */
  now(): number {
    const { latest } = this.history;
    if (this.status === 'live' && latest !== undefined) return latest;
    return Date.now() + this.skewMs;
  }

  private address(): string {
    const { latest } = this.history;
    return `${FEED}?dashboard=1${latest === undefined ? '' : `&since=${latest}`}`;
  }

  private took(message: FeedMessage): void {
    if ('schema' in message) {
      const { series, interval_ms } = message.schema;
      this.history.describe(series, interval_ms);
      this.schemas++;
      if (message.complete === false) this.missed++;
    } else if ('ticks' in message) {
      this.history.add(message.ticks);
      const { latest } = this.history;
      if (latest !== undefined) this.skewMs = latest - Date.now();
      this.changes++;
    } else {
      this.frame = message.dashboard;
      this.problem = '';
    }
  }

  private became(status: LiveStatus): void {
    this.status = status;
    if (status === 'offline' && !this.frame) void this.fill();
  }

  private async fill(): Promise<void> {
    try {
      this.history.fill(await api.get<Recent>(RECENT, { query: { seconds: RECENT_SECONDS } }));
      this.changes++;
    } catch (thrown) {
      if (!this.frame) this.problem = sentenceOf(thrown);
    }
  }

  private async mayConnect(): Promise<boolean> {
    const state = await readSession();
    if (!state?.required || state.authenticated) return true;
    try {
      await session.ask();
      return true;
    } catch (thrown) {
      if (!this.frame) this.problem = sentenceOf(thrown);
      return false;
    }
  }
}
