/**
 * Who is signed in, and the one question the house may ask: the API key.
 * A request that meets a 401 waits here; the login dialog answers; then the request goes on.
 */
import type { SessionState } from './types';

export type { SessionState };

const PATH = '/api/v1/session';

type Waiting = { resolve: () => void; reject: (reason: Error) => void };

/** Thrown to the waiting requests when the reader closes the dialog without signing in. */
export class SignInDeclined extends Error {}

class Session {
  private waiting: Waiting[] = [];
  private listeners = new Set<(needed: boolean) => void>();

  /** Whether the login dialog should be open. */
  get needed(): boolean {
    return this.waiting.length > 0;
  }

  onNeeded(listener: (needed: boolean) => void): () => void {
    this.listeners.add(listener);
    listener(this.needed);
    return () => this.listeners.delete(listener);
  }

  /** Resolves once somebody signed in; rejects with SignInDeclined when they would not. */
  ask(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.tell();
    });
  }

  /** Called by the dialog after the server accepted the key. */
  succeeded(): void {
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

  private tell(): void {
    for (const listener of this.listeners) listener(this.needed);
  }
}

export const session = new Session();

/** The session as the server sees it, or undefined when it cannot be asked just now. */
export async function readSession(): Promise<SessionState | undefined> {
  try {
    const response = await fetch(PATH, { headers: { Accept: 'application/json' } });
    return response.ok ? ((await response.json()) as SessionState) : undefined;
  } catch {
    return undefined;
  }
}
