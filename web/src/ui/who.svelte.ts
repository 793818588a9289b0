/** Who uses this page, for what it shows and offers. The server decides by itself; nothing here protects anything. */
import type { Role, SessionState, User } from '../lib/people';
import { session } from '../lib/session';
import type { FileInfo } from '../lib/types';

class Who {
  state = $state.raw<SessionState>();

  constructor() {
    session.onState((state) => {
      // A session that ended is no reason to change what is shown: the dialog asks, and it goes on.
      if (state.authenticated || !state.required || !this.state) this.state = state;
    });
  }

  /** Whether it is known who it is. */
  get known(): boolean {
    return this.state?.authenticated ?? false;
  }
  get user(): User | null {
    return this.state?.user ?? null;
  }
  get role(): Role | '' {
    return this.state?.role ?? '';
  }
  get isAdministrator(): boolean {
    return this.role === 'administrator';
  }
  /** Guests only read. Until it is known who it is, nobody is taken for one: hardly anybody is. */
  get isGuest(): boolean {
    return this.role === 'guest';
  }
  /** Whether whose a file is says anything: without accounts all belongs to the household. */
  get amongPeople(): boolean {
    return this.user !== null;
  }

  owns(file: FileInfo): boolean {
    return Boolean(file.owner) && file.owner === this.user?.id;
  }
  /** Whether what a file once was is shown: to its owner and administrators; of the household's files to all but guests. */
  mayReadVersions(file: FileInfo): boolean {
    return !this.isGuest && (!file.owner || this.isAdministrator || this.owns(file));
  }
  /** Whether a file can be shared with the household, or no longer: what is the household's always is. */
  mayShare(file: FileInfo): boolean {
    return Boolean(file.owner) && !this.isGuest && (this.isAdministrator || this.owns(file));
  }
}

export const who = new Who();
