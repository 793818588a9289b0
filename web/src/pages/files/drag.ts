/** Dragging rows onto folders and breadcrumbs, within the page. Every drag has a button twin: "Move to…". */
import { type Entry, isTrashed } from '../../lib/entry';
import { withOps } from './later';
import type { FilesStore } from './store.svelte';

/** Says to the page's drop targets that the drag is one of ours, and to the uploads that it is not theirs. */
const DRAG_TYPE = 'application/x-homeserver-entries';

/** Where something can be dropped. */
export type DropTarget = { id: string; name: string; owner?: string };

/** Begins to drag a row, or the whole selection if the row belongs to it. */
export function startDrag(
  store: FilesStore,
  event: DragEvent,
  entry: Entry,
  label: (count: number) => string,
): void {
  const data = event.dataTransfer;
  if (!data || isTrashed(entry)) return;
  store.dragged = store.isSelected(entry.id) ? store.selected : [entry];
  data.setData(DRAG_TYPE, '');
  data.effectAllowed = 'copyMove';
  const tag = document.createElement('div');
  tag.className = 'drag-label';
  tag.textContent = label(store.dragged.length);
  document.body.append(tag);
  data.setDragImage(tag, -12, -12);
  // The browser takes its picture once this event is over.
  setTimeout(() => tag.remove());
}

export function endDrag(store: FilesStore): void {
  store.dragged = [];
}

/** Whether what is dragged may go into a folder: not where it is, and no folder into itself. */
export function accepts(store: FilesStore, id: string): boolean {
  const { dragged } = store;
  if (dragged.length === 0 || (store.inFolder && id === store.folder?.id)) return false;
  return !dragged.some((entry) => entry.id === id);
}

/** Answers a drag over a target; true if it may be dropped there. */
export function dragOver(store: FilesStore, event: DragEvent, id: string): boolean {
  if (!event.dataTransfer?.types.includes(DRAG_TYPE) || !accepts(store, id)) return false;
  event.preventDefault();
  event.dataTransfer.dropEffect = event.ctrlKey || event.altKey ? 'copy' : 'move';
  return true;
}

export function drop(store: FilesStore, event: DragEvent, target: DropTarget): void {
  if (!event.dataTransfer?.types.includes(DRAG_TYPE) || !accepts(store, target.id)) return;
  event.preventDefault();
  const entries = store.dragged;
  const copy = event.ctrlKey || event.altKey;
  endDrag(store);
  withOps((ops) => (copy ? ops.copyEntries : ops.moveEntries)(store, entries, target));
}

/** Makes an element a target, for {@attach}: it bears the class `dropping` while something can be dropped. */
export function droppable(store: FilesStore, target: DropTarget) {
  return (element: HTMLElement) => {
    const over = (event: DragEvent) =>
      element.classList.toggle('dropping', dragOver(store, event, target.id));
    const left = () => element.classList.remove('dropping');
    const dropped = (event: DragEvent) => {
      left();
      drop(store, event, target);
    };
    element.addEventListener('dragover', over);
    element.addEventListener('dragleave', left);
    element.addEventListener('drop', dropped);
    return () => {
      element.removeEventListener('dragover', over);
      element.removeEventListener('dragleave', left);
      element.removeEventListener('drop', dropped);
    };
  };
}
