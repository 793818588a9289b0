/**
 * Whether what is there already is the very file that was to be sent: then nobody needs to be asked. That is so after a
 * connection was cut just as the answer came, and when a folder is uploaded again for the few files that are new.
 */
import { api } from './api';
import type { FileInfo } from './types';
import type { Upload } from './uploads-types';

/** What is compared byte by byte, for want of a digest over plain http; more would cost as much as sending it. */
export const COMPARED_BYTES = 8 * 1024 * 1024;

type Resolved = { kind: 'file' | 'folder'; file?: FileInfo };

/** The file there that holds the same and is tagged and shared as asked; undefined when there is none, or it is not known. */
export async function sameThere(upload: Upload): Promise<FileInfo | undefined> {
  if (!upload.file || upload.size > COMPARED_BYTES || upload.replaces !== undefined) return undefined;
  try {
    const found = await api.get<Resolved>('/api/v1/folders/resolve', {
      query: { root: upload.folder, path: upload.path },
      neverAsk: true,
    });
    const file = found.file;
    if (!file || !carries(file, upload)) return undefined;
    const response = await fetch(`/api/v1/files/${file.id}/download`);
    if (!response.ok) return undefined;
    const [there, here] = await Promise.all([response.arrayBuffer(), upload.file.arrayBuffer()]);
    return equalBytes(new Uint8Array(there), new Uint8Array(here)) ? file : undefined;
  } catch {
    return undefined;
  }
}

function carries(file: FileInfo, { size, tags, shared }: Upload): boolean {
  if (file.size !== size || (shared && !file.shared && file.owner !== '')) return false;
  const has = new Set(file.tags ?? []);
  return tags.every((tag) => has.has(tag));
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
