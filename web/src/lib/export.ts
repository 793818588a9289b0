/** What a chart shows, to be taken along: as a table for a spreadsheet, or as a picture. */
import { cssColor, lineStyle } from './chart';
import { hasBand, type Points } from './points';

export type ExportLine = { key: string; label: string };

/** A table (RFC 4180): time in UTC, then mean, lowest and highest of each line. */
export function csvOf(points: Points, lines: readonly ExportLine[], from: number, to: number): string {
  const band = hasBand(points);
  const columns = lines.flatMap(({ key }) => (band ? [key, `${key} min`, `${key} max`] : [key]));
  const rows = [['time', ...columns].map(field).join(',')];
  points.times.forEach((time, at) => {
    if (time * 1000 < from || time * 1000 > to) return;
    const cells = points.lines
      .slice(0, lines.length)
      .flatMap(({ mean, min, max }) => (band ? [mean[at], min[at], max[at]] : [mean[at]]));
    rows.push([new Date(time * 1000).toISOString(), ...cells.map((value) => value ?? '')].join(','));
  });
  return `${rows.join('\r\n')}\r\n`;
}

/** A cell, quoted where it must be; one that a spreadsheet would take for a formula begins with an apostrophe. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A name for a file, of a title and a time. */
export function fileName(title: string, at: number, extension: string): string {
  const name = title.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-+|-+$/g, '') || 'chart';
  return `${name}-${new Date(at).toISOString().slice(0, 16).replaceAll(/[:T]/g, '-')}.${extension}`;
}

const EDGE_PX = 16;
/** The title and the time; below it stand the names of the lines. */
const TITLE_PX = 32;
const ROW_PX = 20;
/** Before a name: the line as it is drawn, and room between. */
const SWATCH_PX = 18;
const NAME_PX = 24;
const TITLE_FONT = '600 14px system-ui, sans-serif';
const FONT = '12px system-ui, sans-serif';

/** In which rows things of these widths stand so that all fit beside each other; what is too wide has one of its own. */
export function rowsOf(widths: readonly number[], room: number): number[][] {
  const rows: number[][] = [];
  let left = 0;
  widths.forEach((width, at) => {
    const row = rows.at(-1);
    if (row && left + width <= room) row.push(at);
    else {
      rows.push([at]);
      left = 0;
    }
    left += width;
  });
  return rows;
}

/** A text that is no wider than the room, cut where it must be. */
export function fitted(text: string, room: number, width: (text: string) => number): string {
  if (width(text) <= room) return text;
  const letters = [...text];
  while (letters.length > 0 && width(`${letters.join('')}…`) > room) letters.pop();
  return `${letters.join('').trimEnd()}…`;
}

/** The picture of a chart, with its title, its time and what its lines are. */
export async function pictureOf(
  chart: HTMLCanvasElement,
  title: string,
  time: string,
  lines: readonly ExportLine[],
): Promise<Blob> {
  const ratio = devicePixelRatio;
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser cannot draw.');
  context.font = FONT;
  const widths = lines.map(({ label }) => NAME_PX + context.measureText(label).width + EDGE_PX);
  const rows = rowsOf(widths, chart.width / ratio + EDGE_PX);
  const head = TITLE_PX + rows.length * ROW_PX + EDGE_PX / 4;
  canvas.width = chart.width + 2 * EDGE_PX * ratio;
  canvas.height = chart.height + (head + EDGE_PX) * ratio;
  context.fillStyle = cssColor('--card');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(ratio, ratio);
  context.textBaseline = 'middle';
  const right = canvas.width / ratio - EDGE_PX;
  context.font = FONT;
  const timeWidth = context.measureText(time).width;
  context.fillStyle = cssColor('--muted');
  context.textAlign = 'right';
  context.fillText(time, right, 20);
  context.fillStyle = cssColor('--text');
  context.font = TITLE_FONT;
  context.textAlign = 'left';
  const width = (text: string) => context.measureText(text).width;
  context.fillText(fitted(title, right - timeWidth - 2 * EDGE_PX, width), EDGE_PX, 20);
  context.font = FONT;
  context.fillStyle = cssColor('--muted');
  rows.forEach((row, number) => {
    const middle = TITLE_PX + number * ROW_PX + ROW_PX / 2;
    let left = EDGE_PX;
    for (const at of row) {
      const { color, dash } = lineStyle(at);
      context.strokeStyle = cssColor(color);
      context.lineWidth = 3;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(left, middle);
      context.lineTo(left + SWATCH_PX, middle);
      context.stroke();
      const name = fitted(lines[at]?.label ?? '', right - left - NAME_PX, width);
      context.fillText(name, left + NAME_PX, middle);
      left += widths[at] ?? 0;
    }
  });
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(chart, EDGE_PX * ratio, head * ratio);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('No picture came of it.'))),
      'image/png',
    ),
  );
}

/** Hands a file to the person. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not at once: the browser still reads it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
