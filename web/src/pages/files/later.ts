/**
 * What the page can do without until somebody acts: dialogs, details, the work on files. It is fetched while the page is
 * idle, so that it is there by then, also when the server is not.
 */
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';

export type Ops = typeof import('./ops');
export type Parts = typeof import('./parts');

const unreachable = () => void toast(messages.errors.unreachable, { kind: 'error' });

/** Does something with the part of the page that works on files. */
export function withOps(act: (ops: Ops) => unknown): void {
  void import('./ops').then(act, unreachable);
}

/** The parts of the page that show later; undefined if they cannot be had now. */
export async function loadParts(): Promise<Parts | undefined> {
  try {
    return await import('./parts');
  } catch {
    unreachable();
    return undefined;
  }
}
