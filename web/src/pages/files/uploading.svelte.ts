/** The uploads of this page: the queue of lib/uploads, what keeps it, and what the panel shows of it. */
import { visibleName } from '../../lib/filelist-names';
import { session } from '../../lib/session';
import type { FileInfo } from '../../lib/types';
import { UploadQueue } from '../../lib/uploads';
import { sendBatch } from '../../lib/uploads-batch';
import { type Collected, collectPicked } from '../../lib/uploads-collect';
import { Durable } from '../../lib/uploads-durable';
import { matchFiles } from '../../lib/uploads-match';
import { sameThere } from '../../lib/uploads-same';
import { openShelf } from '../../lib/uploads-shelf';
import { claimTab } from '../../lib/uploads-tabs';
import { forgetUpload, sendResumable } from '../../lib/uploads-tus';
import { byInterest, nameOf, type QueueTotals, type Upload, type UploadPlan } from '../../lib/uploads-types';
import { messages } from '../../messages/en';
import { toast } from '../../ui/toasts.svelte';
import type { UploadTarget } from './transfers.svelte';

/** Progress comes many times a second for each file; the page is told at most this often. */
const TELL_EVERY_MS = 100;
/** How often it is asked how far uploads are that were begun elsewhere and wait for their file here; the first time soon. */
const LOOK_AGAIN_MS = 3_000;
const LOOK_ELSEWHERE_MS = 30_000;
/** Of thousands that arrive the list hears at most this often. */
const REPORT_EVERY_MS = 500;
/** What is shown one by one as it arrives; for more the list asks again. */
const MOST_INSERTED = 25;
/** One's own root as it is asked for, and that of the household, which is one's own where nobody has an account. */
const MINE = 'mine';
const HOUSEHOLD = 'household';
/** While something is under way the speed is looked at this often, so that a line that stands still shows. */
const LOOK_EVERY_MS = 1_000;

const words = messages.files.upload;

export class Uploading {
  collapsed = $state(false);
  /** Somebody closed the sign-in: the queue holds until they ask for it again. */
  signInDeclined = $state(false);
  /** The upload whose name is taken and about which the page asks. */
  asked = $state.raw<Upload>();

  #version = $state(0);
  #tellTimer: ReturnType<typeof setTimeout> | undefined;
  /** Questions are asked by themselves of what was just added: not of what a reload brought back, nor once one was closed. */
  #mayAsk = false;
  #arrived: FileInfo[] = [];
  #unnamed = 0;
  #reportTimer: ReturnType<typeof setTimeout> | undefined;
  #reported = 0;
  readonly #target: UploadTarget;
  readonly #queue: UploadQueue;
  readonly #durable: Durable;

  constructor(target: UploadTarget) {
    this.#target = target;
    this.#queue = new UploadQueue({
      one: sendResumable,
      many: sendBatch,
      same: sameThere,
      forget: (url) => void forgetUpload(url),
      onChange: () => this.#tell(),
      onDurable: (upload, gone) => this.#durable.changed(upload, gone),
      onDone: (upload) => this.#took(upload),
      onConflict: () => this.#tell(),
      onOther: ({ path }) => toast(words.fileless.other(visibleName(nameOf(path)))),
      onSessionEnded: () => void this.signIn(),
    });
    this.#durable = new Durable(this.#queue);
  }

  get queue(): UploadQueue {
    void this.#version;
    return this.#queue;
  }
  readonly totals: QueueTotals = $derived.by(() => this.queue.totals());
  readonly rows: Upload[] = $derived.by(() => byInterest(this.queue.uploads));
  readonly away: boolean = $derived.by(() => this.queue.away);

  /** Brings back what was left unfinished, watches the connection and the page's end; returns how to stop. */
  start(): () => void {
    const online = () => this.#queue.retryNow();
    const leaving = (event: BeforeUnloadEvent) => {
      if (!this.#durable.safe) event.preventDefault();
    };
    const hiding = () => void this.#durable.flush();
    const look = setInterval(() => this.#queue.totals().open > 0 && this.#tell(), LOOK_EVERY_MS);
    let stopped = false;
    let closeTab = () => {};
    void this.#revive().then((close) => {
      closeTab = close;
      if (stopped) close();
    });
    addEventListener('online', online);
    addEventListener('beforeunload', leaving);
    addEventListener('pagehide', hiding);
    return () => {
      stopped = true;
      clearInterval(look);
      closeTab();
      removeEventListener('online', online);
      removeEventListener('beforeunload', leaving);
      removeEventListener('pagehide', hiding);
    };
  }

  /** Adds files; an unfinished upload of the same folder that waits for just these goes on. */
  add(files: readonly Collected[], asked: UploadPlan): void {
    const plan = { ...asked, folder: folderID(asked.folder) };
    const here = this.#queue.uploads.filter((upload) => upload.folder === plan.folder);
    const { pairs, rest } = matchFiles(plan.replaces === undefined ? here : [], files);
    this.#mayAsk = true;
    if (this.#queue.totals().open === 0) this.collapsed = false;
    for (const { upload, file, path } of pairs)
      this.#queue.attach(upload, file, { ...plan, path: path ?? file.name });
    if (rest.length > 0) this.#queue.add(rest, plan);
  }

  /** Goes on with those that had to be chosen again. */
  chooseAgain(files: FileList | null): void {
    const chosen = collectPicked(files);
    if (chosen.length === 0) return;
    const { pairs, rest } = matchFiles(this.#queue.uploads, chosen);
    this.#mayAsk = true;
    for (const { upload, file } of pairs) this.#queue.attach(upload, file);
    if (pairs.length === 0) toast(words.fileless.none, { kind: 'error' });
    else
      toast(
        words.fileless.found(pairs.length) +
          (rest.length > 0 ? ` ${words.fileless.strangers(rest.length)}` : ''),
      );
  }

  /** Asks about a name that is taken. */
  ask(upload: Upload | undefined = this.#queue.uploads.find(({ state }) => state === 'conflict')): void {
    this.asked = upload;
  }

  /** The question was closed without an answer. */
  notNow(): void {
    this.asked = undefined;
    this.#mayAsk = false;
  }

  /** Empties the panel: only offered when nothing is left to be done. */
  dismiss(): void {
    this.#queue.clear();
  }

  async signIn(): Promise<void> {
    this.signInDeclined = false;
    try {
      await session.ask();
      this.#queue.goOn();
    } catch {
      this.signInDeclined = true;
    }
  }

  async #revive(): Promise<() => void> {
    try {
      const [shelf, tab, state] = await Promise.all([
        openShelf(),
        claimTab(),
        session.state ?? session.read(),
      ]);
      await this.#durable.start(shelf, tab.id, state?.user?.id ?? '', tab.living);
      await this.#durable.lookElsewhere();
      // What was begun elsewhere is no reason to cover the files of somebody who only came to look.
      if (this.#queue.uploads.every(({ elsewhere }) => elsewhere)) this.collapsed = true;
      await this.#durable.lookBack();
      // What was cut off elsewhere a moment ago, the server is still writing down.
      const soon = setTimeout(() => void this.#lookAgain(), LOOK_AGAIN_MS);
      const later = setInterval(() => void this.#lookAgain(), LOOK_ELSEWHERE_MS);
      return () => {
        tab.close();
        clearTimeout(soon);
        clearInterval(later);
      };
    } catch {
      // A browser that keeps nothing, or a server that is away: the queue works all the same.
      return () => {};
    }
  }

  /** How far what waits for its file has come meanwhile, perhaps on another device. */
  async #lookAgain(): Promise<void> {
    if (document.hidden || this.#queue.totals().fileless === 0) return;
    await this.#durable.lookElsewhere().catch(() => {});
  }

  #took(upload: Upload): void {
    if (upload.answer) this.#arrived.push(upload.answer);
    else this.#unnamed++;
    const wait = Math.max(TELL_EVERY_MS, this.#reported + REPORT_EVERY_MS - performance.now());
    this.#reportTimer ??= setTimeout(() => this.#report(), wait);
  }

  #tell(): void {
    this.#tellTimer ??= setTimeout(() => {
      this.#tellTimer = undefined;
      this.#version++;
      if (this.asked && this.asked.state !== 'conflict') this.asked = undefined;
      if (!this.asked && this.#mayAsk && mayInterrupt()) this.ask();
    }, TELL_EVERY_MS);
  }

  #report(): void {
    this.#reportTimer = undefined;
    this.#reported = performance.now();
    const [files, unnamed] = [this.#arrived, this.#unnamed];
    this.#arrived = [];
    this.#unnamed = 0;
    if (unnamed > 0 || files.length > MOST_INSERTED) void this.#target.refresh();
    else for (const file of files) this.#target.insert(file);
  }
}

/** The id of a folder that may have been named as one's own root. */
function folderID(folder: string): string {
  return folder === MINE && session.state ? (session.state.user?.id ?? HOUSEHOLD) : folder;
}

/** Whether a question may open over the page: not over another one, nor while somebody writes. */
function mayInterrupt(): boolean {
  const writing = document.activeElement?.matches(
    'input:not([type=checkbox]):not([type=file]), textarea, select',
  );
  return !writing && !document.querySelector('dialog[open], :popover-open');
}
