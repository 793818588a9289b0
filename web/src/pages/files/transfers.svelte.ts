/**
 * What the page knows of uploads before there are any: where they go, with which tags. All that sends, keeps and shows
 * them is fetched after the page itself is there.
 */
import { api, sentenceOf } from '../../lib/api';
import type { FileInfo } from '../../lib/types';
import { type Collected, collectDrop, collectPicked } from '../../lib/uploads-collect';
import type { UploadPlan } from '../../lib/uploads-types';
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';
import type { Uploading } from './uploading.svelte';

const MAKE_URL = '/api/v1/folders/path';

const words = messages.files.upload;

/** Where uploads go unless they are told otherwise, and who hears of them: the page's store. */
export interface UploadTarget {
  /** The folder that is shown; `mine` is one's own root. */
  readonly target: string;
  /** What is known of it; a root has no name. */
  readonly folder?: { id: string; name: string; parent_id?: string | null } | null;
  /** Shows a file that has arrived. */
  insert(file: FileInfo): void;
  /** Asks again for all that is shown: more has arrived than is worth showing one by one. */
  refresh(): unknown;
}

export class Transfers {
  tags = $state<string[]>([]);
  /** The next uploads are shared with the household. */
  shared = $state(false);
  /** The queue and all about it, once it has been fetched. */
  uploading = $state.raw<Uploading>();

  readonly #target: UploadTarget;
  #fetching: Promise<Uploading> | undefined;
  #stop = () => {};

  constructor(target: UploadTarget) {
    this.#target = target;
  }

  /** Whether the panel has anything to show. */
  get busy(): boolean {
    return (this.uploading?.rows.length ?? 0) > 0;
  }

  /** Fetches what sends, and brings back what was left unfinished; returns how to stop. */
  start(): () => void {
    // Without it nothing is lost: it is fetched again with the first file that is added.
    this.#fetch().catch(() => {});
    return () => this.#stop();
  }

  /** What was chosen with a picker. */
  pick(files: FileList | null): void {
    void this.add(collectPicked(files));
  }

  /** What was dropped: into the folder that is shown, or another one. */
  async drop(data: DataTransfer, plan: Partial<UploadPlan> = {}): Promise<void> {
    const { files, empty, unreadable } = await collectDrop(data);
    if (unreadable > 0) toast(words.unreadable(unreadable), { kind: 'error' });
    else if (files.length === 0 && empty.length === 0) toast(words.nothing);
    const parent = plan.folder ?? this.#target.target;
    await this.add(files, plan);
    if (empty.length > 0) await this.#make(empty, parent);
  }

  /** Makes folders in which nothing lies: those of files are made with them. */
  async #make(paths: readonly string[], parent: string): Promise<void> {
    try {
      for (const path of paths) await api.post(MAKE_URL, { parent, path: path.split('/') });
    } catch (thrown) {
      toast(sentenceOf(thrown), { kind: 'error' });
    }
    void this.#target.refresh();
  }

  /** Adds files, into the folder that is shown unless told otherwise; an unfinished upload that waits for just these goes on. */
  async add(files: readonly Collected[], plan: Partial<UploadPlan> = {}): Promise<void> {
    if (files.length === 0) return;
    const { target, folder } = this.#target;
    const whole: UploadPlan = {
      folder: target,
      folderName: folder?.id === target && folder.parent_id ? folder.name : '',
      tags: [...this.tags],
      shared: this.shared,
      onConflict: 'fail',
      ...plan,
    };
    try {
      (await this.#fetch()).add(files, whole);
    } catch {
      toast(messages.errors.unreachable, { kind: 'error' });
    }
  }

  #fetch(): Promise<Uploading> {
    this.#fetching ??= import('./uploading.svelte').then(
      ({ Uploading }) => {
        const uploading = new Uploading(this.#target);
        this.#stop = uploading.start();
        this.uploading = uploading;
        return uploading;
      },
      (thrown) => {
        this.#fetching = undefined;
        throw thrown;
      },
    );
    return this.#fetching;
  }
}
