/** The browser's own download: one file as it is, several as one archive. */
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';
import { submitArchive } from './archive';
import { downloadURL, FILES_URL } from './urls';

const MAX_ARCHIVE_FILES = 10_000;
const words = messages.files;

export function download(ids: readonly string[]): void {
  const [first] = ids;
  if (first === undefined) return;
  if (ids.length === 1) {
    const link = document.createElement('a');
    link.href = downloadURL(first);
    link.download = '';
    link.click();
    return;
  }
  if (ids.length > MAX_ARCHIVE_FILES) {
    toast(words.archive.tooMany, { kind: 'error' });
    return;
  }
  submitArchive(`${FILES_URL}/archive`, ids);
  toast(words.archive.started(ids.length));
}
