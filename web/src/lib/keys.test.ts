import { expect, test } from 'vitest';
import { keyName } from './keys';

const press = (key: string, held: Partial<KeyboardEvent> = {}) =>
  keyName({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

test('a key press has one name on every keyboard', () => {
  expect(press('a')).toBe('a');
  expect(press('?', { shiftKey: true })).toBe('?');
  expect(press('A', { ctrlKey: true })).toBe('Ctrl+a');
  expect(press('a', { metaKey: true })).toBe('Ctrl+a');
  expect(press('ArrowDown', { shiftKey: true })).toBe('Shift+ArrowDown');
  expect(press('/', { shiftKey: true })).toBe('/');
});
