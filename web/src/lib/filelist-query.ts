/** What is asked of the list: filter and order, how they stand in the page's address, and which file comes where. */
import type { FileInfo } from './types';

export type SortKey = 'date' | 'name' | 'size';
export type SortOrder = 'asc' | 'desc';
export type ListQuery = { q: string; tag: string; sort: SortKey; order: SortOrder };

/** Each sort's natural direction: the newest, the largest, the alphabet. */
export const NATURAL_ORDER: Record<SortKey, SortOrder> = { date: 'desc', size: 'desc', name: 'asc' };
export const DEFAULT_QUERY: ListQuery = { q: '', tag: '', sort: 'date', order: 'desc' };

export function matches(file: FileInfo, query: ListQuery): boolean {
  if (query.tag !== '' && !file.tags.includes(query.tag)) return false;
  return file.filename.toLowerCase().includes(query.q.toLowerCase());
}

function compare(a: FileInfo, b: FileInfo, query: ListQuery): number {
  const sign = query.order === 'asc' ? 1 : -1;
  if (query.sort === 'size') return sign * (a.size - b.size);
  if (query.sort === 'date') return sign * (Date.parse(a.upload_date) - Date.parse(b.upload_date));
  const [left, right] = [a.filename.toLowerCase(), b.filename.toLowerCase()];
  return left === right ? 0 : sign * (left < right ? -1 : 1);
}

/** The first place at which the file would not come after what is there. */
export function position(rows: readonly FileInfo[], file: FileInfo, query: ListQuery): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(rows[middle] as FileInfo, file, query) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The query of a page's address, and the other way: the address holds only what differs from the default. */
export function queryFromAddress(search: string): ListQuery {
  const params = new URLSearchParams(search);
  const asked = params.get('sort');
  const sort: SortKey = asked === 'name' || asked === 'size' ? asked : 'date';
  const order = params.get('order');
  return {
    q: params.get('q') ?? '',
    tag: params.get('tag') ?? '',
    sort,
    order: order === 'asc' || order === 'desc' ? order : NATURAL_ORDER[sort],
  };
}

export function addressOf(query: ListQuery): string {
  const params = new URLSearchParams();
  if (query.q !== '') params.set('q', query.q);
  if (query.tag !== '') params.set('tag', query.tag);
  if (query.sort !== 'date') params.set('sort', query.sort);
  if (query.order !== NATURAL_ORDER[query.sort]) params.set('order', query.order);
  return params.size > 0 ? `?${params}` : '';
}
