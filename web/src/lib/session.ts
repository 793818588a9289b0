/**
 * Who is signed in, and the one question the house may ask: who are you?
 * A request that meets a 401 waits here; the login dialog answers; then the request goes on. On a page that never
 * saw anybody signed in there is nothing to lose: it leads to the page for signing in instead.
 */
import { doorFor } from './next';
import type { SessionState } from './people';
import { Sentence } from './sentence';

export type { SessionState };

const PATH = '/api/v1/session';
/** Tells the other open pages that somebody signed in, so that none of them asks again. */
const CHANNEL = 'homeserver.session';

/** Why somebody is asked: the session ended, or a weighty change wants them to show again who they are. */
export type Question = 'ended' | 'confirm';
type Waiting = { question: Question; resolve: () => void; reject: (reason: Error) => void };

/** Thrown to the waiting requests when the reader closes the dialog without signing in. */
export class SignInDeclined extends Sentence {}

export class Session {
  /** As last read; undefined before the first answer. */
  state: SessionState | undefined;
  /** The account this page shows; undefined as long as nobody was recognised. */
  private shown: string | undefined;
  private waiting: Waiting[] = [];
  private listeners = new Set<(needed: Question | null) => void>();
  private readers = new Set<(state: SessionState) => void>();
  private channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel(CHANNEL) : undefined;

  constructor() {
    this.channel?.addEventListener('message', () => void this.signedInElsewhere());
  }

  /** What the login dialog should ask, if it should be open. */
  get needed(): Question | null {
    if (this.waiting.some((one) => one.question === 'ended')) return 'ended';
    return this.waiting.length > 0 ? 'confirm' : null;
  }

  onNeeded(listener: (needed: Question | null) => void): () => void {
    this.listeners.add(listener);
    listener(this.needed);
    return () => this.listeners.delete(listener);
  }

  /** Told of every state that was read. */
  onState(reader: (state: SessionState) => void): () => void {
    this.readers.add(reader);
    if (this.state) reader(this.state);
    return () => this.readers.delete(reader);
  }

  /** The session as the server sees it, or undefined when it cannot be asked just now. */
  async read(): Promise<SessionState | undefined> {
    try {
      const response = await fetch(PATH, { headers: { Accept: 'application/json' } });
      if (!response.ok) return undefined;
      const state = (await response.json()) as SessionState;
      this.took(state);
      return state;
    } catch {
      return undefined;
    }
  }

  /** Resolves once somebody signed in; rejects with SignInDeclined when they would not. */
  async ask(question: Question = 'ended'): Promise<void> {
    if (this.shown === undefined) {
      const state = await this.read();
      const door = state && doorFor(state, location);
      if (door) {
        location.replace(door);
        // The page is about to go: whoever waits goes with it.
        return new Promise(() => {});
      }
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ question, resolve, reject });
      this.tell();
    });
  }

  /** Called after the server let somebody in. */
  succeeded(state: SessionState): void {
    const another = this.shown !== undefined && this.shown !== accountOf(state);
    this.channel?.postMessage('signed in');
    if (another) {
      // What is shown belongs to somebody else.
      location.reload();
      return;
    }
    this.took(state);
    const waiting = this.waiting;
    this.waiting = [];
    this.tell();
    for (const one of waiting) one.resolve();
  }

  declined(sentence: string): void {
    const waiting = this.waiting;
    this.waiting = [];
    this.tell();
    for (const one of waiting) one.reject(new SignInDeclined(sentence));
  }

  private took(state: SessionState): void {
    this.state = state;
    if (state.authenticated) this.shown ??= accountOf(state);
    for (const reader of this.readers) reader(state);
  }

  private async signedInElsewhere(): Promise<void> {
    if (!this.needed) return;
    const state = await this.read();
    if (state?.authenticated && this.needed) this.succeeded(state);
  }

  private tell(): void {
    for (const listener of this.listeners) listener(this.needed);
  }
}

/** The account's id; the household itself has none. */
function accountOf(state: SessionState): string {
  return state.user?.id ?? '';
}

export const session = new Session();

/** The session as the server sees it, or undefined when it cannot be asked just now. */
export function readSession(): Promise<SessionState | undefined> {
  return session.read();
}
