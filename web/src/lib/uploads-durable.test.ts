import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UploadQueue } from './uploads';
import { Durable } from './uploads-durable';
import { matchFiles } from './uploads-match';
import type { Kept, Shelf } from './uploads-shelf';
import type { Upload, UploadPlan } from './uploads-types';

const PLAN: UploadPlan = { folder: 'mine', folderName: '', tags: ['a'], shared: false, onConflict: 'fail' };
const NOBODY = new Set<string>();

/** A shelf that outlives pages, as the browser's does. */
class MemoryShelf implements Shelf {
  readonly records = new Map<string, Kept>();
  readonly contents = new Map<string, File>();

  async claim(tab: string, account: string, living: ReadonlySet<string>): Promise<Kept[]> {
    const mine = [...this.records.values()].filter(
      (record) => record.account === account && (record.tab === tab || !living.has(record.tab)),
    );
    for (const record of mine) record.tab = tab;
    return mine.sort((a, b) => a.at - b.at || a.order - b.order);
  }
  async urls() {
    return new Set([...this.records.values()].flatMap(({ url }) => url ?? []));
  }
  async put(records: readonly Kept[]) {
    for (const record of records) this.records.set(record.key, structuredClone(record));
  }
  async remove(keys: readonly string[]) {
    for (const key of keys) this.records.delete(key);
    await this.removeFiles(keys);
  }
  async putFiles(files: readonly { key: string; file: File }[]) {
    for (const { key, file } of files) this.contents.set(key, file);
  }
  async removeFiles(keys: readonly string[]) {
    for (const key of keys) this.contents.delete(key);
  }
  async files(keys: readonly string[]) {
    return new Map([...this.contents].filter(([key]) => keys.includes(key)));
  }
}

/** A page with a queue that sends nothing by itself; `early` happens before what was kept is at hand. */
async function openPage(
  shelf: Shelf,
  { tab = 'tab', account = 'ada', living = NOBODY } = {},
  early?: (queue: UploadQueue, durable: Durable) => Promise<void>,
) {
  const queue: UploadQueue = new UploadQueue({
    one: () => new Promise(() => {}),
    many: () => new Promise(() => {}),
    onDurable: (upload, gone) => durable.changed(upload, gone),
  });
  const durable: Durable = new Durable(queue);
  await early?.(queue, durable);
  await durable.start(shelf, tab, account, living);
  return { queue, durable };
}

const file = (name: string, lastModified = 1) => new File([name], name, { lastModified });
const states = (queue: UploadQueue) => queue.uploads.map(({ path, state }) => `${path} ${state}`);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('Durable', () => {
  it('brings back the queue in its order, with the files that were kept', async () => {
    const shelf = new MemoryShelf();
    const before = await openPage(shelf);
    before.queue.add([{ file: file('a') }, { file: file('b'), path: 'x/b' }], PLAN);
    before.queue.pause(before.queue.uploads[1] as Upload);
    expect(before.durable.safe).toBe(false);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(before.durable.safe).toBe(true);
    const after = await openPage(shelf);
    expect(states(after.queue)).toEqual(['a sending', 'x/b paused']);
    expect(after.queue.uploads[0]).toMatchObject({ size: 1, tags: ['a'], kept: true });
  });

  it('asks for files that were not kept, which one pick gives back', async () => {
    const shelf = new MemoryShelf();
    const before = await openPage(shelf);
    before.queue.add([{ file: file('a'), path: 'x/a' }], PLAN);
    await before.durable.flush();
    const { queue } = await openPage(shelf);
    expect(states(queue)).toEqual(['x/a fileless']);
    const { pairs, rest } = matchFiles(queue.uploads, [
      { file: file('a'), path: 'x/a' },
      { file: file('z') },
    ]);
    expect(rest).toHaveLength(1);
    for (const pair of pairs) queue.attach(pair.upload, pair.file);
    expect(states(queue)).toEqual(['x/a sending']);
  });

  it('keeps no copy of what is through, and forgets a queue that is through', async () => {
    const shelf = new MemoryShelf();
    const { queue } = await openPage(shelf);
    queue.add([{ file: file('a') }], { ...PLAN, onConflict: 'keep' });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(shelf.contents.size).toBe(1);
    const [upload] = queue.uploads as [Upload];
    upload.state = 'conflict';
    queue.decide(upload, 'skip', false);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(shelf.contents.size).toBe(0);
    expect((await openPage(shelf)).queue.uploads).toEqual([]);
    expect(shelf.records.size).toBe(0);
  });

  it('leaves alone what another tab sends, or another account began', async () => {
    const shelf = new MemoryShelf();
    const first = await openPage(shelf, { tab: 'one' });
    first.queue.add([{ file: file('a') }], PLAN);
    await first.durable.flush();
    expect((await openPage(shelf, { tab: 'two', living: new Set(['one']) })).queue.uploads).toEqual([]);
    expect((await openPage(shelf, { tab: 'two', account: 'bob' })).queue.uploads).toEqual([]);
    expect((await openPage(shelf, { tab: 'two' })).queue.uploads).toHaveLength(1);
  });

  it('drops what is too old for the server to know', async () => {
    const shelf = new MemoryShelf();
    const first = await openPage(shelf);
    first.queue.add([{ file: file('a') }], PLAN);
    await first.durable.flush();
    vi.setSystemTime(Date.now() + 8 * 86_400_000);
    expect((await openPage(shelf)).queue.uploads).toEqual([]);
  });

  it('asks how far is what was cut off, which the list does not know yet', async () => {
    const shelf = new MemoryShelf();
    const before = await openPage(shelf);
    before.queue.add([{ file: file('cut') }, { file: file('through') }, { file: file('gone') }], PLAN);
    for (const upload of before.queue.uploads) {
      upload.url = `/api/v1/uploads/${upload.path}`;
      before.durable.changed(upload, false);
    }
    await before.durable.flush();
    const remote = { filename: '', folder: 'f', size: 9, offset: 0, partial: false };
    vi.stubGlobal('fetch', async (url: string, { method }: RequestInit) => {
      if (method !== 'HEAD')
        return Response.json({ uploads: [{ ...remote, id: 'cut', relative_path: 'cut' }] });
      if (url.endsWith('gone')) return new Response(null, { status: 404 });
      const headers = new Headers({ 'Upload-Offset': '7' });
      if (url.endsWith('through')) headers.set('Upload-File-Id', '1');
      return new Response(null, { headers });
    });
    const { queue, durable } = await openPage(shelf);
    await durable.lookElsewhere();
    expect(queue.uploads.map(({ sent }) => sent)).toEqual([0, 0, 0]);
    await durable.lookBack();
    // Whose content is through nobody knows before the file is here.
    expect(states(queue)).toEqual(['cut fileless', 'through fileless', 'gone fileless']);
    expect(queue.uploads.map(({ sent }) => sent)).toEqual([7, 7, 0]);
  });

  it('writes at once where the server keeps an upload', async () => {
    const shelf = new MemoryShelf();
    const { queue, durable } = await openPage(shelf);
    queue.add([{ file: file('a') }], PLAN);
    await vi.advanceTimersByTimeAsync(0);
    expect(shelf.records.size).toBe(1);
    const [upload] = queue.uploads as [Upload];
    upload.url = '/api/v1/uploads/7';
    durable.changed(upload, false);
    await vi.advanceTimersByTimeAsync(0);
    expect([...shelf.records.values()].map(({ url }) => url)).toEqual(['/api/v1/uploads/7']);
  });

  it('writes down what got its place before the page knew what was kept', async () => {
    const shelf = new MemoryShelf();
    await openPage(shelf, {}, async (queue, durable) => {
      queue.add([{ file: file('a') }, { file: file('b') }], PLAN);
      const [upload] = queue.uploads as [Upload];
      upload.url = '/api/v1/uploads/7';
      durable.changed(upload, false);
      await durable.flush();
    });
    await vi.advanceTimersByTimeAsync(0);
    expect([...shelf.records.values()].map(({ path, url }) => [path, url])).toEqual([
      ['a', '/api/v1/uploads/7'],
      ['b', undefined],
    ]);
  });

  it('finds again what it had no time to write the place of', async () => {
    const shelf = new MemoryShelf();
    const before = await openPage(shelf);
    before.queue.add([{ file: file('a', 5), path: 'x/a' }], { ...PLAN, folder: 'f' });
    await before.durable.flush();
    const remote = { id: '7', filename: 'a', relative_path: 'x/a', folder: 'f', size: 1, offset: 1 };
    const uploads = [{ ...remote, id: '6', folder: 'g' }, remote].map((one) => ({ ...one, partial: false }));
    vi.stubGlobal('fetch', async () => Response.json({ uploads }));
    const { queue, durable } = await openPage(shelf);
    await durable.lookElsewhere();
    expect(queue.uploads.map(({ url, elsewhere }) => [url, elsewhere])).toEqual([
      ['/api/v1/uploads/7', true],
      ['/api/v1/uploads/6', true],
    ]);
    // Its bytes are compared before it goes on; until then it may be another device's, which is not disturbed.
    expect(queue.uploads[0]).toMatchObject({ sent: 1, modified: 0, tags: ['a'] });
    const asked = vi.fn(async () => Response.json({ uploads: [] }));
    vi.stubGlobal('fetch', asked);
    await durable.lookBack();
    expect(asked).not.toHaveBeenCalled();
    await durable.flush();
    expect((await openPage(shelf)).queue.uploads[0]).toMatchObject({ elsewhere: true });
    // It was another device's, and is through there: what was begun here still waits for its file.
    await durable.lookElsewhere();
    expect(queue.uploads).toHaveLength(1);
    expect(queue.uploads[0]).toMatchObject({ path: 'x/a', elsewhere: false, sent: 0, state: 'fileless' });
    expect(queue.uploads[0]?.url).toBeUndefined();
  });

  it('shows what was begun elsewhere, once', async () => {
    const remote = {
      id: '7',
      filename: 'film',
      relative_path: 'x/film',
      folder: 'f',
      size: 9,
      offset: 4,
      partial: false,
    };
    vi.stubGlobal('fetch', async () =>
      Response.json({
        uploads: [remote, { ...remote, id: '8', size: null }, { ...remote, id: '9', partial: true }],
      }),
    );
    const { queue, durable } = await openPage(new MemoryShelf());
    await durable.lookElsewhere();
    await durable.lookElsewhere();
    expect(queue.uploads).toHaveLength(1);
    expect(queue.uploads[0]).toMatchObject({ path: 'x/film', state: 'fileless', sent: 4, elsewhere: true });
    const { pairs } = matchFiles(queue.uploads, [{ file: new File(['123456789'], 'film') }]);
    expect(pairs).toHaveLength(1);
    vi.stubGlobal('fetch', async () => Response.json({ uploads: [] }));
    await durable.lookElsewhere();
    expect(queue.uploads).toEqual([]);
  });
});

describe('matchFiles', () => {
  const lost = (path: string, size: number, modified = 1) =>
    ({ path, size, modified, file: null, state: 'fileless' }) as Upload;

  it('wants the same size, and the same time as far as it is known', () => {
    const uploads = [lost('a', 2), lost('b', 1, 2), lost('c', 1, 0)];
    const { pairs } = matchFiles(uploads, [{ file: file('a') }, { file: file('b') }, { file: file('c', 5) }]);
    expect(pairs.map(({ upload }) => upload.path)).toEqual(['c']);
  });

  it('prefers the whole path, and guesses by the name only where one fits', () => {
    const uploads = [lost('x/a', 1), lost('y/a', 1), lost('y/b', 1)];
    const { pairs, rest } = matchFiles(uploads, [
      { file: file('a') },
      { file: file('b') },
      { file: file('a'), path: 'y/a' },
    ]);
    expect(pairs.map(({ upload }) => upload.path).sort()).toEqual(['x/a', 'y/a', 'y/b']);
    expect(rest).toEqual([]);
  });
});
