/** Turns what was dropped or picked into a flat list of files, folders included. */

export interface Collected {
  file: File;
  /** Folders and name, for people. */
  path: string;
}

export interface Collection {
  files: Collected[];
  /** Paths of folders in which there is nothing. */
  empty: string[];
  /** Entries that could not be read. */
  unreadable: number;
}

/**
 * Reads a drop, with all its folders. The entries must be taken from the event at once: after the first await the
 * browser has emptied it.
 */
export async function collectDrop(data: DataTransfer): Promise<Collection> {
  const entries: FileSystemEntry[] = [];
  const plain: File[] = [];
  for (const item of data.items) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry?.();
    const file = entry ? null : item.getAsFile();
    if (entry) entries.push(entry);
    else if (file) plain.push(file);
  }
  const collection = await collectEntries(entries);
  for (const file of plain) collection.files.push({ file, path: file.name });
  return collection;
}

/** What the browser gives is in the order of the disk, which means nothing to anybody. */
const names = new Intl.Collator(undefined, { numeric: true });
const inOrder = <T extends { name: string }>(entries: T[]): T[] =>
  entries.sort((a, b) => names.compare(a.name, b.name));

/** Walks entries depth first, a folder's in the order of their names. */
export async function collectEntries(entries: readonly FileSystemEntry[]): Promise<Collection> {
  const collection: Collection = { files: [], empty: [], unreadable: 0 };
  // A stack of our own: a deep tree must not overflow the call stack.
  const open = [...entries].reverse();
  for (let entry = open.pop(); entry; entry = open.pop()) {
    try {
      if (entry.isDirectory) {
        const found = await children(entry as FileSystemDirectoryEntry);
        if (found.length === 0) collection.empty.push(pathOf(entry));
        open.push(...inOrder(found).reverse());
      } else collection.files.push(await toFile(entry as FileSystemFileEntry));
    } catch {
      collection.unreadable++;
    }
  }
  return collection;
}

/** readEntries gives at most 100 at a time in Chromium: it is asked until it has no more. */
async function children(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function pathOf(entry: FileSystemEntry): string {
  return entry.fullPath.replace(/^\//, '');
}

function toFile(entry: FileSystemFileEntry): Promise<Collected> {
  return new Promise((resolve, reject) =>
    entry.file((file) => resolve({ file, path: pathOf(entry) }), reject),
  );
}

/** Reads what a file or folder picker gave. */
export function collectPicked(files: FileList | null): Collected[] {
  const picked = [...(files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  // Files that were chosen one by one stay in the order in which they were.
  if (!picked.some(({ file }) => file.webkitRelativePath)) return picked;
  return picked.sort((a, b) => names.compare(a.path, b.path));
}

/** Whether a drag carries files, and not text or a link of the page itself. */
export function carriesFiles(data: DataTransfer | null): boolean {
  return data !== null && [...data.types].includes('Files');
}
