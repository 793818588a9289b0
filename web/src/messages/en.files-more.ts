/** The sentences of the files page that are needed only once somebody acts: dialogs, details, trash, storage. */
import { plural } from '../lib/format';

const fileCount = (count: number) => plural(count, 'file', 'files');
const itemCount = (count: number) => plural(count, 'item', 'items');

type Verb = 'move' | 'copy';
const moved = (verb: Verb) => (verb === 'move' ? 'Moved' : 'Copied');

export const filesMore = {
  nothingToUndo: 'There is nothing to undo.',
  tagsBack: 'The tags are as they were.',
  contents: (files: number, folders: number) =>
    `${fileCount(files)}, ${plural(folders, 'folder', 'folders')}`,
  folder: {
    title: 'New folder',
    label: 'Folder name',
    save: 'Create folder',
    empty: 'A folder needs a name.',
  },
  rename: {
    folderTitle: 'Rename folder',
    folderEmpty: 'A folder needs a name.',
    done: (had: string, name: string) => `Renamed ${had} to ${name}.`,
    undone: (name: string) => `It is called ${name} again.`,
  },
  move: {
    done: (verb: Verb, count: number, to: string) => `${moved(verb)} ${itemCount(count)} to ${to}.`,
    doneOne: (verb: Verb, name: string, to: string) => `${moved(verb)} ${name} to ${to}.`,
    failed: (verb: Verb, count: number, reason: string) =>
      `${itemCount(count)} could not be ${verb === 'move' ? 'moved' : 'copied'}: ${reason}`,
    back: (count: number) => `Moved ${itemCount(count)} back.`,
    backFailed: (reason: string) => `Not undone: ${reason}`,
    uncopied: (count: number) =>
      count === 1 ? 'The copy is in the trash.' : `${plural(count, 'copy', 'copies')} are in the trash.`,
    nothingToPaste: 'There is nothing to paste. Cut or copy something first.',
    noFolder: 'Open a folder to paste into it.',
  },
  target: {
    title: (verb: Verb, count: number) => `${verb === 'move' ? 'Move' : 'Copy'} ${itemCount(count)}`,
    titleOne: (verb: Verb, name: string) => `${verb === 'move' ? 'Move' : 'Copy'} ${name}`,
    choose: 'Choose a folder',
    folders: 'Folders here',
    up: 'Up one folder',
    places: 'All places',
    empty: 'No folders in here.',
    act: (verb: Verb, name: string) => `${verb === 'move' ? 'Move' : 'Copy'} to ${name}`,
    same: 'They are in this folder already.',
    inside: 'A folder cannot go into itself.',
    newFolder: 'New folder here',
    loading: 'Loading the folders',
    more: (count: number) => `${plural(count, 'more folder', 'more folders')}: search to find them.`,
    filter: 'Find a folder here',
  },
  conflicts: {
    title: (count: number) =>
      count === 1 ? 'A name is taken' : `${plural(count, 'name', 'names')} are taken`,
    text: 'The folder already holds something of this name. What shall happen?',
    item: (name: string) => `What to do with ${name}`,
    skip: 'Skip',
    skipHint: 'It stays where it is.',
    rename: 'Keep both',
    renameHint: 'The new one gets a number.',
    replace: 'Replace',
    replaceFileHint: 'The present one becomes an earlier version.',
    replaceFolderHint: 'The present folder goes to the trash.',
    forAll: (count: number) => `Do this for all ${count}`,
    each: 'Decide for each',
    go: 'Continue',
    cancel: 'Skip all',
  },
  changed: {
    title: 'Changed meanwhile',
    text: (name: string) =>
      `Somebody else changed ${name} while you looked at it. Keep both adds your change to theirs; Reload shows theirs and drops yours.`,
    both: 'Keep both',
    reload: 'Reload',
  },
  confirm: {
    type: (word: string) => `Type ${word} to confirm`,
  },
  trash: {
    deleted: (count: number) => `Moved ${itemCount(count)} to the trash.`,
    restored: (count: number) => `${itemCount(count)} restored.`,
    notRestored: (count: number, reason: string) => `${itemCount(count)} could not be restored: ${reason}`,
    massTitle: (count: number) => `Delete ${fileCount(count)}?`,
    massText: (reason: string) => `${reason} They go to the trash and can be restored from there.`,
    massAction: (count: number) => `Delete ${fileCount(count)}`,
    destroyOneTitle: (name: string) => `Delete ${name} for good?`,
    destroyTitle: (count: number) => `Delete ${itemCount(count)} for good?`,
    destroyManyTitle: (count: number) => `Delete ${fileCount(count)} for good?`,
    destroyText: (count: number) =>
      `${fileCount(count)} will be gone, with all versions. This cannot be undone.`,
    destroyAction: 'Delete for good',
    destroyed: (count: number) => `${itemCount(count)} deleted for good.`,
    empty: 'Empty trash',
    emptyTitle: 'Empty the trash?',
    emptyText: (count: number) => `${itemCount(count)} will be gone for good. This cannot be undone.`,
    emptied: 'Everything in it is gone for good.',
  },
  details: {
    location: 'Location',
    contents: 'Contents',
    created: 'Created',
    modified: 'Changed',
    owner: 'Owner',
    openFolder: 'Open folder',
  },
  versions: {
    title: 'Versions',
    none: 'No earlier versions. Replacing this file makes one.',
    owners: 'Earlier versions are shown to the owner and to administrators.',
    loading: 'Loading the versions',
    failed: 'The versions could not be loaded.',
    replaced: (time: string, by: string) =>
      by === '' ? `Until ${time}` : `Until ${time}, replaced by ${by}`,
    pinned: 'Pinned',
    download: (time: string) => `Download the version of ${time}`,
    actions: (time: string) => `Actions for the version of ${time}`,
    restore: 'Make it the current one',
    restored: 'The version is the current one again.',
    pin: 'Pin: never remove by itself',
    unpin: 'Unpin',
    remove: 'Delete version',
    removeTitle: 'Delete this version for good?',
    removeText: 'The current file and its other versions stay. This cannot be undone.',
    removed: 'The version is gone.',
    upload: 'Upload a new version',
    uploading: 'Uploading the new version',
    uploaded: 'The new version is the current one.',
  },
  usage: {
    heading: (name: string) => `Storage use of ${name}`,
    total: (size: string, files: number) => `${size} in ${fileCount(files)}`,
    list: 'Folders by size',
    here: 'Files directly in this folder',
    empty: 'This folder is empty.',
    failed: 'The storage use could not be loaded.',
    loading: 'Loading the storage use',
    open: (name: string) => `Storage use of ${name}`,
    files: fileCount,
    back: 'Back to the files',
  },
};
