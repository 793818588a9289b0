/** Everything that can be done with files and folders, in one part that is fetched while the page is idle. */
export { deleteEntries, emptyTrash, restoreEntries } from './ops-delete';
export { download } from './ops-download';
export { changeTags, makeFolder, rename, setTags, shareFiles } from './ops-edit';
export { copyEntries, moveEntries, paste } from './ops-move';
export { undoLast } from './ops-shared';
