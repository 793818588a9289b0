/** What all charts have in common: the time they show, what is marked in it, and what there is to show. */
import { api } from '../../lib/api';
import { type Arrangement, type CardID, type ChartSpec, moved } from '../../lib/arrangement';
import { Catalogue, METRICS } from '../../lib/catalogue';
import { EVENTS, type MachineEvent } from '../../lib/happened';
import type { components } from '../../lib/schema';
import { advance, liveView, PAN_STEP, pan, SPANS, type View, ZOOM_STEP, zoom, zoomAt } from '../../lib/view';
import type { Board } from './board.svelte';
import type { Kept } from './kept.svelte';

/** What is asked while somebody drags is soon overtaken. */
export const DEBOUNCE_MS = 150;
/** How often what happened is asked for again while the charts go on with the time. */
const EVENTS_EVERY_MS = 30_000;
/** Disks and containers come and go several at a time, and each is a schema of its own. */
const SETTLED_MS = 1_000;
/** How many views Back remembers. */
const MOST_BACK = 50;
/** Moves that follow each other so quickly are one, for Back. */
const ONE_MOVE_MS = 1_000;

export class Desk {
  catalogue = $state.raw(new Catalogue());
  events = $state.raw<MachineEvent[]>([]);
  /** They are all that happened. */
  complete = $state(true);
  arranging = $state(false);
  /** The moment of which the details are open, in unix milliseconds. */
  moment = $state<number>();

  #view = $state.raw<View>(liveView(SPANS[2], Date.now()));
  #back = $state.raw<View[]>([]);
  #movedAt = 0;
  #asking: AbortController | undefined;
  #reading: AbortController | undefined;

  constructor(
    readonly board: Board,
    readonly kept: Kept,
  ) {
    this.#view = liveView(kept.arrangement.span, board.now());
  }

  get arrangement(): Arrangement {
    return this.kept.arrangement;
  }

  /** The time that is shown now. */
  get view(): View {
    void this.board.changes;
    return advance(this.#view, this.board.now());
  }

  /** Changes when something else must be asked for than before. */
  get asked(): string {
    const { from, to, live } = this.#view;
    return `${live ? 'live' : from} ${live ? to - from : to} ${this.board.missed}`;
  }

  get canGoBack(): boolean {
    return this.#back.length > 0;
  }

  go(view: View): void {
    const now = Date.now();
    if (now - this.#movedAt > ONE_MOVE_MS) this.#back = [...this.#back, this.#view].slice(-MOST_BACK);
    this.#movedAt = now;
    this.#view = view;
  }

  back(): void {
    const before = this.#back.at(-1);
    if (!before) return;
    this.#back = this.#back.slice(0, -1);
    this.#movedAt = 0;
    this.#view = before;
  }

  /** Shows a span that was chosen, and remembers it. */
  span(span: number): void {
    const now = this.board.now();
    const { view } = this;
    this.go(view.live ? liveView(span, now) : zoom(view, span / (view.to - view.from), now));
    this.kept.change((one) => ({ ...one, span }));
  }

  follow(): void {
    const { from, to } = this.view;
    this.go(liveView(to - from, this.board.now()));
  }

  pan(share: number): void {
    this.go(pan(this.view, share, this.board.now()));
  }

  zoom(factor: number, anchor?: number): void {
    const now = this.board.now();
    this.go(anchor === undefined ? zoom(this.view, factor, now) : zoomAt(this.view, factor, now, anchor));
  }

  /** What a key on a chart does to the time; false if nothing. */
  key(key: string): boolean {
    const deeds: Record<string, () => void> = {
      ArrowLeft: () => this.pan(-PAN_STEP),
      ArrowRight: () => this.pan(PAN_STEP),
      '+': () => this.zoom(1 / ZOOM_STEP),
      '=': () => this.zoom(1 / ZOOM_STEP),
      '-': () => this.zoom(ZOOM_STEP),
      Home: () => this.follow(),
      Backspace: () => this.back(),
    };
    deeds[key]?.();
    return key in deeds;
  }

  charts(change: (charts: ChartSpec[]) => ChartSpec[]): void {
    this.kept.change((one) => ({ ...one, charts: change(one.charts) }));
  }

  /** Moves a chart by so many places; its place afterwards. */
  moveChart(id: string, by: number): number {
    const at = (list: readonly ChartSpec[]) => list.findIndex((chart) => chart.id === id);
    this.charts((list) => moved(list, at(list), at(list) + by));
    return at(this.arrangement.charts);
  }

  cards(change: (cards: CardID[]) => CardID[]): void {
    this.kept.change((one) => ({ ...one, cards: change(one.cards) }));
  }

  async readCatalogue(): Promise<void> {
    this.#reading?.abort();
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    this.catalogue = new Catalogue(await api.get<components['schemas']['MetricsBody']>(METRICS, { signal }));
  }

  /** Reads what there is to show, once it has come to rest; returns how to stop. */
  watchCatalogue(): () => void {
    const read = () => void this.readCatalogue().catch(() => undefined); // names by keys until it answers
    const timer = setTimeout(read, this.catalogue.figures.length > 0 ? SETTLED_MS : 0);
    return () => clearTimeout(timer);
  }

  /** Asks what happened in the time that is shown, and again while it goes on; returns how to stop. */
  watchEvents(): () => void {
    const ask = () => void this.#readEvents().catch(() => undefined); // the charts say that nothing answers
    const first = setTimeout(ask, DEBOUNCE_MS);
    const timer = setInterval(
      () => this.view.live && document.visibilityState === 'visible' && ask(),
      EVENTS_EVERY_MS,
    );
    return () => {
      clearTimeout(first);
      clearInterval(timer);
      this.#asking?.abort();
    };
  }

  async #readEvents(): Promise<void> {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { from, to } = this.view;
    const query = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    const body = await api.get<components['schemas']['EventsBody']>(EVENTS, {
      query,
      signal: this.#asking.signal,
    });
    [this.events, this.complete] = [body.events, body.complete];
  }
}
