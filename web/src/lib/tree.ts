/** Folders, trash, versions and changes: names for what schema.d.ts holds, which is made from the API's description. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Folder = Schemas['FolderBody'];
export type Roots = Schemas['RootsBody'];
export type Entries = Schemas['FolderEntriesBody'];
export type Usage = Schemas['FolderUsageBody'];

/** What became of an item: `of` is the id that was named, `id` that of the copy, or of the file it replaced. */
export type Done = Schemas['DoneBody'];
export type Failed = Schemas['FailedBody'];
export type Moved = Schemas['TransferredBody'];
export type OnConflict = NonNullable<Schemas['TransferBody']['on_conflict']>;

export type TrashItem = Schemas['TrashedBody'];
export type Trash = Schemas['TrashBody'];
export type Restored = Schemas['RestoredTrashBody'];

export type Version = Schemas['VersionBody'];
export type Versions = Schemas['VersionsBody'];
export type Change = Schemas['ChangeBody'];
