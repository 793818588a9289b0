/** Whether the files stand in a list or as tiles: remembered on this device. */
export type Layout = 'list' | 'tiles';

const LAYOUT_KEY = 'homeserver.filesLayout';

export function readLayout(): Layout {
  try {
    return localStorage.getItem(LAYOUT_KEY) === 'tiles' ? 'tiles' : 'list';
  } catch {
    return 'list';
  }
}

export function keepLayout(layout: Layout): void {
  try {
    localStorage.setItem(LAYOUT_KEY, layout);
  } catch {
    // Without storage the choice holds for this visit.
  }
}
