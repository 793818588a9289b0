/**
 * Uploads files with tus-js-client, as a page or a script would. Reads one JSON object from the
 * standard input and writes one line of JSON for each file.
 */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const order = JSON.parse(await text(process.stdin));
const tus = createRequire(`${order.web}/package.json`)('tus-js-client');

/** How often and after how many milliseconds it is tried again; each progress begins anew. */
const retryDelays = Array.from({ length: 60 }, () => 100);

function upload(file) {
  return new Promise((resolve) => {
    const { size } = statSync(file.path);
    let resumed = false;
    let again = retryDelays.length;
    const upload = new tus.Upload(readFileSync(file.path), {
      endpoint: `${order.base}/api/v1/uploads`,
      headers: { 'X-API-Key': order.key },
      metadata: { filename: file.name, filetype: 'application/x-test', relativePath: file.relativePath ?? '' },
      retryDelays,
      chunkSize: file.chunkSize || Number.POSITIVE_INFINITY,
      parallelUploads: file.parallel || 1,
      metadataForPartialUploads: {},
      uploadDataDuringCreation: file.during === true,
      urlStorage: new tus.FileUrlStorage(`${order.memory}-${file.name}`),
      fingerprint: async () => `${file.name}-${size}`,
      removeFingerprintOnSuccess: true,
      onProgress(sent) {
        if (file.dieAt && sent >= file.dieAt) process.exit(3);
      },
      onError(error) {
        // What puts parts together tus-js-client tries but once; a person would press "again".
        if (!error.originalResponse && again-- > 0) {
          setTimeout(() => upload.start(), retryDelays[0]);
          return;
        }
        console.log(JSON.stringify({ name: file.name, error: String(error) }));
        resolve();
      },
      onSuccess({ lastResponse }) {
        console.log(JSON.stringify({ name: file.name, id: lastResponse.getHeader('Upload-File-Id') ?? '', resumed }));
        resolve();
      },
    });
    upload.findPreviousUploads().then((previous) => {
      if (previous.length > 0) {
        resumed = true;
        upload.resumeFromPreviousUpload(previous[0]);
      }
      upload.start();
    });
  });
}

await Promise.all(order.files.map(upload));
