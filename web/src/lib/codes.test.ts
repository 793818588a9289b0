import { expect, test } from 'vitest';
import { codeFromFragment, grouped, problemFromFragment, tidySetupCode } from './codes';

test.each([
  ['ABCD-EFGH-IJKL-MNOP', 'ABCDEFGHIJKLMNOP'],
  [' abcd efgh  ijkl mnop ', 'ABCDEFGHIJKLMNOP'],
  ['abcd–efgh—ijkl_mnop', 'ABCDEFGHIJKLMNOP'],
  [' - ', ''],
])('the setup code %j is %j', (typed, want) => {
  expect(tidySetupCode(typed)).toBe(want);
});

test('the code behind the #', () => {
  expect(codeFromFragment('#aB-_9')).toBe('aB-_9');
  expect(codeFromFragment('#ABCD%20EFGH')).toBe('ABCD EFGH');
  expect(codeFromFragment('#100%')).toBe('100%');
  expect([codeFromFragment('#'), codeFromFragment('')]).toEqual(['', '']);
});

test('the problem that the provider came back with', () => {
  expect(problemFromFragment('#problem=Nobody%20knows%20you%20here.')).toBe('Nobody knows you here.');
  expect(problemFromFragment('#top')).toBe('');
});

test('a secret in groups', () => {
  expect(grouped('JBSWY3DPEHPK3PXPA')).toBe('JBSW Y3DP EHPK 3PXP A');
  expect(grouped('')).toBe('');
});
