/** What the server has of unfinished uploads. Asking for one says that it is about to be gone on with here. */
import { api } from './api';
import { refusal } from './uploads-batch';
import type { UploadProblem } from './uploads-types';

export const UPLOADS_URL = '/api/v1/uploads';
export const TUS = { 'Tus-Resumable': '1.0.0' };
export const FILE_ID = 'Upload-File-Id';

export type RemoteUpload = {
  id: string;
  filename: string;
  relative_path: string;
  folder: string;
  size: number | null;
  offset: number;
  /** SHA-256 in hex of the bytes up to `offset`; empty when it is not known. */
  received_sha256: string;
  /** A part that another program sends beside others. */
  partial: boolean;
};

export type Remains = {
  /** How many bytes are safe there. */
  offset: number;
  /** Their SHA-256 in hex; empty while there are none, and when it is not known. */
  received: string;
  /** The file that it became; empty while it is unfinished. */
  file: string;
};

/** One's own unfinished uploads, as far as the server has written down how far they are. */
export async function listRemote(): Promise<RemoteUpload[]> {
  return (await api.get<{ uploads: RemoteUpload[] }>(UPLOADS_URL, { neverAsk: true })).uploads;
}

/**
 * How far one upload really is: a request that still brings bytes of it ends first, and what it brought is written
 * down. Rejects with an UploadProblem.
 */
export async function askRemains(url: string, signal?: AbortSignal): Promise<Remains> {
  let response: Response;
  try {
    response = await fetch(url, { method: 'HEAD', headers: TUS, signal: signal ?? null });
  } catch {
    throw { kind: 'connection', status: 0 } satisfies UploadProblem;
  }
  const { status, headers } = response;
  if (!response.ok) throw refusal(status, '', headers.get('Retry-After'));
  return {
    offset: Number(headers.get('Upload-Offset')),
    received: headers.get('Upload-Received-Sha256') ?? '',
    file: headers.get(FILE_ID) ?? '',
  };
}
