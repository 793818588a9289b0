/**
 * Which tab this is: a reload of the page stays the same tab, and goes on with its uploads; what a closed one left
 * behind, the next one takes over. Not by Web Locks, which plain http does not have.
 */
const CHANNEL = 'homeserver.transfers';
const KEY = 'homeserver.tab';
/** Living tabs answer at once; one that is busy for longer is taken for a closed one. */
const ANSWER_MS = 250;

type Message = { ask: true } | { here: string };

export interface Tab {
  id: string;
  /** The other tabs that are open. */
  living: ReadonlySet<string>;
  close: () => void;
}

export async function claimTab(): Promise<Tab> {
  const before = sessionStorage.getItem(KEY);
  const living = new Set<string>();
  const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel(CHANNEL) : undefined;
  let id = before ?? newID();
  if (channel) {
    let settled = before === null;
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if ('here' in data) living.add(data.here);
      else if (settled) channel.postMessage({ here: id } satisfies Message);
    };
    channel.postMessage({ ask: true } satisfies Message);
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    // A tab that was duplicated has the other one's id.
    if (living.has(id)) id = newID();
    settled = true;
  }
  sessionStorage.setItem(KEY, id);
  return { id, living, close: () => channel?.close() };
}

function newID(): string {
  return [...crypto.getRandomValues(new Uint32Array(2))].map((part) => part.toString(36)).join('');
}
