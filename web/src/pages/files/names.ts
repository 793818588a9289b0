/** How folders are called on the page: a root by whose it is, every other by its name. */
import { visibleName } from '../../lib/filelist-names';
import { HOUSEHOLD, MINE } from '../../lib/place';
import type { Folder } from '../../lib/types';
import { messages } from '../../messages/en';
import { who } from '../../ui/who.svelte';

const words = messages.files.places;

export function rootName(owner: string, ownerName: string): string {
  if (who.user && owner === who.user.id) return words.mine;
  if (owner === '') return who.amongPeople ? words.household : words.mine;
  return words.of(visibleName(ownerName));
}

export function folderName(folder: Folder): string {
  return folder.parent_id === null ? rootName(folder.owner, folder.owner_name) : visibleName(folder.name);
}

/** How one comes to a folder: one's own root has the shortest address. */
export function folderAddress(id: string): string {
  return id === who.user?.id || (!who.amongPeople && id === HOUSEHOLD) ? MINE : id;
}
