/** What is measured on this machine, for people who choose charts. */
import { charts } from '../messages/en.charts';
import type { components } from './schema';
import type { Unit } from './units';

type MetricsBody = components['schemas']['MetricsBody'];
export const METRICS = '/api/v1/monitoring/metrics';

export type Figure = {
  key: string;
  /** The metric's title. */
  title: string;
  /** Of which disk, interface ...; empty for the whole machine. */
  instance: string;
  unit: Unit;
  group: string;
  formula: string;
};

export class Catalogue {
  readonly figures: Figure[] = [];
  private readonly byKey = new Map<string, Figure>();

  constructor({ metrics, series }: Pick<MetricsBody, 'metrics' | 'series'> = { metrics: [], series: [] }) {
    const order = new Map(metrics.map((metric, at) => [metric.name, { metric, at }]));
    const rank = (name: string) => order.get(name)?.at ?? order.size;
    for (const one of series.toSorted((a, b) => rank(a.metric) - rank(b.metric))) {
      const metric = order.get(one.metric)?.metric;
      if (!metric) continue;
      const { title, unit, group, formula } = metric;
      const instance = one.title || one.instance;
      const figure = { key: one.key, title, instance, unit: unit as Unit, group, formula };
      this.figures.push(figure);
      this.byKey.set(one.key, figure);
    }
  }

  unitOf(key: string): Unit {
    return this.byKey.get(key)?.unit ?? unitByName(key);
  }

  /** What a line is called. */
  labelOf(key: string): string {
    const short = charts.lines[key];
    if (short) return short;
    const figure = this.byKey.get(key);
    if (!figure) return key;
    return figure.instance ? charts.lineOf(figure.title, figure.instance) : figure.title;
  }

  /** The figures whose words hold all that is sought, by group. */
  search(text: string): { group: string; name: string; figures: Figure[] }[] {
    const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const groups = new Map<string, Figure[]>();
    for (const figure of this.figures) {
      const name = charts.adding.groups[figure.group] ?? figure.group;
      const said = [figure.title, figure.instance, figure.key, name].join(' ').toLocaleLowerCase();
      if (!words.every((word) => said.includes(word))) continue;
      groups.set(figure.group, [...(groups.get(figure.group) ?? []), figure]);
    }
    return [...groups].map(([group, figures]) => ({
      group,
      name: charts.adding.groups[group] ?? group,
      figures,
    }));
  }
}

/** Until the catalogue is there, and for what is no longer in it: names end with their unit. */
function unitByName(key: string): Unit {
  const name = key.replace(/\{.*$/, '');
  const units: Unit[] = [
    'bytes_per_second',
    'per_second',
    'percent',
    'bytes',
    'milliseconds',
    'seconds',
    'celsius',
    'rpm',
    'watts',
  ];
  return units.find((unit) => name.endsWith(unit)) ?? 'count';
}
