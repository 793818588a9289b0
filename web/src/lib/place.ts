/** Where on the files page one is, and how that stands in the page's address. */
import { DEFAULT_QUERY, type ListQuery, NATURAL_ORDER, type SortKey } from './filelist-query';

/** One's own tree, whoever one is. */
export const MINE = 'mine';
export const HOUSEHOLD = 'household';

export type Place =
  | { view: 'folder'; folder: string }
  /** Every file one may see, in one flat list. */
  | { view: 'all' }
  | { view: 'trash' }
  /** Which folder below this one takes how much room. */
  | { view: 'usage'; folder: string };

export type Address = { place: Place; query: ListQuery };

export const HOME: Place = { view: 'folder', folder: MINE };

/** A folder is read by name, a library by date. */
export function defaultSort(place: Place): SortKey {
  return place.view === 'folder' ? 'name' : 'date';
}

export function defaultQuery(place: Place): ListQuery {
  const sort = defaultSort(place);
  return { ...DEFAULT_QUERY, sort, order: NATURAL_ORDER[sort] };
}

export function samePlace(a: Place, b: Place): boolean {
  return addressOf(a, DEFAULT_QUERY) === addressOf(b, DEFAULT_QUERY);
}

function placeFrom(params: URLSearchParams): Place {
  const view = params.get('view');
  const folder = params.get('folder');
  if (view === 'trash') return { view };
  if (view === 'usage') return { view, folder: folder ?? MINE };
  // Addresses from before there were folders name only a search or a tag: those were of all files.
  const flat = folder === null && ((params.get('q') ?? '') !== '' || (params.get('tag') ?? '') !== '');
  if (view === 'all' || flat) return { view: 'all' };
  return { view: 'folder', folder: folder ?? MINE };
}

export function fromAddress(search: string): Address {
  const params = new URLSearchParams(search);
  const place = placeFrom(params);
  const asked = params.get('sort');
  const sort = asked === 'name' || asked === 'size' || asked === 'date' ? asked : defaultSort(place);
  const order = params.get('order');
  const query: ListQuery = {
    q: place.view === 'folder' || place.view === 'all' ? (params.get('q') ?? '') : '',
    tag: place.view === 'all' ? (params.get('tag') ?? '') : '',
    sort,
    order: order === 'asc' || order === 'desc' ? order : NATURAL_ORDER[sort],
  };
  return { place, query };
}

/** The address holds only what differs from the default. */
export function addressOf(place: Place, query: ListQuery = defaultQuery(place)): string {
  const params = new URLSearchParams();
  if (place.view !== 'folder') params.set('view', place.view);
  if ('folder' in place && (place.folder !== MINE || query.q !== '')) params.set('folder', place.folder);
  if (query.q !== '') params.set('q', query.q);
  if (query.tag !== '') params.set('tag', query.tag);
  if (query.sort !== defaultSort(place)) params.set('sort', query.sort);
  if (query.order !== NATURAL_ORDER[query.sort]) params.set('order', query.order);
  return params.size > 0 ? `?${params}` : '';
}
