import { describe, expect, it } from 'vitest';
import { type FetchPage, FileListing } from './filelist';
import { DEFAULT_QUERY } from './filelist-query';
import { TypeAhead } from './filelist-typeahead';
import type { FileInfo, Folder } from './types';

function file(id: string, extra: Partial<FileInfo> = {}): FileInfo {
  return {
    id,
    filename: `${id}.txt`,
    content_type: 'text/plain',
    size: 1,
    upload_date: '2026-01-01T00:00:00Z',
    tags: [],
    sha256: null,
    owner: '',
    owner_name: '',
    shared: true,
    folder_id: 'household',
    modified: '2026-01-01T00:00:00Z',
    revision: 1,
    etag: '"r1"',
    ...extra,
  } as FileInfo;
}

function folder(id: string, extra: Partial<Folder> = {}): Folder {
  return {
    id,
    name: id,
    parent_id: 'household',
    owner: '',
    owner_name: '',
    files: 0,
    bytes: 0,
    folders: 0,
    created: '2026-01-01T00:00:00Z',
    modified: '2026-01-01T00:00:00Z',
    revision: 1,
    etag: '"r1"',
    path: [],
    ...extra,
  };
}

/** A server with `count` files, newest first, whose questions are kept. */
function server(count: number) {
  const files = Array.from({ length: count }, (_, i) =>
    file(`f${i}`, { upload_date: new Date(1_700_000_000_000 - i * 1_000).toISOString() }),
  );
  const asked: { cursor: string | undefined; limit: number }[] = [];
  let failure: Error | null = null;
  const fetchPage: FetchPage = async (query, page, signal) => {
    asked.push(page);
    await Promise.resolve();
    signal.throwIfAborted();
    if (failure) throw failure;
    const matching = files.filter((one) => one.filename.includes(query.q));
    const from = Number(page.cursor ?? 0);
    const next = from + page.limit;
    return {
      rows: matching.slice(from, next),
      total: matching.length,
      ...(next < matching.length ? { next_cursor: String(next) } : {}),
    };
  };
  return { fetchPage, asked, files, fail: (error: Error | null) => (failure = error) };
}

async function settled(listing: FileListing, until: () => boolean) {
  for (let i = 0; i < 2_000 && !until(); i++) await Promise.resolve();
  expect(until()).toBe(true);
  return listing;
}

const ids = (listing: FileListing) => listing.rows.map((row) => row.id).join(' ');

describe('FileListing', () => {
  it('asks for one small page first, and for the next when it is needed', async () => {
    const { fetchPage, asked } = server(1_000);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    expect(listing.total).toBe(1_000);
    listing.need(20);
    expect(asked).toHaveLength(1);
    listing.need(60);
    await settled(listing, () => listing.rows.length === 200);
    expect(asked).toEqual([
      { cursor: undefined, limit: 100 },
      { cursor: '100', limit: 100 },
    ]);
  });

  it('goes far with long pages, and stops on the way when somebody turns back', async () => {
    const { fetchPage, asked } = server(100_000);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    listing.need(99_999);
    await settled(listing, () => listing.rows.length > 5_000);
    listing.need(10);
    const stopped = asked.length;
    for (let i = 0; i < 100; i++) await Promise.resolve();
    expect(asked.length).toBeLessThanOrEqual(stopped + 1);
    listing.need(99_999);
    await settled(listing, () => listing.complete);
    expect(listing.rows).toHaveLength(100_000);
    expect(asked.length).toBeLessThan(110);
  });

  it('drops an older question, and keeps the old rows until the new ones come', async () => {
    const { fetchPage } = server(30);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    const first = listing.load({ ...DEFAULT_QUERY, q: 'f1' });
    expect(listing.stale).toBe(true);
    expect(listing.rows).toHaveLength(30);
    const second = listing.load({ ...DEFAULT_QUERY, q: 'f29' });
    await Promise.all([first, second]);
    expect(ids(listing)).toBe('f29');
    expect(listing.stale).toBe(false);
  });

  it('says why there is no list, and why there is no more of it', async () => {
    const { fetchPage, fail } = server(300);
    const listing = new FileListing(fetchPage, () => {});
    fail(new Error('down'));
    await listing.load(DEFAULT_QUERY);
    expect(listing.state).toBe('failed');
    fail(null);
    await listing.load(DEFAULT_QUERY);
    expect(listing.state).toBe('ready');
    fail(new Error('down again'));
    listing.need(99);
    await settled(listing, () => listing.moreProblem !== null);
    expect(listing.rows).toHaveLength(100);
    fail(null);
    listing.retryMore();
    await settled(listing, () => listing.rows.length === 200);
    expect(listing.moreProblem).toBeNull();
  });

  it('takes rows out and puts them back behind their neighbours', async () => {
    const { fetchPage } = server(8);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    const removed = listing.remove(['f0', 'f3', 'f4', 'f7']);
    expect(ids(listing)).toBe('f1 f2 f5 f6');
    expect(listing.total).toBe(4);
    listing.insert(file('new', { upload_date: '2030-01-01T00:00:00Z' }));
    listing.restore(removed, ['f0', 'f3', 'f4', 'f7']);
    expect(ids(listing).split(' ').sort().join(' ')).toBe('f0 f1 f2 f3 f4 f5 f6 f7 new');
    expect(ids(listing)).toContain('f1 f2 f3 f4 f5 f6 f7');
    expect(listing.total).toBe(9);
  });

  it('puts back two deletions in either order', async () => {
    const { fetchPage } = server(6);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    const first = listing.remove(['f2']);
    const second = listing.remove(['f3']);
    listing.restore(first, ['f2']);
    listing.restore(second, ['f3']);
    expect(ids(listing).split(' ').sort().join(' ')).toBe('f0 f1 f2 f3 f4 f5');
    const third = listing.remove(['f1']);
    const fourth = listing.remove(['f0', 'f2']);
    listing.restore(fourth, ['f0', 'f2']);
    listing.restore(third, ['f1']);
    expect(listing.rows).toHaveLength(6);
    expect(listing.total).toBe(6);
  });

  it('does not let a page that was on its way bring back what was deleted', async () => {
    const { fetchPage } = server(300);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    listing.remove(['f150']);
    listing.need(190);
    await settled(listing, () => listing.rows.length > 200);
    expect(listing.find('f150')).toBeUndefined();
  });

  it('does not let a page that was on its way bring back what was before a change', async () => {
    const { fetchPage, files } = server(2);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    const refresh = listing.refresh();
    listing.replace(file('f0', { tags: ['new'], revision: 2 }));
    await refresh;
    expect(listing.find('f0')).toMatchObject({ tags: ['new'], revision: 2 });
    files[0] = file('f0', { tags: ['newer'], revision: 3 });
    await listing.refresh();
    expect(listing.find('f0')).toMatchObject({ tags: ['newer'], revision: 3 });
  });

  it('puts a new file where it sorts, if it matches', async () => {
    const { fetchPage, files } = server(300);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    listing.insert(file('newest', { upload_date: '2030-01-01T00:00:00Z' }));
    expect(listing.rows[0]?.id).toBe('newest');
    listing.insert(file('oldest', { upload_date: '2000-01-01T00:00:00Z' }));
    expect(listing.find('oldest')).toBeUndefined();
    expect(listing.total).toBe(302);
    listing.insert(files[0] as FileInfo);
    expect(listing.total).toBe(302);
    await listing.load({ ...DEFAULT_QUERY, q: 'f1' });
    const before = listing.total;
    listing.insert(file('other'));
    expect(listing.total).toBe(before);
  });

  it('ends an older question with the one that took its place', async () => {
    const { fetchPage, files } = server(2);
    let answer: (() => void) | undefined;
    const fetchLate: FetchPage = async (...question) => {
      if (files.length > 2) await new Promise<void>((resolve) => (answer = resolve));
      return fetchPage(...question);
    };
    const listing = new FileListing(fetchLate, () => {});
    await listing.load(DEFAULT_QUERY);
    files.unshift(file('new'));
    const seen = listing.refresh().then(() => ids(listing));
    const release = answer;
    const newer = listing.refresh();
    release?.();
    for (let i = 0; i < 100; i++) await Promise.resolve();
    answer?.();
    await newer;
    expect(await seen).toBe('new f0 f1');
  });

  it('refreshes in place', async () => {
    const { fetchPage, files, asked } = server(300);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    listing.need(190);
    await settled(listing, () => listing.complete);
    files.shift();
    await listing.refresh();
    expect(listing.rows).toHaveLength(299);
    expect(asked.at(-1)?.limit).toBe(1_000);
  });

  it('keeps what it shows when a refresh does not come', async () => {
    const { fetchPage, fail } = server(20);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    fail(new Error('down'));
    await listing.refresh();
    expect(listing.state).toBe('ready');
    expect(listing.rows).toHaveLength(20);
  });

  it('lets a refresh bring back what the server had taken away, and only that', async () => {
    const { fetchPage } = server(20);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load(DEFAULT_QUERY);
    listing.remove(['f3', 'f4']);
    // Somebody else restored f3 before this refresh; f4 is still on its way to the trash.
    listing.settle(['f3']);
    await listing.refresh();
    expect(listing.find('f3')).toBeDefined();
    expect(listing.find('f4')).toBeUndefined();
  });

  it('puts folders before files, whichever way it is sorted', async () => {
    const { fetchPage } = server(3);
    const listing = new FileListing(fetchPage, () => {});
    await listing.load({ ...DEFAULT_QUERY, sort: 'name', order: 'desc' });
    listing.insert(folder('b'));
    listing.insert(folder('c'));
    listing.insert(folder('a'));
    expect(ids(listing).split(' ').slice(0, 3)).toEqual(['c', 'b', 'a']);
  });
});

describe('TypeAhead', () => {
  const names = ['alpha', 'beta', 'Banana', 'gamma', 'umbrella'];
  const reserved = 'ug/?';

  it('finds the next name, and a longer word', () => {
    const ahead = new TypeAhead();
    expect(ahead.press('b', 0, names, 0, reserved)).toBe(1);
    expect(ahead.press('a', 100, names, 1, reserved)).toBe(2);
    expect(ahead.press('z', 200, names, 2, reserved)).toBeNull();
    expect(ahead.press('a', 5_000, names, 2, reserved)).toBe(0);
  });
  it('walks through names by one letter', () => {
    const ahead = new TypeAhead();
    expect(ahead.press('b', 0, names, 0, reserved)).toBe(1);
    expect(ahead.press('b', 100, names, 1, reserved)).toBe(2);
    expect(ahead.press('b', 200, names, 2, reserved)).toBe(1);
  });
  it('begins a new word after another key', () => {
    const ahead = new TypeAhead();
    expect(ahead.press('b', 0, names, 0, reserved)).toBe(1);
    ahead.reset();
    expect(ahead.press('a', 100, names, 1, reserved)).toBe(0);
  });
  it('leaves the shortcuts of the page alone, but takes their letters inside a word', () => {
    const ahead = new TypeAhead();
    expect(ahead.press('u', 0, names, 0, reserved)).toBeUndefined();
    expect(ahead.press('g', 2_000, names, 0, reserved)).toBeUndefined();
    expect(ahead.press('d', 2_100, names, 0, reserved)).toBeUndefined();
    expect(ahead.press('b', 2_200, names, 0, reserved)).toBe(1);
    expect(new TypeAhead().press('u', 0, names, 0, '')).toBe(4);
  });
});
