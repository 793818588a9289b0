/** How the files are looked after: checked when, backed up when. Whoever may not know is told nothing. */
import { api } from '../../lib/api';
import { type Backups, CARE, type Integrity } from '../../lib/care';
import { who } from '../../ui/who.svelte';

/** It changes by the day. */
const LOOK_EVERY_MS = 60_000;

export class Care {
  integrity = $state.raw<Integrity>();
  backups = $state.raw<Backups>();

  /** Begins once it is known who looks. */
  start(): () => void {
    void this.#look();
    const timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }

  async #look(): Promise<void> {
    const [integrity, backups] = await Promise.allSettled([
      api.get<Integrity>(CARE.integrity, { neverAsk: true }),
      who.isAdministrator ? api.get<Backups>(CARE.backups, { neverAsk: true }) : Promise.reject(),
    ]);
    // What was known stays while the server is away.
    if (integrity.status === 'fulfilled') this.integrity = integrity.value;
    if (backups.status === 'fulfilled') this.backups = backups.value;
  }
}
