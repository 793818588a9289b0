/** The stretch of time that the charts show, and how it is zoomed and moved. Times are unix milliseconds. */

export type View = {
  from: number;
  to: number;
  /** It ends now, and goes on with the time. */
  live: boolean;
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The spans that can be chosen. */
export const SPANS = [
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  6 * HOUR,
  DAY,
  7 * DAY,
  30 * DAY,
  90 * DAY,
  365 * DAY,
  5 * 365 * DAY,
] as const;

export const SHORTEST = MINUTE;
export const LONGEST = 5 * 365 * DAY;
/** How far a key or a button zooms and moves. */
export const ZOOM_STEP = 2;
export const PAN_STEP = 0.25;
/** So near to now, in shares of the span, that what was moved there goes on with the time. */
const NEAR = 0.01;

export function liveView(span: number, now: number): View {
  return { from: now - span, to: now, live: true };
}

/** The same stretch, moved on to now if it goes on with the time. */
export function advance(view: View, now: number): View {
  return view.live ? liveView(view.to - view.from, now) : view;
}

/**
 * The same time a week before, by the clock on the wall: what happens every day at nine lies under nine, also when
 * summer time began or ended in between.
 */
export function weekBefore(time: number): number {
  const at = new Date(time);
  at.setDate(at.getDate() - 7);
  return at.getTime();
}

/** Makes the span longer (a factor over 1) or shorter, and keeps `anchor` where it is on the screen. */
export function zoom(view: View, factor: number, now: number, anchor = (view.from + view.to) / 2): View {
  const span = view.to - view.from;
  const wanted = Math.min(LONGEST, Math.max(SHORTEST, span * factor));
  if (wanted === span) return view;
  // What goes on with the time keeps its end.
  if (view.live) return liveView(wanted, now);
  const share = Math.min(1, Math.max(0, (anchor - view.from) / span));
  const from = anchor - share * wanted;
  return within({ from, to: from + wanted, live: false }, now);
}

/** Zooms about a place also where it goes on with the time: what a wheel or two fingers point at. */
export function zoomAt(view: View, factor: number, now: number, anchor: number): View {
  const span = view.to - view.from;
  if (view.live && (now - anchor) / span < 0.15) return zoom(view, factor, now);
  return zoom({ ...view, live: false }, factor, now, anchor);
}

/** Moves by a share of the span; over 0 is towards now. */
export function pan(view: View, share: number, now: number): View {
  const by = (view.to - view.from) * share;
  return within({ from: view.from + by, to: view.to + by, live: false }, now);
}

/** Nothing later than now is shown, and nothing that nobody remembers. */
function within({ from, to }: View, now: number): View {
  const span = to - from;
  if (to >= now - span * NEAR) return liveView(span, now);
  const oldest = now - LONGEST;
  return from < oldest ? { from: oldest, to: oldest + span, live: false } : { from, to, live: false };
}
