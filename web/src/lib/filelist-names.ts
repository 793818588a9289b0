/**
 * File names as a person may safely read them. A name can hold a line feed, or U+202E, which makes
 * "annexe\u202Efdp.exe" look like a PDF. Such characters are shown as symbols; the name itself is not changed.
 */

/** Characters that turn the direction of the text around them. */
const BIDI: Record<string, string> = {
  '\u061C': 'ALM',
  '\u200E': 'LRM',
  '\u200F': 'RLM',
  '\u202A': 'LRE',
  '\u202B': 'RLE',
  '\u202C': 'PDF',
  '\u202D': 'LRO',
  '\u202E': 'RLO',
  '\u2066': 'LRI',
  '\u2067': 'RLI',
  '\u2068': 'FSI',
  '\u2069': 'PDI',
};

/** The control characters that people have heard of; the others go by their number. */
const CONTROLS: Record<string, string> = {
  '\0': 'NUL',
  '\t': 'TAB',
  '\n': 'LF',
  '\r': 'CR',
  '\x1B': 'ESC',
  '\x7F': 'DEL',
};

/** Characters without width or ink: two names that look alike may differ by them. Joiners stay, scripts and emoji need them. */
const UNSEEN: Record<string, string> = {
  '\u00AD': 'SHY',
  '\u200B': 'ZWSP',
  '\u2028': 'LS',
  '\u2029': 'PS',
  '\u2060': 'WJ',
  '\uFEFF': 'BOM',
};

const SUSPECT =
  /[\p{Cc}\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060\u2066-\u2069\uFEFF]|\p{Surrogate}/gu;

function symbolFor(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const name = CONTROLS[character] ?? BIDI[character] ?? UNSEEN[character];
  if (name) return `\u27E8${name}\u27E9`;
  if (code < 0xa0) return `\u27E8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27E9`;
  return '\uFFFD';
}

/** The name with every control and direction character made visible. */
export function visibleName(name: string): string {
  return name.replace(SUSPECT, symbolFor);
}

export type FileKind = 'image' | 'video' | 'audio' | 'text' | 'archive' | 'document' | 'other';

const ARCHIVES = /(zip|tar|gzip|7z|rar|bzip|xz|zstd|compress|java-archive|iso9660|diskimage)/;
const DOCUMENTS = /(pdf|msword|officedocument|opendocument|ms-excel|ms-powerpoint|rtf|epub)/;
const TEXTS = /(json|xml|javascript|yaml|toml|x-sh|sql)/;

/** What a content type is to a person, for the icon in the row. */
export function fileKind(contentType: string): FileKind {
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  const [family, detail = ''] = type.split('/');
  if (family === 'image' || family === 'video' || family === 'audio' || family === 'text') return family;
  if (DOCUMENTS.test(detail)) return 'document';
  if (ARCHIVES.test(detail)) return 'archive';
  if (TEXTS.test(detail)) return 'text';
  return 'other';
}

/** Image types that the server serves inline and every browser draws. SVG is left out: it can carry script. */
const PREVIEWED = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp']);

export function hasPreview(contentType: string): boolean {
  return PREVIEWED.has((contentType.split(';')[0] ?? '').trim().toLowerCase());
}

/** How much of a name a person means when renaming: all before the last dot, or all of it. */
export function stemLength(name: string): number {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? dot : name.length;
}

/** The server's rule for tags: trimmed, none empty, no duplicates, no comma inside (it separates them). */
export function parseTags(text: string, present: readonly string[] = []): string[] {
  const tags = [...present];
  for (const part of text.split(',')) {
    const tag = part.trim();
    if (tag !== '' && !tags.includes(tag)) tags.push(tag);
  }
  return tags;
}
