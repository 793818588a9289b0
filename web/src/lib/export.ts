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

const HEAD_PX = 56;
const EDGE_PX = 16;

/** The picture of a chart, with its title, its time and what its lines are. */
export async function pictureOf(
  chart: HTMLCanvasElement,
  title: string,
  time: string,
  lines: readonly ExportLine[],
): Promise<Blob> {
  const ratio = devicePixelRatio;
  const canvas = document.createElement('canvas');
  canvas.width = chart.width + 2 * EDGE_PX * ratio;
  canvas.height = chart.height + (HEAD_PX + EDGE_PX) * ratio;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser cannot draw.');
  context.fillStyle = cssColor('--card');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(ratio, ratio);
  context.textBaseline = 'middle';
  context.fillStyle = cssColor('--text');
  context.font = '600 14px system-ui, sans-serif';
  context.fillText(title, EDGE_PX, 20);
  context.font = '12px system-ui, sans-serif';
  context.fillStyle = cssColor('--muted');
  context.textAlign = 'right';
  context.fillText(time, canvas.width / ratio - EDGE_PX, 20);
  context.textAlign = 'left';
  let left = EDGE_PX;
  lines.forEach(({ label }, at) => {
    const { color, dash } = lineStyle(at);
    context.strokeStyle = cssColor(color);
    context.lineWidth = 3;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(left, 42);
    context.lineTo(left + 18, 42);
    context.stroke();
    context.fillText(label, left + 24, 42);
    left += 24 + context.measureText(label).width + EDGE_PX;
  });
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(chart, EDGE_PX * ratio, HEAD_PX * ratio);
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
