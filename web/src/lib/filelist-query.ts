/** What is asked of the list: filter and order, and which row comes where. Folders come before files, always. */
import { dateOf, type Entry, kindOf, nameOf, sizeOf, tagsOf } from './entry';

export type SortKey = 'date' | 'name' | 'size';
export type SortOrder = 'asc' | 'desc';
export type ListQuery = { q: string; tag: string; sort: SortKey; order: SortOrder };

/** Each sort's natural direction: the newest, the largest, the alphabet. */
export const NATURAL_ORDER: Record<SortKey, SortOrder> = { date: 'desc', size: 'desc', name: 'asc' };
export const DEFAULT_QUERY: ListQuery = { q: '', tag: '', sort: 'date', order: 'desc' };

export function matches(entry: Entry, query: ListQuery): boolean {
  if (query.tag !== '' && !tagsOf(entry).includes(query.tag)) return false;
  return nameOf(entry).toLowerCase().includes(query.q.toLowerCase());
}

function compare(a: Entry, b: Entry, query: ListQuery): number {
  const kinds = kindOf(a) === kindOf(b) ? 0 : kindOf(a) === 'folder' ? -1 : 1;
  if (kinds !== 0) return kinds;
  const sign = query.order === 'asc' ? 1 : -1;
  if (query.sort === 'size') return sign * (sizeOf(a) - sizeOf(b));
  if (query.sort === 'date') return sign * (Date.parse(dateOf(a)) - Date.parse(dateOf(b)));
  const [left, right] = [nameOf(a).toLowerCase(), nameOf(b).toLowerCase()];
  return left === right ? 0 : sign * (left < right ? -1 : 1);
}

/** The first place at which the row would not come after what is there. */
export function position(rows: readonly Entry[], entry: Entry, query: ListQuery): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(rows[middle] as Entry, entry, query) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
