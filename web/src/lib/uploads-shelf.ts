/**
 * Where unfinished uploads outlive their page: IndexedDB, which plain http has, too. A record says what an upload is;
 * its file, as far as it is kept, lies in a store of its own, since records change often and files never.
 */
import type { OnConflict, UploadProblem, UploadState } from './uploads-types';

const DATABASE = 'homeserver.transfers';
const VERSION = 1;
const RECORDS = 'uploads';
const FILES = 'files';

/** An upload as it is kept. */
export interface Kept {
  key: string;
  /** The tab that sends it. */
  tab: string;
  /** The account whose it is; another one at this browser does not meet it. */
  account: string;
  /** When it was added, in ms. */
  at: number;
  order: number;
  path: string;
  size: number;
  modified: number;
  folder: string;
  folderName: string;
  tags: string[];
  shared: boolean;
  onConflict: OnConflict;
  replaces?: string;
  ifMatch?: string;
  state: UploadState;
  url?: string;
  problem?: UploadProblem;
}

export interface Shelf {
  /** Takes over what no living tab sends, and gives all that is this tab's, in order. */
  claim(tab: string, account: string, living: ReadonlySet<string>): Promise<Kept[]>;
  /** Where the server keeps what any tab knows of. */
  urls(): Promise<Set<string>>;
  put(records: readonly Kept[]): Promise<void>;
  remove(keys: readonly string[]): Promise<void>;
  putFiles(files: readonly { key: string; file: File }[]): Promise<void>;
  removeFiles(keys: readonly string[]): Promise<void>;
  files(keys: readonly string[]): Promise<Map<string, File>>;
}

export async function openShelf(): Promise<Shelf> {
  const opening = indexedDB.open(DATABASE, VERSION);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(RECORDS, { keyPath: 'key' });
    opening.result.createObjectStore(FILES, { keyPath: 'key' });
  };
  return new BrowserShelf(await answer(opening));
}

class BrowserShelf implements Shelf {
  constructor(private readonly database: IDBDatabase) {}

  async claim(tab: string, account: string, living: ReadonlySet<string>): Promise<Kept[]> {
    // In one transaction: of two tabs that open together only one gets them.
    const transaction = this.database.transaction([RECORDS, FILES], 'readwrite');
    const store = transaction.objectStore(RECORDS);
    const mine: Kept[] = [];
    for (const record of (await answer(store.getAll())) as Kept[]) {
      if (record.account !== account || (record.tab !== tab && living.has(record.tab))) continue;
      if (record.tab !== tab) store.put({ ...record, tab });
      mine.push({ ...record, tab });
    }
    await done(transaction);
    return mine.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  async urls(): Promise<Set<string>> {
    const store = this.database.transaction(RECORDS).objectStore(RECORDS);
    const records = (await answer(store.getAll())) as Kept[];
    return new Set(records.flatMap(({ url }) => url ?? []));
  }

  put(records: readonly Kept[]): Promise<void> {
    return this.#change(RECORDS, (store) => {
      for (const record of records) store.put(record);
    });
  }

  async remove(keys: readonly string[]): Promise<void> {
    await this.#change(RECORDS, (store) => {
      for (const key of keys) store.delete(key);
    });
    await this.removeFiles(keys);
  }

  putFiles(files: readonly { key: string; file: File }[]): Promise<void> {
    return this.#change(FILES, (store) => {
      for (const one of files) store.put(one);
    });
  }

  removeFiles(keys: readonly string[]): Promise<void> {
    return this.#change(FILES, (store) => {
      for (const key of keys) store.delete(key);
    });
  }

  async files(keys: readonly string[]): Promise<Map<string, File>> {
    const store = this.database.transaction(FILES).objectStore(FILES);
    const wanted = new Set(keys);
    const all = (await answer(store.getAll())) as { key: string; file: File }[];
    return new Map(all.filter(({ key }) => wanted.has(key)).map(({ key, file }) => [key, file]));
  }

  #change(name: string, change: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = this.database.transaction(name, 'readwrite');
    change(transaction.objectStore(name));
    return done(transaction);
  }
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
