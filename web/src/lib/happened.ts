/** What happened to the machine, as charts mark it. */
import { charts } from '../messages/en.charts';
import type { components } from './schema';

export type MachineEvent = components['schemas']['Event'];
export const EVENTS = '/api/v1/monitoring/events';

/** What an event says to a person. */
export function sentenceFor({ kind, count, title = '' }: MachineEvent): string {
  return charts.happened[kind]?.(count, title) ?? (title || kind);
}

/** The CSS variable of its mark's colour. */
export function markColor({ kind, title }: MachineEvent): string {
  if (kind === 'oom_kill' || kind === 'alert' || title === 'failed') return '--danger';
  if (kind === 'boot' || kind === 'server_start') return '--warn';
  return '--muted';
}

/** Events of a stretch of unix milliseconds. */
export function eventsWithin(events: readonly MachineEvent[], from: number, to: number): MachineEvent[] {
  return events.filter(({ at }) => {
    const time = Date.parse(at);
    return time >= from && time <= to;
  });
}
