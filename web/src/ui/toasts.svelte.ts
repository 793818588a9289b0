/** Short messages at the foot of the page. Anyone may call toast(); Toasts.svelte shows them. */
export type ToastKind = 'info' | 'ok' | 'error';
export type ToastOptions = {
  kind?: ToastKind;
  /** One thing the reader can do about it, such as Undo. */
  action?: { label: string; run: () => void };
  /** How long it stays while nobody points at it or focuses it. */
  seconds?: number;
};
export type ToastItem = ToastOptions & { id: number; text: string; kind: ToastKind };

/** Enough to read two lines; messages with an action stay longer, for slow hands. */
const SECONDS = 6;
const SECONDS_WITH_ACTION = 20;
/** Older messages give way, so that the page is never covered. */
const MAX_VISIBLE = 3;

type Timer = { handle: ReturnType<typeof setTimeout> | undefined; endsAt: number; left: number };

class Toasts {
  items = $state<ToastItem[]>([]);
  private timers = new Map<number, Timer>();
  private lastID = 0;

  show(text: string, options: ToastOptions = {}): number {
    const id = ++this.lastID;
    this.items.push({ ...options, id, text, kind: options.kind ?? 'info' });
    while (this.items.length > MAX_VISIBLE && this.items[0]) this.dismiss(this.items[0].id);
    const seconds = options.seconds ?? (options.action ? SECONDS_WITH_ACTION : SECONDS);
    this.timers.set(id, { handle: undefined, endsAt: 0, left: seconds * 1000 });
    this.resumeOne(id);
    return id;
  }

  dismiss(id: number): void {
    clearTimeout(this.timers.get(id)?.handle);
    this.timers.delete(id);
    this.items = this.items.filter((item) => item.id !== id);
  }

  /** While somebody reads or aims, nothing disappears. */
  pause(): void {
    for (const timer of this.timers.values()) {
      if (timer.handle === undefined) continue;
      clearTimeout(timer.handle);
      timer.handle = undefined;
      timer.left = Math.max(1000, timer.endsAt - Date.now());
    }
  }

  resume(): void {
    for (const id of this.timers.keys()) this.resumeOne(id);
  }

  private resumeOne(id: number): void {
    const timer = this.timers.get(id);
    if (!timer || timer.handle !== undefined) return;
    timer.endsAt = Date.now() + timer.left;
    timer.handle = setTimeout(() => this.dismiss(id), timer.left);
  }
}

export const toasts = new Toasts();

/** Shows a message; returns its id for toasts.dismiss. */
export function toast(text: string, options?: ToastOptions): number {
  return toasts.show(text, options);
}
