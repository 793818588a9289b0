/** What the dashboard knows: the newest frame, the last minutes, and whether they are of this moment. */
import { api, sentenceOf } from '../../lib/api';
import { History } from '../../lib/history';
import { LiveFeed, type LiveStatus, liveURL } from '../../lib/live';
import { readSession, session } from '../../lib/session';
import type { Dashboard, Recent } from '../../lib/types';

export const RANGES_MINUTES = [2, 5, 15] as const;
export type RangeMinutes = (typeof RANGES_MINUTES)[number];

const RECENT = '/api/v1/monitoring/recent';
const RECENT_SECONDS = 900;
const FEED = '/api/v1/monitoring/ws';
/** How often the charts move on while no frame comes. */
const IDLE_REDRAW_MS = 2000;

export class Board {
  frame = $state.raw<Dashboard>();
  status = $state<LiveStatus>('connecting');
  /** Why there is nothing to show; empty once there is. */
  problem = $state('');
  rangeMinutes = $state<RangeMinutes>(5);
  /** Counts the changes of history, which is too large to be watched itself. */
  changes = $state(0);
  readonly history = new History();

  private skewMs = 0;
  private redraw: ReturnType<typeof setInterval> | undefined;
  private readonly feed = new LiveFeed({
    url: liveURL(FEED),
    onFrame: (frame) => this.took(frame),
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
    const latest = this.history.latest?.time;
    if (this.status === 'live' && latest !== undefined) return latest;
    return Date.now() + this.skewMs;
  }

  private took(frame: Dashboard): void {
    this.frame = frame;
    this.problem = '';
    const sampled = Date.parse(frame.sampled_at);
    if (!Number.isNaN(sampled)) this.skewMs = sampled - Date.now();
    const gap = this.history.add(frame);
    this.changes++;
    // What was missed, the server still knows.
    if (gap) void this.fill();
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
