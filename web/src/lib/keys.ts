/**
 * Keyboard shortcuts of the page. A shortcut is written as people read it: "?", "/", "g d" (one after the
 * other), "Ctrl+k" (Command on a Mac). While somebody types, or a dialog is open, only shortcuts with a
 * modifier and `always` work. Shortcuts of a single letter can be switched off, for those who dictate.
 */
export type Shortcut = {
  keys: string;
  label: string;
  run: (event: KeyboardEvent) => void;
  /** Also while a field has the focus. */
  always?: boolean;
  /** Whether the key is meant for this just now; otherwise the browser has it. */
  when?: () => boolean;
};

/** How long the second key of "g d" may take. */
const SEQUENCE_MS = 1200;
const OFF_KEY = 'homeserver.singleKeysOff';

const shortcuts = new Set<Shortcut>();
let pending = '';
let pendingSince = 0;

/** Adds shortcuts and returns how to take them away again. */
export function addShortcuts(list: Shortcut[]): () => void {
  for (const shortcut of list) shortcuts.add(shortcut);
  return () => {
    for (const shortcut of list) shortcuts.delete(shortcut);
  };
}

export function listShortcuts(): Shortcut[] {
  return [...shortcuts];
}

export function singleKeysOff(): boolean {
  try {
    return localStorage.getItem(OFF_KEY) === 'yes';
  } catch {
    return false;
  }
}

export function switchSingleKeys(off: boolean): void {
  try {
    if (off) localStorage.setItem(OFF_KEY, 'yes');
    else localStorage.removeItem(OFF_KEY);
  } catch {
    // Without storage the keys stay on.
  }
}

/** Listens on the whole document; returns how to stop. */
export function listenForKeys(): () => void {
  document.addEventListener('keydown', onKeydown);
  return () => document.removeEventListener('keydown', onKeydown);
}

/** The name of a key press in the notation above: "a", "?", "Ctrl+a", "Shift+ArrowDown". */
export function keyName(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>,
): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shiftMatters = event.shiftKey && (event.key.length > 1 || /^[a-z]$/.test(key));
  return (
    (event.ctrlKey || event.metaKey ? 'Ctrl+' : '') +
    (event.altKey ? 'Alt+' : '') +
    (shiftMatters ? 'Shift+' : '') +
    key
  );
}

/** Whether what has the focus takes letters itself. */
export function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  ) {
    return true;
  }
  const silent = ['button', 'checkbox', 'radio', 'range', 'file', 'submit', 'reset', 'color'];
  return target instanceof HTMLInputElement && !silent.includes(target.type);
}

function onKeydown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || ['Shift', 'Control', 'Alt', 'Meta'].includes(event.key))
    return;
  const name = keyName(event);
  const now = event.timeStamp;
  const sequence = pending && now - pendingSince < SEQUENCE_MS ? `${pending} ${name}` : name;
  const busy = takesText(event.target) || document.querySelector('dialog[open]') !== null;
  const plain = !/^(Ctrl|Alt)\+/.test(name);
  const allowed = (shortcut: Shortcut) => {
    if ((busy && !shortcut.always) || shortcut.when?.() === false) return false;
    return !(plain && name.length === 1 && singleKeysOff());
  };
  const usable = listShortcuts().filter(allowed);
  const match = usable.find((one) => one.keys === sequence) ?? usable.find((one) => one.keys === name);
  pending = '';
  if (match) {
    event.preventDefault();
    match.run(event);
    return;
  }
  if (usable.some((one) => one.keys.startsWith(`${sequence} `))) {
    pending = sequence;
    pendingSince = now;
  }
}
