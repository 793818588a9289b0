/** Pointers on a chart: dragging moves in time, two fingers and the wheel zoom. A finger that moves up or down scrolls the page. */

export type Gestures = {
  /** By a share of the width, towards the past if it is under 0. */
  pan: (share: number) => void;
  /** About a place from the left of the area, in pixels. */
  zoom: (factor: number, left: number) => void;
  /** A press that did not move, by a mouse or pen. */
  press: (left: number) => void;
  back: () => void;
};

/** A press that moved no further than this was none that dragged. */
const STILL_PX = 5;
/** A wheel that turned so far doubles the span. */
const WHEEL_DOUBLES = 300;
/** A wheel may count lines instead of pixels. */
const LINE_PX = 16;
/** A second press within this time is a double click. */
const DOUBLE_MS = 500;

/** Listens on the drawing area; returns how to stop. */
export function listen(area: HTMLElement, gestures: Gestures): () => void {
  const pointers = new Map<number, number>();
  let moved = 0;
  let pressing: ReturnType<typeof setTimeout> | undefined;
  const left = (event: MouseEvent) => event.clientX - area.getBoundingClientRect().left;
  const spread = () => {
    const [a = 0, b = 0] = pointers.values();
    return { between: Math.abs(a - b), middle: (a + b) / 2 };
  };

  const down = (event: PointerEvent) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    // The first press of a slow double click would else open the details in between.
    clearTimeout(pressing);
    if (pointers.size === 0) moved = 0;
    pointers.set(event.pointerId, left(event));
    area.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    const before = pointers.get(event.pointerId);
    if (before === undefined) return;
    const was = spread();
    const now = left(event);
    moved += Math.abs(now - before);
    if (moved <= STILL_PX) return;
    pointers.set(event.pointerId, now);
    if (pointers.size === 1) {
      gestures.pan((before - now) / area.clientWidth);
      return;
    }
    const is = spread();
    if (was.between > 0 && is.between > 0) gestures.zoom(was.between / is.between, is.middle);
  };
  const up = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId) || event.type !== 'pointerup') return;
    if (moved > STILL_PX || event.pointerType === 'touch') return;
    const place = left(event);
    clearTimeout(pressing);
    // A double click is not two presses.
    pressing = setTimeout(() => gestures.press(place), DOUBLE_MS);
  };
  const double = () => {
    clearTimeout(pressing);
    gestures.back();
  };
  const wheel = (event: WheelEvent) => {
    const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      gestures.zoom(2 ** ((event.deltaY * scale) / WHEEL_DOUBLES), left(event));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      gestures.pan((event.deltaX * scale) / area.clientWidth);
    }
  };

  area.addEventListener('pointerdown', down);
  area.addEventListener('pointermove', move);
  area.addEventListener('pointerup', up);
  area.addEventListener('pointercancel', up);
  area.addEventListener('dblclick', double);
  area.addEventListener('wheel', wheel, { passive: false });
  return () => {
    clearTimeout(pressing);
    area.removeEventListener('pointerdown', down);
    area.removeEventListener('pointermove', move);
    area.removeEventListener('pointerup', up);
    area.removeEventListener('pointercancel', up);
    area.removeEventListener('dblclick', double);
    area.removeEventListener('wheel', wheel);
  };
}
