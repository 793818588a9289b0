/** Downloads several files as one archive, by a form the browser itself sends: it then streams the answer to disk. */
import { errorFrom } from '../../lib/api';
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';

const FRAME = 'archive-download';

/**
 * Posts the ids into a hidden frame: an attachment leaves the frame as it is, and an error loads into it instead of
 * replacing the page.
 */
export function submitArchive(action: string, ids: readonly string[]): void {
  const frame = hiddenFrame();
  const form = document.createElement('form');
  form.method = 'post';
  form.action = action;
  form.target = frame.name;
  form.hidden = true;
  for (const id of ids) {
    const field = document.createElement('input');
    field.type = 'hidden';
    field.name = 'ids';
    field.value = id;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}

/** One frame for all archives: taking it away would end a download that still runs. */
function hiddenFrame(): HTMLIFrameElement {
  const present = document.querySelector<HTMLIFrameElement>(`iframe[name="${FRAME}"]`);
  if (present) return present;
  const frame = document.createElement('iframe');
  frame.name = FRAME;
  frame.title = messages.files.actions.download;
  frame.hidden = true;
  document.body.append(frame);
  frame.addEventListener('load', () => reportFailure(frame));
  return frame;
}

function reportFailure(frame: HTMLIFrameElement): void {
  let answer = '';
  try {
    if (frame.contentWindow?.location.href === 'about:blank') return;
    answer = frame.contentDocument?.body.textContent ?? '';
  } catch {
    // An answer that forbids to be framed cannot be read; that it came at all is a failure.
  }
  const { message } = errorFrom(0, answer, null);
  toast(answer === '' ? messages.files.archive.failed : `${messages.files.archive.failed} ${message}`, {
    kind: 'error',
  });
}
