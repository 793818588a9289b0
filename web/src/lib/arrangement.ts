/** How a person has arranged the dashboard: which cards and charts there are, in which order, and their time. */
import { LONGEST, SHORTEST } from './view';

export const CARDS = ['resources', 'storage', 'server', 'network'] as const;
export type CardID = (typeof CARDS)[number];

export type ChartSpec = {
  /** Its own; charts of the house have a name as theirs. */
  id: string;
  /** Keys of series of one unit. */
  series: string[];
  /** Over the whole width of the page. */
  wide: boolean;
};

export type Arrangement = {
  version: 1;
  /** The cards that are shown, in their order. */
  cards: CardID[];
  charts: ChartSpec[];
  /** Milliseconds. */
  span: number;
  /** Last week is drawn, too. */
  compare: boolean;
};

/** As many lines as can be told apart. */
export const MOST_LINES = 8;
export const MOST_CHARTS = 60;
const FIFTEEN_MINUTES = 15 * 60 * 1000;

/** What everybody sees who has arranged nothing. */
export function usual(): Arrangement {
  const chart = (id: string, ...series: string[]): ChartSpec => ({ id, series, wide: false });
  return {
    version: 1,
    cards: [...CARDS],
    charts: [
      chart('cpu', 'cpu_percent'),
      chart('use', 'memory_percent', 'disk_percent'),
      chart('network', 'network_received_bytes_per_second', 'network_sent_bytes_per_second'),
      chart('activity', 'disk_read_bytes_per_second', 'disk_write_bytes_per_second'),
    ],
    span: FIFTEEN_MINUTES,
    compare: false,
  };
}

/** What was kept, as far as it can be read: a newer page may have written more, an older one less. */
export function readArrangement(kept: unknown): Arrangement {
  const made = usual();
  if (typeof kept !== 'object' || kept === null) return made;
  const { cards, charts, span, compare } = kept as Record<string, unknown>;
  if (Array.isArray(cards)) made.cards = [...new Set(cards.filter(isCard))];
  if (Array.isArray(charts)) {
    const seen = new Set<string>();
    made.charts = charts
      .filter(isChart)
      .filter(({ id }) => !seen.has(id) && seen.add(id))
      .slice(0, MOST_CHARTS)
      .map(({ id, series, wide }) => ({
        id,
        series: [...new Set(series)].slice(0, MOST_LINES),
        wide: wide === true,
      }));
  }
  if (typeof span === 'number' && span >= SHORTEST && span <= LONGEST) made.span = span;
  made.compare = compare === true;
  return made;
}

function isCard(one: unknown): one is CardID {
  return (CARDS as readonly unknown[]).includes(one);
}

function isChart(one: unknown): one is ChartSpec {
  const { id, series } = (one ?? {}) as Partial<ChartSpec>;
  return (
    typeof id === 'string' &&
    Array.isArray(series) &&
    series.length > 0 &&
    series.every((key) => typeof key === 'string')
  );
}

/** The list with what is at `from` moved to `to`; as it was if nothing is there. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = [...list];
  if (from < 0) return rest;
  const [one] = rest.splice(from, 1);
  if (one !== undefined) rest.splice(Math.max(0, Math.min(rest.length, to)), 0, one);
  return rest;
}

/** Charts of some series: one for each unit, and no more lines in one than can be told apart. */
export function chartsOf(
  keys: readonly string[],
  unitOf: (key: string) => string,
  newID: () => string,
): ChartSpec[] {
  const groups = new Map<string, string[][]>();
  for (const key of keys) {
    const lists = groups.get(unitOf(key)) ?? [[]];
    const last = lists.at(-1) as string[];
    if (last.length < MOST_LINES) last.push(key);
    else lists.push([key]);
    groups.set(unitOf(key), lists);
  }
  return [...groups.values()].flat().map((series) => ({ id: newID(), series, wide: false }));
}

/** An id that no other chart has; over plain HTTP there is no crypto.randomUUID. */
export function newChartID(): string {
  return [...crypto.getRandomValues(new Uint8Array(6))]
    .map((one) => one.toString(16).padStart(2, '0'))
    .join('');
}
