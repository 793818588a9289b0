/** Looks for uploads whose name is taken whether what is there is the same, a few at a time. */
import type { FileInfo } from './types';
import type { Upload } from './uploads-types';

/** At once: each is a file to be fetched. */
const COMPARISONS = 3;

export class Comparison {
  readonly #waiting: Upload[] = [];
  #running = 0;

  constructor(
    private readonly same: (upload: Upload) => Promise<FileInfo | undefined>,
    private readonly onResult: (upload: Upload, found: FileInfo | undefined) => void,
  ) {}

  add(upload: Upload): void {
    this.#waiting.push(upload);
    this.#next();
  }

  #next(): void {
    while (this.#running < COMPARISONS) {
      const upload = this.#waiting.shift();
      if (!upload) return;
      this.#running++;
      void this.same(upload)
        .catch(() => undefined)
        .then((found) => {
          this.#running--;
          this.onResult(upload, found);
          this.#next();
        });
    }
  }
}
