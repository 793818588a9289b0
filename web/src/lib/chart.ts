/** How the line charts scale and draw. uPlot itself is loaded when the first chart is shown. */
import type uPlot from 'uplot';
import { ALARM_PERCENT } from './alarm';
import { formatBytes, formatClock, formatClockSeconds, formatWholePercent } from './format';
import type { Columns } from './history';

export type Unit = 'percent' | 'rate';
/** The CSS variable that holds a line's colour. The first line of a chart is also filled. */
export type Line = { label: string; color: '--series-1' | '--series-2' };
export type ChartSize = { width: number; height: number };

/** The least a rate axis spans, so that idle noise does not look like a storm. */
const MIN_RATE = 16 * 1024;
const STEPS = [1, 2, 4, 8, 10, 20, 40, 80, 100, 200, 400, 800];
const AXIS_FONT_PX = 12;
/** Room for "100%" and for "800 kB/s". */
const Y_AXIS_PX = { percent: 46, rate: 68 };
/** Between the labels of the time axis, with and without seconds. */
const LABEL_GAP_PX = { seconds: 76, minutes: 54 };
const SECONDS_UP_TO_S = 120;
const TIME_STEPS_S = [15, 30, 60, 120, 180, 300, 600];

/** The first round figure, in steps of 1024, at or above the highest value and the least one. */
export function rateCeiling(highest: number, least = MIN_RATE): number {
  const target = Math.max(least, highest);
  let unit = 1;
  while (target > unit * 1000) unit *= 1024;
  const step = STEPS.find((one) => one * unit >= target);
  return step === undefined ? unit * 1024 : step * unit;
}

/** The labels of a value axis. */
export function valueLabel(unit: Unit, value: number): string {
  if (unit === 'percent') return formatWholePercent(value);
  return value === 0 ? '0' : `${formatBytes(value)}/s`;
}

/** The labels of the time axis: seconds only where they differ. */
export function timeLabel(seconds: number, step: number): string {
  return step < 60 ? formatClockSeconds(seconds * 1000) : formatClock(seconds * 1000);
}

export type ChartOptions = {
  unit: Unit;
  lines: Line[];
  /** The shown time, in unix seconds. */
  range: () => [number, number];
  /** The index under the pointer, or null when it left. */
  onPoint: (index: number | null) => void;
};

export class LineChart {
  private plot: uPlot | undefined;
  private data: uPlot.AlignedData = [[]];
  private gone = false;

  constructor(
    private readonly target: HTMLElement,
    private readonly options: ChartOptions,
  ) {}

  async start(size: ChartSize): Promise<void> {
    const [{ default: Plot }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]);
    if (this.gone) return;
    this.plot = new Plot(this.plotOptions(size), this.data, this.target);
  }

  show({ times, values }: Columns): void {
    this.data = [times, ...values];
    this.plot?.setData(this.data);
  }

  resize(size: ChartSize): void {
    this.plot?.setSize(size);
  }

  /** After the colours changed. */
  repaint(): void {
    this.plot?.redraw();
  }

  stop(): void {
    this.gone = true;
    this.plot?.destroy();
  }

  private plotOptions(size: ChartSize): uPlot.Options {
    const { unit, lines, range, onPoint } = this.options;
    const muted = () => cssColor('--muted');
    const grid = { stroke: () => cssColor('--grid'), width: 1 };
    const font = `${AXIS_FONT_PX}px system-ui, sans-serif`;
    const axis = { stroke: muted, font, ticks: { show: false } };
    return {
      ...size,
      legend: { show: false },
      padding: [8, 12, 0, 0],
      // Nothing is dragged or zoomed: on a phone the finger scrolls the page.
      cursor: { drag: { x: false, y: false }, y: false, sync: { key: 'homeserver' }, points: { size: 7 } },
      scales: {
        x: { time: false, range: () => range() },
        y: { range: (_, __, highest) => [0, unit === 'percent' ? 100 : rateCeiling(highest ?? 0)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          incrs: TIME_STEPS_S,
          space: (_, __, from, to) =>
            to - from > SECONDS_UP_TO_S ? LABEL_GAP_PX.minutes : LABEL_GAP_PX.seconds,
          size: 28,
          values: (_, splits, __, ___, step) => splits.map((split) => timeLabel(split, step)),
        },
        {
          ...axis,
          grid,
          size: Y_AXIS_PX[unit],
          splits: (_, __, low, high) => [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (high - low)),
          values: (_, splits) => splits.map((split) => valueLabel(unit, split)),
        },
      ],
      series: [{}, ...lines.map((line, at) => series(line, at === 0))],
      hooks: {
        setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
        drawAxes: unit === 'percent' ? [alarmLine] : [],
      },
    };
  }
}

function series(line: Line, filled: boolean): uPlot.Series {
  return {
    label: line.label,
    stroke: () => cssColor(line.color),
    width: 2,
    points: { show: false },
    spanGaps: false,
    ...(filled ? { fill: (plot: uPlot) => fade(plot, cssColor(line.color)) } : {}),
  };
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

function cssColor(name: string): string {
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
