/** The uploads of this page: the queue of lib/uploads, its tags, and when the panel shows. */
import { session } from '../../lib/session';
import { UploadQueue } from '../../lib/uploads';
import { type Collected, collectDrop, collectPicked } from '../../lib/uploads-collect';
import { sendFile } from '../../lib/uploads-transport';
import { byInterest, type QueueTotals, type Upload } from '../../lib/uploads-types';
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';
import type { FilesStore } from './store.svelte';

/** Progress comes many times a second for each file; the page is told at most this often. */
const TELL_EVERY_MS = 100;

const words = messages.files.upload;

export class Transfers {
  tags = $state<string[]>([]);
  /** The next uploads are shared with the household. */
  shared = $state(false);
  collapsed = $state(false);
  /** Somebody closed the sign-in: the queue holds until they ask for it again. */
  signInDeclined = $state(false);

  #version = $state(0);
  #tellTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #queue: UploadQueue;

  constructor(store: FilesStore) {
    this.#queue = new UploadQueue({
      transport: sendFile,
      onChange: () => this.#tell(),
      onDone: (_, answer) => store.insert(answer),
      onSessionEnded: () => void this.signIn(),
    });
  }

  get queue(): UploadQueue {
    void this.#version;
    return this.#queue;
  }
  readonly totals: QueueTotals = $derived.by(() => this.queue.totals());
  readonly rows: Upload[] = $derived.by(() => byInterest(this.queue.uploads));

  /** Watches the connection and the page's end; returns how to stop. */
  start(): () => void {
    const online = () => this.#queue.retryNow();
    const leaving = (event: BeforeUnloadEvent) => {
      if (this.#queue.totals().open > 0) event.preventDefault();
    };
    addEventListener('online', online);
    addEventListener('beforeunload', leaving);
    return () => {
      removeEventListener('online', online);
      removeEventListener('beforeunload', leaving);
    };
  }

  pick(files: FileList | null): void {
    this.#add(collectPicked(files));
  }

  async drop(data: DataTransfer): Promise<void> {
    const { files, unreadable } = await collectDrop(data);
    if (unreadable > 0) toast(words.unreadable(unreadable), { kind: 'error' });
    else if (files.length === 0) toast(words.nothing);
    this.#add(files);
  }

  /** Empties the panel, failed rows too: only offered when nothing is open. */
  dismiss(): void {
    for (const upload of [...this.#queue.uploads]) this.#queue.remove(upload);
  }

  async signIn(): Promise<void> {
    this.signInDeclined = false;
    try {
      await session.ask();
      this.#queue.resume();
    } catch {
      this.signInDeclined = true;
    }
  }

  #add(files: Collected[]): void {
    if (files.length === 0) return;
    this.#queue.add(files, this.tags, this.shared);
  }

  #tell(): void {
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined;
      this.#version++;
    }, TELL_EVERY_MS);
  }
}
