import { describe, expect, it } from 'vitest';
import { fileKind, hasPreview, parseTags, stemLength, visibleName } from './filelist-names';

describe('visibleName', () => {
  it.each([
    ['plain', 'report 2026 (final).txt', 'report 2026 (final).txt'],
    ['right-to-left override', 'annexe\u202Efdp.exe', 'annexe⟨RLO⟩fdp.exe'],
    ['isolates', '\u2066a\u2069', '⟨LRI⟩a⟨PDI⟩'],
    ['line feed and NUL', 'two\nlines\u0000', 'two⟨LF⟩lines⟨NUL⟩'],
    ['delete and C1', 'a\u007fb\u0085c', 'a⟨DEL⟩b⟨U+0085⟩c'],
    ['other controls', 'a\u0007b', 'a⟨U+0007⟩b'],
    ['zero width', 'a\u200Bb\uFEFF', 'a⟨ZWSP⟩b⟨BOM⟩'],
    ['lone surrogate', 'a\uD800b', 'a\uFFFDb'],
    ['emoji with joiners stay', '👩\u200D👧 family.jpg', '👩\u200D👧 family.jpg'],
    ['other scripts stay', 'قائمة 写真 ñandú.txt', 'قائمة 写真 ñandú.txt'],
    ['markup is only text', '<img src=x onerror=alert(1)>"\'.png', '<img src=x onerror=alert(1)>"\'.png'],
  ])('%s', (_, name, want) => {
    expect(visibleName(name)).toBe(want);
  });
});

describe('fileKind', () => {
  it.each([
    ['image/png', 'image'],
    ['text/plain; charset=utf-8', 'text'],
    ['APPLICATION/JSON', 'text'],
    ['application/zip', 'archive'],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'document'],
    ['application/octet-stream', 'other'],
    ['', 'other'],
  ])('%s is %s', (type, want) => {
    expect(fileKind(type)).toBe(want);
  });
});

it('previews pictures, but never SVG', () => {
  expect(hasPreview('image/png')).toBe(true);
  expect(hasPreview('image/svg+xml')).toBe(false);
});

it('selects the stem of a name', () => {
  expect(stemLength('a.tar.gz')).toBe(5);
  expect(stemLength('.env')).toBe(4);
  expect(stemLength('README')).toBe(6);
});

it('reads tags as the server does', () => {
  expect(parseTags(' a, b,,a , B')).toEqual(['a', 'b', 'B']);
  expect(parseTags('a,c', ['a'])).toEqual(['a', 'c']);
});
