/** One file, resumably: tus 1.0.0 by tus-js-client, which is loaded with the first file that needs it. */
import type {
  DetailedError,
  HttpRequest,
  HttpResponse,
  Upload as TusUpload,
  UploadOptions,
} from 'tus-js-client';
import { api } from './api';
import type { FileInfo } from './types';
import { isReadable, refusal, stallWatch, UNREADABLE } from './uploads-batch';
import { compare, prove, WHOLE_STATUS } from './uploads-proof';
import { FILE_ID, type Remains, TUS, UPLOADS_URL } from './uploads-remote';
import { CHANGED, EXISTS, nameOf, type SendOptions, type Upload, type UploadProblem } from './uploads-types';

/** The upload the server knew is gone: it begins anew. */
const GONE_STATUS = new Set([404, 410]);
const OVERTAKEN_STATUS = new Set([409, 423]);
/** All bytes are there already. */
const WHOLE: UploadProblem = { kind: 'refused', status: 409 };

export async function sendResumable(upload: Upload, options: SendOptions): Promise<FileInfo | undefined> {
  if (!upload.file) throw UNREADABLE;
  if (upload.modified === 0) await identify(upload, upload.file, options);
  const id =
    (await sendBytes(upload, upload.file, options)) ?? (upload.url && (await finish(upload, upload.url)));
  if (!id) return undefined;
  try {
    return await api.get<FileInfo>(`/api/v1/files/${id}/metadata`, {
      signal: options.signal,
      neverAsk: true,
    });
  } catch {
    // It has arrived; only the row of the list comes by another way.
    return undefined;
  }
}

/** Compares a file of which only name and size were known with what the server has. */
async function identify(upload: Upload, file: File, options: SendOptions): Promise<void> {
  const { url } = upload;
  try {
    if (url) await comparing(upload, options, () => prove(upload, url, file, options.signal));
  } catch (thrown) {
    if (!GONE_STATUS.has((thrown as UploadProblem).status)) throw thrown;
    delete upload.url;
  }
  if (upload.url) {
    // From now on it is this page's, which is to be written down.
    options.onPlace(upload.url);
    delete upload.chosen;
    return;
  }
  // Nothing is there to go on with: it is sent as it was asked for.
  Object.assign(upload, upload.chosen, { modified: file.lastModified, elsewhere: false });
}

/** Shows that it is being compared for as long as that takes. */
async function comparing(
  upload: Upload,
  { onProgress }: SendOptions,
  compare: () => Promise<void>,
): Promise<void> {
  upload.comparing = true;
  onProgress(upload.sent);
  try {
    await compare();
  } finally {
    delete upload.comparing;
  }
}

/** Gives the file's id; none when all bytes are there, but no file became of them, since its name was taken. */
async function sendBytes(upload: Upload, file: File, options: SendOptions): Promise<string | undefined> {
  try {
    return (await send(upload, file, options)).getHeader(FILE_ID);
  } catch (thrown) {
    if (thrown !== WHOLE) throw thrown;
    const { url, size, own = 0 } = upload;
    if (url && own < size) await comparing(upload, options, () => prove(upload, url, file, options.signal));
    // Made a file by somebody else meanwhile: then this one is still to be sent.
    return upload.url === undefined ? sendBytes(upload, file, options) : undefined;
  }
}

async function send(upload: Upload, file: File, options: SendOptions): Promise<HttpResponse> {
  for (;;) {
    try {
      return await attempt(upload, file, options);
    } catch (thrown) {
      const problem = thrown as UploadProblem;
      if (upload.url === undefined || !GONE_STATUS.has(problem.status)) throw problem;
      delete upload.url;
    }
  }
}

async function attempt(upload: Upload, file: File, options: SendOptions): Promise<HttpResponse> {
  const Client = await fetchClient();
  const { signal, onProgress, onPlace } = options;
  if (upload.url === undefined) delete upload.own;
  return new Promise((resolve, reject: (problem: UploadProblem) => void) => {
    const dropped = () => {
      watch.stop();
      void client.abort();
      reject({ kind: 'connection', status: 0 });
    };
    const watch = stallWatch(dropped);
    const client: TusUpload = new Client(file, {
      ...placeOf(upload),
      // The queue remembers and tries again; the client need not.
      storeFingerprintForResuming: false,
      retryDelays: null,
      onUploadUrlAvailable: () => {
        if (client.url) onPlace(new URL(client.url, location.origin).pathname);
      },
      // Another device may have gone on with it, and with another file, while this one slept.
      onAfterResponse: async (request, response) => {
        const remains = remainsIn(request, response);
        if (!remains) return;
        watch.stop();
        await comparing(upload, options, () => compare(upload, file, remains, signal)).catch((problem) => {
          reject(problem);
          throw problem;
        });
        watch.saw(true);
      },
      onProgress: (sent, total) => {
        watch.saw(sent < total);
        upload.own = Math.max(upload.own ?? 0, sent);
        onProgress(sent);
      },
      onSuccess: ({ lastResponse }) => {
        watch.stop();
        resolve(lastResponse);
      },
      onError: (error) => {
        watch.stop();
        void problemOf(error, file).then(reject);
      },
    });
    if (signal.aborted) return dropped();
    signal.addEventListener('abort', dropped, { once: true });
    watch.saw(true);
    client.start();
  });
}

/** How far the server says that an upload is; undefined when that is not what was asked. */
function remainsIn(request: HttpRequest, response: HttpResponse): Remains | undefined {
  const file = response.getHeader(FILE_ID) ?? '';
  if (request.getMethod() !== 'HEAD' || response.getStatus() !== 200) return undefined;
  const received = response.getHeader('Upload-Received-Sha256') ?? '';
  return { offset: Number(response.getHeader('Upload-Offset')), received, file };
}

async function fetchClient() {
  try {
    return (await import('tus-js-client')).Upload;
  } catch {
    throw { kind: 'connection', status: 0 } satisfies UploadProblem;
  }
}

/** Where it goes: what the server has of it is continued there and nowhere else, also when it cannot be asked just now. */
function placeOf(upload: Upload): UploadOptions {
  if (upload.url !== undefined) return { uploadUrl: upload.url };
  return { endpoint: UPLOADS_URL, metadata: metadataOf(upload) };
}

export function metadataOf(upload: Upload): Record<string, string> {
  const { file, path, folder, onConflict, tags, shared, replaces, ifMatch } = upload;
  const metadata: Record<string, string> = {
    filename: nameOf(path),
    relativePath: path,
    folder,
    on_conflict: onConflict,
  };
  if (file?.type) metadata.filetype = file.type;
  if (tags.length > 0) metadata.tags = tags.join(',');
  if (shared) metadata.shared = 'true';
  if (replaces !== undefined) metadata.replaces = replaces;
  if (ifMatch !== undefined) metadata.if_match = ifMatch;
  return metadata;
}

async function problemOf(error: Error | DetailedError, file: File): Promise<UploadProblem> {
  const response = 'originalResponse' in error ? error.originalResponse : null;
  if (!response) return (await isReadable(file)) ? { kind: 'connection', status: 0 } : UNREADABLE;
  const asked = 'originalRequest' in error && error.originalRequest?.getMethod() === 'HEAD';
  if (asked && WHOLE_STATUS.has(response.getStatus())) return WHOLE;
  const problem = refusal(
    response.getStatus(),
    response.getBody() ?? '',
    response.getHeader('Retry-After') ?? null,
  );
  // An older connection still brings bytes of it: its offset is asked for again.
  const overtaken =
    OVERTAKEN_STATUS.has(problem.status) && problem.type !== EXISTS && problem.type !== CHANGED;
  return overtaken ? { kind: 'connection', status: problem.status } : problem;
}

/** Makes a file of an upload that is whole, under what was decided about its name; gives the file's id. */
async function finish(upload: Upload, url: string): Promise<string | null> {
  const metadata = Object.entries(metadataOf(upload)).map(([key, value]) => `${key} ${base64(value)}`);
  const headers = {
    ...TUS,
    'Content-Type': 'application/offset+octet-stream',
    'Upload-Offset': String(upload.size),
    'Upload-Metadata': metadata.join(','),
  };
  let response: Response;
  try {
    response = await fetch(url, { method: 'PATCH', headers });
  } catch {
    throw { kind: 'connection', status: 0 } satisfies UploadProblem;
  }
  if (response.ok) return response.headers.get(FILE_ID);
  throw refusal(response.status, await response.text(), response.headers.get('Retry-After'));
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Takes away what the server has of an upload that nobody wants any more. */
export async function forgetUpload(url: string): Promise<void> {
  try {
    await fetch(url, { method: 'DELETE', headers: TUS });
  } catch {
    // The server itself forgets it after some days.
  }
}
