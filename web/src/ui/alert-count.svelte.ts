/** How many alerts are open, for the badges of the navigation and the dashboard. */
import { ALERTS, type AlertSummary } from '../lib/alerts';
import { api } from '../lib/api';

/** How often a page asks that shows nothing else of alerts. */
const LOOK_EVERY_MS = 60_000;

class AlertCount {
  summary = $state.raw<AlertSummary>({ open: 0, unacknowledged: 0, worst: '' });
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Asks now and then, for as long as somebody looks at the page. */
  start(): () => void {
    const look = () => {
      if (document.visibilityState === 'visible') void this.#ask();
    };
    look();
    this.#timer = setInterval(look, LOOK_EVERY_MS);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(this.#timer);
      document.removeEventListener('visibilitychange', look);
    };
  }

  async #ask(): Promise<void> {
    try {
      // A badge is no reason to ask anybody to sign in.
      this.summary = await api.get<AlertSummary>(ALERTS.summary, { neverAsk: true });
    } catch {
      // What was known stays; the page's own requests say what is wrong.
    }
  }
}

export const alertCount = new AlertCount();
