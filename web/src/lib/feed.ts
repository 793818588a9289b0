/** Protocol 2 of the live feed (doc/live.md): what its messages say. */
import type { Dashboard, Known } from './types';

export const FEED = '/api/v1/monitoring/live';
export const FEED_EVENTS = ['schema', 'tick', 'ticks', 'dashboard'] as const;

/** A series as the schema tells it. */
export type FeedSeries = { key: string; metric: string; instance: string; title: string; unit: string };

/** A tick: its time in unix milliseconds, then a value for each series of the schema. */
export type Tick = [time: number, ...values: Known[]];

export type FeedMessage =
  | { schema: { version: number; interval_ms: number; series: FeedSeries[] }; complete?: boolean }
  | { ticks: Tick[] }
  | { dashboard: Dashboard };

/** What a message says; undefined for what is none of the protocol's. */
export function readMessage(text: string): FeedMessage | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (isTick(message)) return { ticks: [message] };
  if (typeof message !== 'object' || message === null) return undefined;
  if ('ticks' in message)
    return Array.isArray(message.ticks) && message.ticks.every(isTick) ? { ticks: message.ticks } : undefined;
  const { schema, dashboard } = message as Partial<{
    schema: { series?: unknown };
    dashboard: Partial<Dashboard>;
  }>;
  if (Array.isArray(schema?.series)) return message as FeedMessage;
  return dashboard?.system && dashboard.storage ? (message as FeedMessage) : undefined;
}

function isTick(message: unknown): message is Tick {
  return Array.isArray(message) && typeof message[0] === 'number';
}
