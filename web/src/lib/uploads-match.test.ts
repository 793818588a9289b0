import { createHash, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UploadQueue } from './uploads';
import { matchFiles } from './uploads-match';
import { beginsWith, compare, prove } from './uploads-proof';
import { EXISTS, type Upload } from './uploads-types';

const MB = 1024 * 1024;
const LIVE = new AbortController().signal;
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function waiting(change: Partial<Upload>): Upload {
  return {
    ...{ key: 'k', file: null, path: 'film', size: 4, modified: 0, elsewhere: true, state: 'fileless' },
    ...{ folder: 'mine', folderName: '', tags: [], shared: false, onConflict: 'fail' },
    ...{ sent: 0, speed: 0, retries: 0, kept: false, url: '/api/v1/uploads/7' },
    ...change,
  } as Upload;
}

const file = (content: BlobPart, lastModified = 5) => new File([content], 'film', { lastModified });
/** The server as far as it says how far an upload is. */
function serve(offset: number, received: string, more: Record<string, string> = {}): void {
  const headers = { 'Upload-Offset': String(offset), 'Upload-Received-Sha256': received, ...more };
  vi.stubGlobal('fetch', async () => new Response(null, { headers }));
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('matchFiles', () => {
  it('gives a file to the upload whose time it has, before one of which no time is known', () => {
    const foreign = waiting({ key: 'foreign' });
    const own = waiting({ key: 'own', modified: 5 });
    const [pair] = matchFiles([foreign, own], [{ file: file('abcd') }]).pairs;
    expect(pair?.upload.key).toBe('own');
    const [other] = matchFiles([own, foreign], [{ file: file('abcd', 6) }]).pairs;
    expect(other?.upload.key).toBe('foreign');
  });

  it('takes the name alone for enough only of what was chosen outside a folder', () => {
    const foreign = waiting({ path: 'theirs/film' });
    expect(matchFiles([foreign], [{ file: file('abcd'), path: 'mine/film' }]).rest).toHaveLength(1);
    expect(matchFiles([foreign], [{ file: file('abcd'), path: 'film' }]).pairs).toHaveLength(1);
  });
});

describe('prove', () => {
  const content = randomBytes(2 * MB + 300);

  it('goes on with a file that begins with just what is there', async () => {
    for (const offset of [0, 1, MB, MB + 1, 2 * MB + 300]) {
      const received = offset === 0 ? '' : digest(content.subarray(0, offset));
      expect(await beginsWith(file(content), { offset, received, file: '' }, LIVE), `${offset}`).toBe(true);
    }
    serve(MB + 1, digest(content.subarray(0, MB + 1)));
    const upload = waiting({ size: content.length });
    await prove(upload, '/api/v1/uploads/7', file(content), LIVE);
    expect(upload).toMatchObject({ modified: 5, elsewhere: false, url: '/api/v1/uploads/7' });
  });

  it('compares again what this page had not sent', async () => {
    const upload = waiting({ own: MB });
    const there = (offset: number) => ({ offset, received: digest(randomBytes(1)), file: '' });
    await compare(upload, file(content), there(MB), LIVE);
    await expect(compare(upload, file(content), there(MB + 1), LIVE)).rejects.toMatchObject({
      kind: 'other',
    });
    const received = digest(content.subarray(0, MB + 1));
    await compare(upload, file(content), { ...there(MB + 1), received }, LIVE);
    expect(upload.own).toBe(MB + 1);
  });

  it('refuses a file that differs in one byte, is too short, or cannot be compared', async () => {
    const other = Buffer.from(content);
    other.writeUInt8(other.readUInt8(MB) ^ 1, MB);
    const received = digest(content.subarray(0, MB + 1));
    for (const [one, offset, sum] of [
      [other, MB + 1, received],
      [content.subarray(0, MB), MB + 1, received],
      [content, MB + 1, ''],
    ] as const) {
      serve(offset, sum);
      const upload = waiting({});
      await expect(prove(upload, '/api/v1/uploads/7', file(one), LIVE)).rejects.toMatchObject({
        kind: 'other',
      });
      expect(upload.modified).toBe(0);
    }
  });

  it('does not add to what somebody else has finished', async () => {
    serve(4, '', { 'Upload-File-Id': '1' });
    const upload = waiting({});
    await prove(upload, '/api/v1/uploads/7', file('abcd'), LIVE);
    expect(upload.url).toBeUndefined();
  });
});

it('sends another file of the same name by itself, and lets the upload wait', async () => {
  const sent: Upload[] = [];
  const told: Upload[] = [];
  const gone: Upload[] = [];
  const queue = new UploadQueue({
    one: async (upload) => {
      sent.push(upload);
      if (upload.url) throw { kind: 'other', status: 0 };
      return undefined;
    },
    many: () => new Promise(() => {}),
    onOther: (upload) => told.push(upload),
    onDurable: (upload, away) => away && gone.push(upload),
  });
  const upload = waiting({ size: 9 * MB, tags: ['a'] });
  queue.restore([upload]);
  const asked = { ...upload, path: 'new/film', tags: ['b'], shared: true };
  const { path, folder, folderName, tags, shared, onConflict } = asked;
  queue.attach(upload, file(new Uint8Array(9 * MB)), {
    ...{ path, folder, folderName, tags, shared, onConflict },
  });
  await vi.waitFor(() => expect(queue.uploads.map(({ state }) => state)).toEqual(['fileless', 'done']));
  expect(sent.map(({ url }) => url)).toEqual(['/api/v1/uploads/7', undefined]);
  expect(queue.uploads[1]).toMatchObject({ path: 'new/film', tags: ['b'], shared: true });
  expect(upload).toMatchObject({ path: 'film', tags: ['a'], elsewhere: true, file: null });
  expect([told, gone]).toEqual([[upload], [upload]]);
});

describe('what was finished', () => {
  const content = randomBytes(MB + 300);

  function finished(sha256: string | null, size = content.length): void {
    const headers = { 'Upload-Offset': String(size), 'Upload-File-Id': '9' };
    vi.stubGlobal('fetch', async (url: string, { method }: RequestInit) => {
      if (method === 'HEAD') return new Response(null, { headers });
      expect(url).toBe('/api/v1/files/9/metadata');
      return sha256 === null ? new Response(null, { status: 404 }) : Response.json({ sha256, size });
    });
  }
  const remains = { offset: content.length, received: '', file: '9' };

  it('is this file when it has its content', async () => {
    finished(digest(content));
    const upload = waiting({ size: content.length, own: content.length });
    await compare(upload, file(content), remains, LIVE);
    expect(upload.url).toBe('/api/v1/uploads/7');
  });

  it('is another when it has not, which a person is asked about', async () => {
    for (const other of [digest(content.subarray(1)), '']) {
      finished(other);
      const upload = waiting({ size: content.length, own: content.length });
      await expect(compare(upload, file(content), remains, LIVE)).rejects.toMatchObject({ type: EXISTS });
      expect(upload.url).toBeUndefined();
    }
  });

  it('is sent again when it is gone', async () => {
    finished(null);
    const upload = waiting({ size: content.length });
    await expect(compare(upload, file(content), remains, LIVE)).rejects.toMatchObject({ kind: 'connection' });
    expect(upload.url).toBeUndefined();
  });
});
