/** The API as a script uses it: to prepare what a test needs, and to see what really arrived. */
import { createHash } from 'node:crypto';
import type { User } from '../../src/lib/people';
import type {
  Dashboard,
  Entries,
  FileInfo,
  FileList,
  Folder,
  Recent,
  Roots,
  Trash,
  UploadAnswer,
} from '../../src/lib/types';

import type { TestPerson } from './people';

/** How many requests are under way at once when many files are made. */
const CONCURRENCY = 24;

export type NewFile = {
  name: string;
  body?: string | Uint8Array;
  tags?: string[];
  type?: string;
  shared?: boolean;
  /** The id of the folder it goes into; one's own tree, unless one is named. */
  folder?: string;
};

export class Api {
  constructor(
    readonly base: string,
    /** What it sends along to be let in. */
    private readonly credentials: Record<string, string> = {},
  ) {}

  async upload({
    name,
    body = name,
    tags = [],
    type = 'text/plain',
    shared = false,
    folder = '',
  }: NewFile): Promise<UploadAnswer> {
    const form = new FormData();
    if (tags.length > 0) form.append('tags', tags.join(','));
    if (shared) form.append('shared', 'true');
    if (folder !== '') form.append('folder', folder);
    form.append('file', new Blob([body as BlobPart], { type }), name);
    const response = await this.#send('POST', '/api/v1/files/upload', form);
    return (await response.json()) as UploadAnswer;
  }

  /** Begins a resumable upload as another program does, and gives its id. */
  async begin(name: string, size: number, beginning: Uint8Array): Promise<string> {
    const tus = { ...this.credentials, 'Tus-Resumable': '1.0.0' };
    const metadata = `filename ${Buffer.from(name).toString('base64')}`;
    const headers = { ...tus, 'Upload-Length': String(size), 'Upload-Metadata': metadata };
    const created = await fetch(`${this.base}/api/v1/uploads`, { method: 'POST', headers });
    const where = created.headers.get('Location') ?? '';
    const response = await fetch(this.base + where, {
      method: 'PATCH',
      headers: { ...tus, 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' },
      body: beginning as BodyInit,
    });
    if (!response.ok) throw new Error(`PATCH ${where}: ${response.status} ${await response.text()}`);
    return where.slice(where.lastIndexOf('/') + 1);
  }

  /** How far the unfinished uploads are, by id. */
  async unfinished(): Promise<Record<string, number>> {
    const list = await this.json<{ uploads: { id: string; offset: number }[] }>('GET', '/api/v1/uploads');
    return Object.fromEntries(list.uploads.map(({ id, offset }) => [id, offset]));
  }

  /** Makes a folder; in one's own tree, unless another folder is named. */
  async folder(name: string, parent = 'mine'): Promise<Folder> {
    return this.json('POST', '/api/v1/folders', { name, parent });
  }

  /** A file that lies in a folder, and never lay elsewhere: an open page would show it there, if only for a moment. */
  async put(folder: string, file: NewFile): Promise<FileInfo> {
    const { id } = await this.upload({ ...file, folder });
    return this.json('GET', `/api/v1/files/${id}/metadata`);
  }

  /** Gives a file other content. */
  async replace(id: string, body: string): Promise<void> {
    const url = `${this.base}/api/v1/files/${id}/content`;
    const response = await fetch(url, { method: 'PUT', headers: this.#headers(), body });
    if (!response.ok) throw new Error(`PUT ${url}: ${response.status} ${await response.text()}`);
  }

  /** Takes everything out of the trash for good. */
  async emptyTrash(): Promise<void> {
    const { total, items } = await this.json<Trash>('GET', '/api/v1/trash?limit=1000');
    const files = items.reduce((sum, one) => sum + one.files, 0);
    if (total > 0) await this.json('POST', '/api/v1/trash/empty', { confirm: String(files) });
  }

  /** The names of what lies in a folder, folders first. */
  async in(folder = 'mine'): Promise<string[]> {
    const { folders, files } = await this.json<Entries>(
      'GET',
      `/api/v1/folders/${folder}/entries?limit=1000`,
    );
    return [...folders.map(({ name }) => name), ...files.map(({ filename }) => filename)];
  }

  /** Uploads many at once; the order in which they arrive is not the order given. */
  async uploadAll(files: readonly NewFile[]): Promise<UploadAnswer[]> {
    const answers: UploadAnswer[] = [];
    let next = 0;
    const worker = async () => {
      for (let at = next++; at < files.length; at = next++) {
        answers[at] = await this.upload(files[at] as NewFile);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, files.length) }, worker));
    return answers;
  }

  async list(query: Record<string, string> = {}): Promise<FileList> {
    const response = await this.#send('GET', `/api/v1/files/list?${new URLSearchParams(query)}`);
    return (await response.json()) as FileList;
  }

  /** The one file of this name. */
  async named(name: string): Promise<FileInfo> {
    const found = (await this.list()).files.filter((file) => file.filename === name);
    if (found.length !== 1)
      throw new Error(`got ${found.length} files named ${JSON.stringify(name)}, want 1`);
    return found[0] as FileInfo;
  }

  /** The status of a request for a file's metadata: 200 or 404. */
  async status(id: string): Promise<number> {
    return (await fetch(`${this.base}/api/v1/files/${id}/metadata`, { headers: this.#headers() })).status;
  }

  async content(id: string): Promise<Buffer> {
    const response = await this.#send('GET', `/api/v1/files/${id}/download`);
    return Buffer.from(await response.arrayBuffer());
  }

  async dashboard(): Promise<Dashboard> {
    return (await (await this.#send('GET', '/api/v1/monitoring/dashboard')).json()) as Dashboard;
  }

  async recent(): Promise<Recent> {
    return (await (await this.#send('GET', '/api/v1/monitoring/recent?seconds=900')).json()) as Recent;
  }

  /** Adds a person; needs an administrator's credentials. */
  async addPerson(person: TestPerson): Promise<User> {
    return (await (await this.#send('POST', '/api/v1/users', JSON.stringify(person))).json()) as User;
  }

  /** Anything else that the API does. */
  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#send(method, path, body === undefined ? undefined : JSON.stringify(body));
    const answer = await response.text();
    return (answer === '' ? undefined : JSON.parse(answer)) as T;
  }

  /** Deletes everything, so that the next test begins with an empty house. */
  async clear(): Promise<void> {
    const { uploads } = await this.json<{ uploads: { id: string }[] }>('GET', '/api/v1/uploads');
    for (const { id } of uploads) {
      const headers = { ...this.#headers(), 'Tus-Resumable': '1.0.0' };
      await fetch(`${this.base}/api/v1/uploads/${id}`, { method: 'DELETE', headers });
    }
    const { roots } = await this.json<Roots>('GET', '/api/v1/folders');
    for (const root of roots) {
      for (;;) {
        const url = `/api/v1/folders/${root.id}/entries?limit=1000`;
        const { folders, files } = await this.json<Entries>('GET', url);
        if (folders.length + files.length === 0) break;
        const ids = files.map(({ id }) => id);
        const count = folders.reduce((sum, { files }) => sum + files, ids.length);
        await this.#send(
          'POST',
          '/api/v1/files/delete',
          JSON.stringify({ ids, folders: folders.map(({ id }) => id), confirm: String(count) }),
        );
      }
    }
  }

  #headers(body?: FormData | string): Record<string, string> {
    const headers: Record<string, string> = { ...this.credentials };
    if (typeof body === 'string') headers['Content-Type'] = 'application/json';
    return headers;
  }

  async #send(method: string, path: string, body?: FormData | string): Promise<Response> {
    const response = await fetch(this.base + path, {
      method,
      headers: this.#headers(body),
      body: body ?? null,
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
