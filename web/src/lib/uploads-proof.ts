/**
 * Whether a file is the one whose beginning the server has: an upload that was begun elsewhere is known by its name and
 * size only, and two different files must not be mixed.
 */
import { ApiError, api } from './api';
import type { FileInfo } from './types';
import { UNREADABLE } from './uploads-batch';
import { askRemains, listRemote, type Remains, UPLOADS_URL } from './uploads-remote';
import { EXISTS, type Upload, type UploadProblem } from './uploads-types';

/** Read and hashed at a time: some milliseconds, so that the page stays alive. */
const SLICE_BYTES = 1024 * 1024;

/** What a question of how far it is is answered when all is there, and no file can be made of it as it was asked for. */
export const WHOLE_STATUS = new Set([409, 412, 507]);

/** Another device made a file of it with other content. */
const FINISHED: UploadProblem = { kind: 'refused', status: 0, type: EXISTS };

const OTHER: UploadProblem = { kind: 'other', status: 0 };

/** Resolves when it may be gone on with. Rejects with an UploadProblem, of the kind `other` when it is another file's. */
export async function prove(upload: Upload, url: string, file: File, signal: AbortSignal): Promise<void> {
  const remains = await remainsOf(url, signal);
  // Finished by somebody else meanwhile: that is theirs, and this file is still to be sent.
  if (remains.file !== '') delete upload.url;
  else await compare(upload, file, remains, signal);
  upload.modified = file.lastModified;
  upload.elsewhere = false;
}

/**
 * Rejects unless the file begins with what the server has, as far as this page has not sent that itself; and unless it
 * is the file that was made of it, perhaps by another device: that is never taken for this one's unseen.
 */
export async function compare(
  upload: Upload,
  file: File,
  remains: Remains,
  signal: AbortSignal,
): Promise<void> {
  const { offset } = remains;
  if (remains.file !== '') return compareWhole(upload, file, remains.file, signal);
  if (offset <= (upload.own ?? 0)) return;
  if (!(await beginsWith(file, remains, signal))) throw OTHER;
  upload.own = offset;
}

async function compareWhole(upload: Upload, file: File, id: string, signal: AbortSignal): Promise<void> {
  let made: FileInfo | undefined;
  try {
    made = await api.get<FileInfo>(`/api/v1/files/${id}/metadata`, { neverAsk: true });
  } catch (thrown) {
    // What is gone again nobody can compare: this file is sent by itself, and so is one that nobody may see.
    if (!(thrown instanceof ApiError && thrown.status === 404))
      throw { kind: 'connection', status: 0 } satisfies UploadProblem;
  }
  const whole = { offset: file.size, received: made?.sha256 ?? '', file: id };
  if (made?.size === file.size && (await beginsWith(file, whole, signal))) return;
  delete upload.url;
  throw made ? FINISHED : ({ kind: 'connection', status: 0 } satisfies UploadProblem);
}

async function remainsOf(url: string, signal: AbortSignal): Promise<Remains> {
  try {
    return await askRemains(url, signal);
  } catch (thrown) {
    // It is whole, and perhaps its name is taken: how far it is the list says as well.
    if (!WHOLE_STATUS.has((thrown as UploadProblem).status)) throw thrown;
    const remote = (await listRemote().catch(() => [])).find(({ id }) => `${UPLOADS_URL}/${id}` === url);
    if (!remote) throw thrown;
    return { offset: remote.offset, received: remote.received_sha256, file: '' };
  }
}

export async function beginsWith(
  file: Blob,
  { offset, received }: Remains,
  signal: AbortSignal,
): Promise<boolean> {
  if (offset === 0) return true;
  if (received === '' || offset > file.size) return false;
  const { SHA256 } = await fetchSHA256();
  const sum = new SHA256();
  for (let at = 0; at < offset; at += SLICE_BYTES) {
    if (signal.aborted) throw { kind: 'connection', status: 0 } satisfies UploadProblem;
    sum.update(await read(file.slice(at, Math.min(at + SLICE_BYTES, offset))));
  }
  return sum.hex() === received;
}

async function fetchSHA256() {
  try {
    return await import('./sha256');
  } catch {
    throw { kind: 'connection', status: 0 } satisfies UploadProblem;
  }
}

async function read(slice: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await slice.arrayBuffer());
  } catch {
    throw UNREADABLE;
  }
}
