/** Finds for files that were chosen the uploads that lack theirs: one pick of the same folder goes on with all of it. */
import { type Candidate, nameOf, type Upload } from './uploads-types';

export interface Matched {
  pairs: (Candidate & { upload: Upload })[];
  /** Those that belong to no upload. */
  rest: Candidate[];
}

/**
 * A file is that of an upload if its size, its time as far as it is known, and its whole path are the same; or its name
 * alone, when it was chosen by itself, out of its folder, and no other upload fits as well.
 */
export function matchFiles(uploads: readonly Upload[], candidates: readonly Candidate[]): Matched {
  const open = new Set(uploads.filter((upload) => upload.file === null && upload.state === 'fileless'));
  const pairs: Matched['pairs'] = [];
  const take = (candidate: Candidate, upload: Upload | undefined) => {
    if (!upload) return false;
    open.delete(upload);
    pairs.push({ ...candidate, upload });
    return true;
  };
  const byPath = group([...open], ({ path, size }) => `${size} ${path}`);
  const left = candidates.filter((candidate) => {
    const { file, path } = candidate;
    const same = (byPath.get(`${file.size} ${path ?? file.name}`) ?? []).filter(
      (upload) => open.has(upload) && sameTime(upload, file),
    );
    return !take(candidate, same.find(({ modified }) => modified !== 0) ?? same[0]);
  });
  const byName = group([...open], ({ path, size }) => `${size} ${nameOf(path)}`);
  const rest = left.filter((candidate) => {
    const { file, path } = candidate;
    if (path?.includes('/')) return true;
    const same = (byName.get(`${file.size} ${file.name}`) ?? []).filter(
      (upload) => open.has(upload) && sameTime(upload, file),
    );
    return !(same.length === 1 && take(candidate, same[0]));
  });
  return { pairs, rest };
}

/** Of what was begun on another device the time is not known: before it is gone on with, the bytes are compared. */
function sameTime({ modified }: Upload, file: File): boolean {
  return modified === 0 || modified === file.lastModified;
}

function group(uploads: readonly Upload[], keyOf: (upload: Upload) => string): Map<string, Upload[]> {
  const groups = new Map<string, Upload[]>();
  for (const upload of uploads) {
    const key = keyOf(upload);
    const group = groups.get(key);
    if (group) group.push(upload);
    else groups.set(key, [upload]);
  }
  return groups;
}
