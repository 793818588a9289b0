/**
 * Keeps the queue beyond its page: what changes is written down, what was written down comes back after a reload, and
 * what was begun on another device is shown, too. Without IndexedDB all works as before, only until the page is left.
 */
import type { UploadQueue } from './uploads';
import { askRemains, listRemote, type RemoteUpload, UPLOADS_URL } from './uploads-remote';
import type { Kept, Shelf } from './uploads-shelf';

import { isSettled, type Upload, type UploadState } from './uploads-types';

/** Changes come many at a time and are written together, but for the first: a page may be left at any moment. */
const WRITE_AFTER_MS = 200;
/** How the keys begin of what is known from the server only. */
const ELSEWHERE = 'elsewhere-';
/** As long as the server keeps an unfinished upload. */
const KEPT_DAYS = 7;
/** Files are copied only for what is not through soon. */
const COPY_AFTER_MS = 2_000;
/** Of one transaction. */
const COPY_FILES = 50;
const COPY_BYTES = 16 * 1024 * 1024;
/** Copies cost the space of the disk once more: what is larger than this is rather chosen again. */
const COPY_LARGEST_BYTES = 64 * 1024 * 1024;
const COPY_ALL_BYTES = 512 * 1024 * 1024;

export class Durable {
  #shelf: Shelf | undefined;
  #tab = '';
  #account = '';
  #order = 0;
  readonly #orders = new Map<string, { at: number; order: number }>();
  readonly #dirty = new Map<string, Upload>();
  readonly #gone = new Set<string>();
  #writeTimer: ReturnType<typeof setTimeout> | undefined;
  #copyTimer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #copied = 0;
  #wrote = 0;
  /** Where the server keeps what, as far as it is written down. */
  readonly #placed = new Set<string>();

  constructor(private readonly queue: UploadQueue) {}

  /** Brings back what was kept for this tab, and what closed ones left behind. */
  async start(shelf: Shelf, tab: string, account: string, living: ReadonlySet<string>): Promise<void> {
    this.#tab = tab;
    this.#account = account;
    const now = Date.now();
    const records = await shelf.claim(tab, account, living);
    const old = records.filter(({ at }) => at < now - KEPT_DAYS * 86_400_000);
    let rest = records.filter((record) => !old.includes(record));
    // A queue that was through needs no memory.
    if (rest.every(isSettled)) {
      old.push(...rest);
      rest = [];
    }
    await shelf.remove(old.map(({ key }) => key));
    const files = await shelf.files(rest.map(({ key }) => key));
    for (const { key, at, order } of rest) this.#orders.set(key, { at, order });
    for (const file of files.values()) this.#copied += file.size;
    this.#shelf = shelf;
    if (rest.length > 0) this.queue.restore(rest.map((record) => revived(record, files.get(record.key))));
    // What was added meanwhile, and perhaps has its place already.
    this.#soon();
    if (this.#dirty.size > 0) void this.flush();
  }

  /** Shows what is unfinished on the server and begun elsewhere, and how far what is known here has come. */
  async lookElsewhere(): Promise<void> {
    const uploads = await listRemote();
    const known = (await this.#shelf?.urls()) ?? new Set<string>();
    const here = new Map(this.queue.uploads.flatMap((upload) => (upload.url ? [[upload.url, upload]] : [])));
    const found: Upload[] = [];
    const there = new Set(uploads.map(({ id }) => `${UPLOADS_URL}/${id}`));
    for (const remote of uploads) {
      const url = `${UPLOADS_URL}/${remote.id}`;
      const own = here.get(url);
      if (own && own.state !== 'sending') own.sent = remote.offset;
      if (own || known.has(url) || remote.partial || remote.size === null) continue;
      const lost = this.queue.uploads.find((upload) => isBeginningOf(upload, remote));
      if (lost) this.#adopt(lost, remote, url);
      else found.push(elsewhere(remote, remote.size, url));
    }
    this.queue.restore(found);
    for (const [url, upload] of here) {
      if (there.has(url) || !upload.elsewhere || upload.state !== 'fileless') continue;
      // It was finished where it was begun, or given up.
      delete upload.url;
      if (upload.key.startsWith(ELSEWHERE)) this.queue.remove(upload);
      else this.#release(upload);
    }
  }

  /** The page was left between the server's making a place and its being written down here. */
  #adopt(upload: Upload, { offset }: RemoteUpload, url: string): void {
    upload.url = url;
    upload.sent = offset;
    // That it is this one's is likely and not known, and another device may be sending it just now: it is left in
    // peace until the file is here, whose bytes are compared before it goes on.
    upload.modified = 0;
    upload.elsewhere = true;
    this.changed(upload, false);
  }

  /** What was taken for the rest of an upload was not: that still waits for its file. */
  #release(upload: Upload): void {
    upload.sent = 0;
    upload.elsewhere = false;
    this.changed(upload, false);
  }

  /**
   * Asks how far is what this page's earlier life sent. The list does not know: while the server has not noticed that
   * the old connection is dead, it says how far the upload was before that.
   */
  async lookBack(): Promise<void> {
    for (const upload of this.queue.uploads.filter(isLeftOver)) {
      try {
        const { offset, file } = await askRemains(upload.url as string);
        if (!isLeftOver(upload)) continue;
        upload.sent = offset;
        // Its last bytes arrived and only the answer did not, or another device sent another file: they are compared as
        // soon as the file is here.
        if (file !== '' && upload.file) this.queue.resume(upload);
      } catch {
        // What is gone, or cannot be asked just now, shows when it is gone on with.
      }
    }
    this.queue.restore([]);
  }

  /** To be told of every change that must outlive the page. */
  changed(upload: Upload, gone: boolean): void {
    if (gone) {
      this.#dirty.delete(upload.key);
      this.#gone.add(upload.key);
    } else {
      this.#dirty.set(upload.key, upload);
    }
    const { url } = upload;
    if (gone || url === undefined || this.#placed.has(url)) {
      this.#soon();
      return;
    }
    // Without it a reload would not find what is there again; and a page that is left has no time to write any more.
    this.#placed.add(url);
    void this.flush();
  }

  /** Whether nothing is lost when the page is left: what is not through comes back with its file. */
  get safe(): boolean {
    return this.queue.uploads.every((upload) => isSettled(upload) || upload.file === null || upload.kept);
  }

  /** Writes what waits to be written, at once. */
  flush(): Promise<void> {
    clearTimeout(this.#writeTimer);
    this.#writeTimer = undefined;
    this.#wrote = Date.now();
    this.#writing = this.#writing.then(() => this.#write()).catch(() => this.#giveUp());
    return this.#writing;
  }

  #soon(): void {
    if (!this.#shelf) return;
    const wait = Math.min(WRITE_AFTER_MS, Math.max(0, this.#wrote + WRITE_AFTER_MS - Date.now()));
    this.#writeTimer ??= setTimeout(() => void this.flush(), wait);
    this.#copyTimer ??= setTimeout(() => void this.#copy(), COPY_AFTER_MS);
  }

  async #write(): Promise<void> {
    // Before the shelf is open, and without one, there is nowhere to write to: what waits goes on waiting.
    const shelf = this.#shelf;
    if (!shelf) return;
    const dirty = [...this.#dirty.values()];
    const gone = [...this.#gone];
    this.#dirty.clear();
    this.#gone.clear();
    const through = dirty.filter((upload) => isSettled(upload) && upload.kept);
    for (const upload of through) upload.kept = false;
    if (dirty.length > 0) await shelf.put(dirty.map((upload) => this.#record(upload)));
    if (gone.length > 0) await shelf.remove(gone);
    if (through.length > 0) await shelf.removeFiles(through.map(({ key }) => key));
  }

  /** Copies the files of what still waits, the last ones first: the first ones are soon through. */
  async #copy(): Promise<void> {
    try {
      for (let next = this.#nextCopies(); next.length > 0; next = this.#nextCopies()) {
        await this.flush();
        await this.#shelf?.putFiles(next.map(({ key, file }) => ({ key, file: file as File })));
        const late = next.filter((upload) => isSettled(upload) || !this.queue.uploads.includes(upload));
        for (const upload of next) upload.kept = !late.includes(upload);
        if (late.length > 0) await this.#shelf?.removeFiles(late.map(({ key }) => key));
      }
    } catch {
      // The disk is full, or a file has gone: what is not kept must be chosen again.
      this.#copied = COPY_ALL_BYTES;
    }
    this.#copyTimer = undefined;
  }

  #nextCopies(): Upload[] {
    const next: Upload[] = [];
    let bytes = 0;
    for (let at = this.queue.uploads.length - 1; at >= 0 && next.length < COPY_FILES; at--) {
      const upload = this.queue.uploads[at];
      if (!upload?.file || upload.kept || isSettled(upload) || upload.size > COPY_LARGEST_BYTES) continue;
      if (
        this.#copied + upload.size > COPY_ALL_BYTES ||
        bytes + upload.size > COPY_BYTES + COPY_LARGEST_BYTES
      )
        break;
      next.push(upload);
      bytes += upload.size;
      this.#copied += upload.size;
      if (bytes > COPY_BYTES) break;
    }
    return next;
  }

  #record(upload: Upload): Kept {
    const place = this.#orders.get(upload.key) ?? { at: Date.now(), order: this.#order++ };
    this.#orders.set(upload.key, place);
    const { key, path, size, modified, folder, folderName, tags, shared, onConflict, state } = upload;
    const { replaces, ifMatch, url, problem } = upload;
    const record: Kept = {
      ...{ key, path, size, modified, folder, folderName, shared, onConflict, state },
      ...{ tags: [...tags], tab: this.#tab, account: this.#account },
      ...place,
    };
    if (replaces !== undefined) record.replaces = replaces;
    if (ifMatch !== undefined) record.ifMatch = ifMatch;
    if (url !== undefined) record.url = url;
    if (problem !== undefined) record.problem = problem;
    return record;
  }

  /** A browser that refuses to keep anything: it goes on without. */
  #giveUp(): void {
    this.#shelf = undefined;
  }
}

/** Whether it was begun here, and waits for somebody. */
function isLeftOver({ url, elsewhere, state }: Upload): boolean {
  return (
    url !== undefined && !elsewhere && (state === 'fileless' || state === 'paused' || state === 'failed')
  );
}

/** Whether what the server has may be that of an upload whose place there is not known any more. */
function isBeginningOf(upload: Upload, remote: RemoteUpload): boolean {
  const { url, file, state, path, size, folder } = upload;
  const unplaced = url === undefined && file === null && state === 'fileless';
  const there = remote.relative_path || remote.filename;
  return unplaced && path === there && size === remote.size && folder === remote.folder;
}

/** An upload from what was kept of it. */
function revived(record: Kept, file: File | undefined): Upload {
  const { tab: _tab, account: _account, at: _at, order: _order, ...rest } = record;
  return {
    ...rest,
    file: file ?? null,
    // Of what was not compared yet nobody knows whose it is.
    elsewhere: record.url !== undefined && record.modified === 0,
    kept: file !== undefined,
    state: stateAfter(record.state, file !== undefined),
    sent: 0,
    speed: 0,
    retries: 0,
  };
}

/** What an upload is after its page was left. */
function stateAfter(state: UploadState, hasFile: boolean): UploadState {
  if (state === 'done' || state === 'skipped') return state;
  if (!hasFile) return 'fileless';
  return state === 'paused' || state === 'conflict' || state === 'failed' ? state : 'waiting';
}

function elsewhere(remote: RemoteUpload, size: number, url: string): Upload {
  return {
    key: `${ELSEWHERE}${remote.id}`,
    file: null,
    path: remote.relative_path || remote.filename,
    size,
    modified: 0,
    folder: remote.folder,
    folderName: '',
    tags: [],
    shared: false,
    onConflict: 'fail',
    elsewhere: true,
    state: 'fileless',
    sent: remote.offset,
    speed: 0,
    retries: 0,
    url,
    kept: false,
  };
}
