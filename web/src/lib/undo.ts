/** How what was done is undone: the requests that lead back, from what was there before. Nothing here asks a server. */
import { type Entry, isFile, nameOf } from './entry';
import type { Done } from './types';

export type TagChange = { add: string[]; remove: string[] };

/** Files that one request brings back to the tags they had. */
export type TagsBack = TagChange & { ids: string[] };

/** Groups files by what the change really did to each: a tag that was there before stays there afterwards. */
export function tagsBack(before: readonly Entry[], change: TagChange): TagsBack[] {
  const groups = new Map<string, TagsBack>();
  for (const file of before) {
    if (!isFile(file)) continue;
    const remove = change.add.filter((tag) => !file.tags.includes(tag));
    const add = change.remove.filter((tag) => file.tags.includes(tag) && !change.add.includes(tag));
    if (add.length + remove.length === 0) continue;
    const key = JSON.stringify([add, remove]);
    const group = groups.get(key) ?? { ids: [], add, remove };
    group.ids.push(file.id);
    groups.set(key, group);
  }
  return [...groups.values()];
}

export type MoveBack = { to: string; files: { id: string }[]; folders: { id: string }[] };

/** A file whose content another one took over: that one has a version more, and the file itself went to the trash. */
export const merged = ({ kind, replaced }: Done) => kind !== 'folder' && replaced !== undefined;

/** Groups what was moved by the folder it came from. What replaced a file is not there any more to be moved. */
export function movesBack(done: readonly Done[]): MoveBack[] {
  const groups = new Map<string, MoveBack>();
  for (const { id, kind, from } of done.filter((one) => !merged(one))) {
    const group = groups.get(from) ?? { to: from, files: [], folders: [] };
    (kind === 'folder' ? group.folders : group.files).push({ id });
    groups.set(from, group);
  }
  return [...groups.values()];
}

export type NameBack = { id: string; kind: string; name: string };

/** What a move gave another name, with the name it had. */
export function namesBack(done: readonly Done[], before: readonly Entry[]): NameBack[] {
  const names = new Map(before.map((entry) => [entry.id, nameOf(entry)]));
  return done.flatMap((one) => {
    const { id, of, kind, name } = one;
    const had = merged(one) ? undefined : names.get(of);
    return had !== undefined && had !== name ? [{ id, kind, name: had }] : [];
  });
}
