/** How the line charts scale and draw. uPlot itself is loaded when the first chart is shown. */
import type uPlot from 'uplot';
import { ALARM_PERCENT } from './alarm';
import { hasBand, type Points } from './points';
import { timeLabel, timeMarks } from './timeaxis';
import type { Known } from './types';
import { axisLabel, axisRange, type Unit } from './units';

export type ChartSize = { width: number; height: number };
/** A moment that is marked, in unix seconds, and the CSS variable of its colour. */
export type Mark = { time: number; color: string };

/** What is drawn: points, the means of last week for each line if they are compared, and marks. */
export type Drawing = { points: Points; before: Known[][] | null; marks: readonly Mark[] };

export type ChartOptions = {
  unit: Unit;
  lines: number;
  /** The shown time, in unix seconds. */
  range: () => [number, number];
  /** The index under the pointer, or null when it left. */
  onPoint: (index: number | null) => void;
};

const AXIS_FONT_PX = 12;
/** Room for "100%", and for "800 kB/s". */
const Y_AXIS_PX = { narrow: 46, wide: 68 };
/** Between the labels of the time axis. */
const LABEL_GAP_PX = 80;
/** The cursors of all charts are one. */
const SYNC = 'homeserver';
/** Where a cursor is that is nowhere. */
const OUTSIDE = -10;
/** Series of uPlot for each line: mean, highest, lowest, last week. */
const PER_LINE = 4;

/** The colour of a line, and after the second also how it is broken: colour never speaks alone. */
export function lineStyle(at: number): { color: string; dash: number[] } {
  const dashes = [[], [], [8, 3], [2, 3], [8, 3, 2, 3], [14, 4], [4, 6], [1, 5]];
  return { color: `--series-${(at % 6) + 1}`, dash: dashes[at % dashes.length] ?? [] };
}

export class LineChart {
  private plot: uPlot | undefined;
  private drawing: Drawing = { points: { times: [], lines: [], step: 0 }, before: null, marks: [] };
  private gone = false;

  constructor(
    private readonly target: HTMLElement,
    private readonly options: ChartOptions,
  ) {}

  async start(size: ChartSize): Promise<void> {
    const [{ default: Plot }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]);
    if (this.gone) return;
    this.plot = new Plot(this.plotOptions(size), this.data(), this.target);
  }

  show(drawing: Drawing): void {
    this.drawing = drawing;
    this.plot?.setData(this.data());
  }

  resize(size: ChartSize): void {
    const { plot } = this;
    if (plot && (plot.width !== size.width || plot.height !== size.height)) plot.setSize(size);
  }

  /** After the colours changed. */
  repaint(): void {
    this.plot?.redraw();
  }

  stop(): void {
    this.gone = true;
    this.plot?.destroy();
  }

  /** The drawing area, for pointers; undefined until it is there. */
  get area(): HTMLElement | undefined {
    return this.plot?.over;
  }

  get canvas(): HTMLCanvasElement | undefined {
    return this.plot?.ctx.canvas;
  }

  /** The time at a distance from the left of the drawing area, in unix milliseconds. */
  timeAt(left: number): number {
    return (this.plot?.posToVal(left, 'x') ?? 0) * 1000;
  }

  /** Puts the cursor on a point, as a key does; every chart follows. */
  point(index: number | null): void {
    const { plot } = this;
    if (!plot) return;
    const time = index === null ? undefined : this.drawing.points.times[index];
    const left = time === undefined ? OUTSIDE : plot.valToPos(time, 'x');
    const top = time === undefined ? OUTSIDE : 0;
    // The last argument takes the other charts along; its types leave it out.
    (plot.setCursor as (at: { left: number; top: number }, fire: boolean, publish: boolean) => void)(
      { left, top },
      true,
      true,
    );
  }

  private data(): uPlot.AlignedData {
    const { points, before } = this.drawing;
    const nothing = points.times.map(() => null);
    const columns = Array.from({ length: this.options.lines }, (_, at) => {
      const line = points.lines[at];
      const band = line && hasBand(points);
      return [
        line?.mean ?? nothing,
        band ? line.max : nothing,
        band ? line.min : nothing,
        before?.[at] ?? nothing,
      ];
    });
    return [points.times, ...columns.flat()];
  }

  private plotOptions(size: ChartSize): uPlot.Options {
    const { unit, lines, range, onPoint } = this.options;
    const muted = () => cssColor('--muted');
    const grid = { stroke: () => cssColor('--grid'), width: 1 };
    const font = `${AXIS_FONT_PX}px system-ui, sans-serif`;
    const axis = { stroke: muted, font, ticks: { show: false } };
    const all = Array.from({ length: lines }, (_, at) => at);
    return {
      ...size,
      legend: { show: false },
      padding: [8, 12, 0, 0],
      // Dragging moves the time; that is the panel's, since a finger must still scroll the page.
      cursor: {
        drag: { x: false, y: false },
        y: false,
        sync: { key: SYNC },
        points: { size: 7, show: (plot, at) => cursorPoint(plot, at) },
        bind: { dblclick: () => null },
      },
      scales: {
        x: { time: false, range: () => range() },
        y: { range: (_, lowest, highest) => axisRange(unit, lowest ?? 0, highest ?? 0) },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          splits: (plot, _, from, to) =>
            timeMarks(from, to, plot.bbox.width / devicePixelRatio / LABEL_GAP_PX).marks,
          values: (plot, splits) => {
            const { min = 0, max = 0 } = plot.scales.x ?? {};
            const { step } = timeMarks(min ?? 0, max ?? 0, plot.bbox.width / devicePixelRatio / LABEL_GAP_PX);
            return splits.map((split) => timeLabel(split, step));
          },
        },
        {
          ...axis,
          grid,
          size: unit === 'percent' || unit === 'count' ? Y_AXIS_PX.narrow : Y_AXIS_PX.wide,
          splits: (_, __, low, high) => [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (high - low)),
          values: (_, splits) => splits.map((split) => axisLabel(unit, split)),
        },
      ],
      series: [{}, ...all.flatMap((at) => seriesOf(at, lines))],
      bands: all.map((at) => ({
        series: [at * PER_LINE + 2, at * PER_LINE + 3],
        fill: () => `${cssColor(lineStyle(at).color)}38`,
      })),
      hooks: {
        setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
        drawAxes: unit === 'percent' ? [alarmLine] : [],
        draw: [(plot) => drawMarks(plot, this.drawing.marks)],
      },
    };
  }
}

/** The four series of a line. */
function seriesOf(at: number, lines: number): uPlot.Series[] {
  const { color, dash } = lineStyle(at);
  const stroke = () => cssColor(color);
  const plain = { points: { show: false }, spanGaps: false };
  const edge = { ...plain, width: 0, stroke: () => 'transparent' };
  const first: uPlot.Series = { ...plain, stroke, width: 2, dash };
  if (at === 0 && lines <= 2) first.fill = (plot: uPlot) => fade(plot, cssColor(color));
  return [first, edge, edge, { ...plain, stroke: () => `${cssColor(color)}b0`, width: 1.5, dash: [5, 4] }];
}

/** Only means have a dot under the cursor. */
function cursorPoint(plot: uPlot, at: number): HTMLElement {
  const dot = document.createElement('div');
  if ((at - 1) % PER_LINE === 0) {
    const color = cssColor(lineStyle((at - 1) / PER_LINE).color);
    dot.style.borderRadius = '50%';
    dot.style.background = color;
    dot.style.width = dot.style.height = '7px';
    dot.style.margin = '-3.5px 0 0 -3.5px';
  } else dot.hidden = true;
  void plot;
  return dot;
}

function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { left, top, width, height } = plot.bbox;
  plot.ctx.save();
  plot.ctx.lineWidth = devicePixelRatio;
  plot.ctx.setLineDash([]);
  for (const { time, color } of marks) {
    const x = Math.round(plot.valToPos(time, 'x', true)) + 0.5;
    if (x < left || x > left + width) continue;
    plot.ctx.strokeStyle = plot.ctx.fillStyle = cssColor(color);
    plot.ctx.globalAlpha = 0.8;
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, top);
    plot.ctx.lineTo(x, top + height);
    plot.ctx.stroke();
    const size = 4 * devicePixelRatio;
    plot.ctx.beginPath();
    plot.ctx.moveTo(x - size, top);
    plot.ctx.lineTo(x + size, top);
    plot.ctx.lineTo(x, top + size * 1.5);
    plot.ctx.fill();
  }
  plot.ctx.restore();
}

/** Marks where a share becomes an alarm. */
function alarmLine(plot: uPlot): void {
  const { left, width } = plot.bbox;
  const y = Math.round(plot.valToPos(ALARM_PERCENT, 'y', true));
  plot.ctx.save();
  plot.ctx.strokeStyle = cssColor('--danger');
  plot.ctx.globalAlpha = 0.5;
  plot.ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  plot.ctx.beginPath();
  plot.ctx.moveTo(left, y);
  plot.ctx.lineTo(left + width, y);
  plot.ctx.stroke();
  plot.ctx.restore();
}

/** The line's colour, thinning out towards the ground. */
function fade(plot: uPlot, color: string): CanvasGradient {
  const { top, height } = plot.bbox;
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, `${color}4d`);
  gradient.addColorStop(1, `${color}05`);
  return gradient;
}

export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The path of a sparkline in a box of the given size: lines with gaps where nothing was measured. */
export function sparkline(
  times: number[],
  values: (number | null)[],
  box: ChartSize,
  span: [number, number],
  highest: number,
): string {
  const [from, to] = span;
  let path = '';
  let drawing = false;
  times.forEach((time, at) => {
    const value = values[at] ?? null;
    if (value === null) {
      drawing = false;
      return;
    }
    const x = ((time - from) / (to - from)) * box.width;
    const y = box.height - (value / highest) * box.height;
    path += `${drawing ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    drawing = true;
  });
  return path;
}
