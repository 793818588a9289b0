import { describe, expect, it } from 'vitest';
import { collectEntries } from './uploads-collect';

function fileEntry(fullPath: string, broken = false) {
  const name = fullPath.split('/').at(-1) ?? '';
  return {
    isDirectory: false,
    name,
    fullPath,
    file: (resolve: (file: File) => void, reject: (error: Error) => void) =>
      broken ? reject(new Error('NotReadable')) : resolve(new File(['x'], name)),
  } as unknown as FileSystemEntry;
}

/** A folder that gives its children in batches of 100, as Chromium does. */
function folder(children: FileSystemEntry[], name = 'z', fullPath = `/${name}`) {
  const rest = [...children];
  return {
    isDirectory: true,
    name,
    fullPath,
    createReader: () => ({
      readEntries: (resolve: (some: FileSystemEntry[]) => void) => resolve(rest.splice(0, 100)),
    }),
  } as unknown as FileSystemEntry;
}

describe('collectEntries', () => {
  it('reads all of a folder with more than one batch, and folders in it', async () => {
    const many = Array.from({ length: 250 }, (_, i) => fileEntry(`/a/f${i}`));
    const got = await collectEntries([folder([...many, folder([fileEntry('/a/b/deep')])]), fileEntry('/z')]);
    expect(got.files).toHaveLength(252);
    expect(got.files[0]?.path).toBe('a/f0');
    expect(got.files.at(-2)?.path).toBe('a/b/deep');
    expect(got.files.at(-1)?.path).toBe('z');
  });

  it('goes on past what cannot be read', async () => {
    const got = await collectEntries([fileEntry('/broken', true), fileEntry('/fine')]);
    expect(got.unreadable).toBe(1);
    expect(got.files.map((found) => found.path)).toEqual(['fine']);
  });

  it('tells of folders in which there is nothing', async () => {
    const tree = folder([folder([], 'b', '/a/b'), folder([fileEntry('/a/c/f')], 'c', '/a/c')], 'a');
    expect((await collectEntries([tree, folder([], 'd')])).empty).toEqual(['a/b', 'd']);
    expect((await collectEntries([folder([fileEntry('/e/broken', true)], 'e')])).empty).toEqual([]);
  });

  it('walks a deep tree', async () => {
    let entry = fileEntry('/bottom');
    for (let i = 0; i < 5_000; i++) entry = folder([entry]);
    expect((await collectEntries([entry])).files).toHaveLength(1);
  });
});
