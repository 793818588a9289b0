/** Files as a household has them, made up on the spot: for pictures, and for trying things out. */
import type { Api, NewFile } from './api';
import { type Pixel, png } from './image';

const WIDTH = 960;
const HEIGHT = 640;
const ASPECT = WIDTH / HEIGHT;

/** Hills in the evening, a little different for every seed. */
function landscape(seed: number): Pixel {
  const horizon = 0.55 + 0.05 * Math.sin(seed);
  const sunX = 0.2 + 0.6 * Math.abs(Math.sin(seed * 2.3));
  // From the farthest to the nearest: the farther, the more of the sky's colour.
  const hills = [0, 1, 2, 3].map((rank) => ({
    ridge: (x: number) => horizon + rank * 0.11 + 0.05 * Math.sin(x * (5 + rank * 3) + seed * (rank + 1)),
    color: [104 - rank * 26, 62 - rank * 9, 112 - rank * 24] as const,
  }));
  return (px, py) => {
    const [x, y] = [px / WIDTH, py / HEIGHT];
    const hill = hills.findLast(({ ridge }) => y > ridge(x));
    if (hill) return [...hill.color];
    if (Math.hypot(x - sunX, (y - horizon + 0.12) / ASPECT) < 0.055) return [255, 228, 170];
    const dusk = Math.min(1, y / (horizon + 0.05));
    return [70 + 175 * dusk, 70 + 82 * dusk, 150 - 20 * dusk];
  };
}

const photo = (seed: number) => png(WIDTH, HEIGHT, landscape(seed));

/** A one-page PDF that says one line. */
function pdf(line: string): string {
  const text = `BT /F1 24 Tf 72 720 Td (${line}) Tj ET`;
  return `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj
4 0 obj<</Length ${text.length}>>stream
${text}
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
`.padEnd(40_000 + line.length * 997, ' ');
}

const text = (words: string, kilobytes: number) => words.repeat(Math.ceil((kilobytes * 1024) / words.length));

/** Makes the files of a household, each where it belongs. */
export async function moveIn(api: Api): Promise<void> {
  const ids = new Map<string, string>();
  for (const { folder = '', ...file } of household()) {
    if (folder !== '' && !ids.has(folder)) ids.set(folder, (await api.folder(folder)).id);
    await api.upload({ ...file, folder: ids.get(folder) ?? '' });
  }
}

/** Each with the name of its folder. The last one is the newest. */
function household(): NewFile[] {
  const papers = { type: 'application/pdf' };
  const files: NewFile[] = [
    {
      folder: 'Papers',
      name: 'Birth certificates.pdf',
      body: pdf('Birth certificates'),
      tags: ['documents', 'family'],
      ...papers,
    },
    {
      folder: 'Papers',
      name: 'Car insurance 2026.pdf',
      body: pdf('Car insurance'),
      tags: ['insurance', 'car'],
      ...papers,
    },
    {
      folder: 'Papers',
      name: 'Tax return 2024.pdf',
      body: pdf('Tax return 2024'),
      tags: ['tax', 'documents'],
      ...papers,
    },
    {
      folder: 'Papers',
      name: 'Tax return 2025.pdf',
      body: pdf('Tax return 2025'),
      tags: ['tax', 'documents'],
      ...papers,
    },
    {
      folder: 'Papers',
      name: 'Washing machine manual.pdf',
      body: pdf('Manual'),
      tags: ['manuals'],
      ...papers,
    },
    {
      name: 'Heating readings.csv',
      body: text('2026-01-01;48213;21.5\n', 90),
      tags: ['house'],
      type: 'text/csv',
    },
    {
      folder: 'Recipes',
      name: 'Grandma – apple cake.txt',
      body: text('Six apples, peeled. ', 3),
      tags: ['recipes', 'family'],
    },
    {
      folder: 'Recipes',
      name: 'Pizza dough.txt',
      body: text('Flour, water, salt, time. ', 2),
      tags: ['recipes'],
    },
    {
      folder: 'Music',
      name: 'Choir practice.mp3',
      body: new Uint8Array(3_400_000),
      tags: ['music'],
      type: 'audio/mpeg',
    },
    {
      name: 'First steps.mp4',
      body: new Uint8Array(18_700_000),
      tags: ['video', 'family'],
      type: 'video/mp4',
    },
    {
      name: 'Letters backup.zip',
      body: new Uint8Array(7_900_000),
      tags: ['backup'],
      type: 'application/zip',
    },
    { name: 'Garden plan.txt', body: text('Beans by the wall. ', 5), tags: ['house', 'garden'] },
    { name: 'Lake at dusk.png', body: photo(5), tags: ['photos', 'holiday'], type: 'image/png' },
    { name: 'Hills, first day.png', body: photo(3), tags: ['photos', 'holiday'], type: 'image/png' },
    { name: 'Over the valley.png', body: photo(1), tags: ['photos', 'holiday', 'family'], type: 'image/png' },
  ];
  // What concerns the family, everybody in the house sees.
  return files.map((file) => ({ ...file, shared: file.tags?.includes('family') ?? false }));
}
