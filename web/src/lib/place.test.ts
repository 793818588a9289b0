import { describe, expect, it } from 'vitest';
import { DEFAULT_QUERY } from './filelist-query';
import { addressOf, defaultQuery, fromAddress, HOME, type Place, samePlace } from './place';

describe('the address of the files page', () => {
  it('is bare at home, where a folder is read by name', () => {
    expect(fromAddress('')).toEqual({ place: HOME, query: defaultQuery(HOME) });
    expect(defaultQuery(HOME).sort).toBe('name');
    expect(addressOf(HOME)).toBe('');
  });

  it('comes back as it was written, for every place', () => {
    const places: Place[] = [
      HOME,
      { view: 'folder', folder: 'f1' },
      { view: 'all' },
      { view: 'trash' },
      { view: 'usage', folder: 'f1' },
    ];
    for (const place of places) {
      const sorted = { ...defaultQuery(place), sort: 'size', order: 'asc' } as const;
      expect(fromAddress(addressOf(place))).toEqual({ place, query: defaultQuery(place) });
      expect(fromAddress(addressOf(place, sorted))).toEqual({ place, query: sorted });
    }
    const query = { q: 'a&b=c', tag: 'x y', sort: 'name', order: 'desc' } as const;
    expect(fromAddress(addressOf({ view: 'all' }, query)).query).toEqual(query);
    const home = { ...defaultQuery(HOME), q: 'tax' };
    expect(fromAddress(addressOf(HOME, home))).toEqual({ place: HOME, query: home });
  });

  it('takes addresses from before there were folders for what they were: all files', () => {
    expect(fromAddress('?q=tax').place).toEqual({ view: 'all' });
    expect(fromAddress('?tag=papers').place).toEqual({ view: 'all' });
    expect(fromAddress('?sort=size').place).toEqual(HOME);
  });

  it('makes something of what makes no sense', () => {
    expect(fromAddress('?view=all&sort=colour&order=sideways').query).toEqual(DEFAULT_QUERY);
    expect(fromAddress('?view=attic').place).toEqual(HOME);
    expect(fromAddress('?view=trash&q=x&tag=y').query).toEqual(DEFAULT_QUERY);
  });

  it('tells places apart whatever is asked in them', () => {
    expect(samePlace({ view: 'folder', folder: 'a' }, { view: 'folder', folder: 'a' })).toBe(true);
    expect(samePlace({ view: 'folder', folder: 'a' }, { view: 'usage', folder: 'a' })).toBe(false);
  });
});
