/** Speed over the last few seconds: an average since the start would hide a line that has just become slow. */
const WINDOW_MS = 3_000;
/** A speed from less than this is noise. */
const LEAST_MS = 400;

export class SpeedMeter {
  #samples: { at: number; bytes: number }[] = [];

  /** Notes how many bytes have gone in all, and returns bytes per second (0 while unknown). */
  add(at: number, bytes: number): number {
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (!first || at - first.at < LEAST_MS) return 0;
    return Math.max(0, ((bytes - first.bytes) * 1_000) / (at - first.at));
  }
}

/** Seconds left, or null while that is anybody's guess. */
export function secondsLeft(bytes: number, sent: number, speed: number): number | null {
  if (speed <= 0) return null;
  return Math.max(0, (bytes - sent) / speed);
}
