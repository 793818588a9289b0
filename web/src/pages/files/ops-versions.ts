/** Earlier versions of a file, and new ones. */
import { api, errorFrom } from '../../lib/api';
import { visibleName } from '../../lib/filelist-names';
import type { FileInfo, Version } from '../../lib/types';
import { filesMore } from '../../messages/en.files-more';
import { toast } from '../../ui/toasts.svelte';
import { ask, unlessChanged } from './ops-shared';
import type { FilesStore } from './store.svelte';
import { fileURL, versionURL } from './urls';

const words = filesMore.versions;

const fresh = (id: string) => () => api.get<FileInfo>(`${fileURL(id)}/metadata`);

/** Makes an earlier version the current one; the current one becomes a version, which undo brings back. */
export async function restoreVersion(store: FilesStore, file: FileInfo, version: Version): Promise<void> {
  const act = (now: FileInfo) =>
    api.post<FileInfo>(`${versionURL(file.id, version.id)}/restore`, undefined, { ifMatch: now.etag });
  const restored = await unlessChanged(store, file, visibleName(file.filename), fresh(file.id), act);
  if (!restored) return;
  store.replace(restored);
  toast(words.restored, { kind: 'ok' });
}

/** Deletes one version for good, after a question. */
export async function removeVersion(store: FilesStore, file: FileInfo, version: Version): Promise<void> {
  const yes = await ask<boolean>(store, (answer) => ({
    kind: 'confirm',
    title: words.removeTitle,
    text: words.removeText,
    action: words.remove,
    typed: '',
    answer,
  }));
  if (!yes) return;
  await api.delete(versionURL(file.id, version.id));
  toast(words.removed, { kind: 'ok' });
}

/** Replaces what a file holds; what it held becomes a version. If somebody else did so meanwhile, both stay. */
export async function putContent(store: FilesStore, file: FileInfo, content: File): Promise<void> {
  const act = async (now: FileInfo) => {
    const response = await fetch(`${fileURL(file.id)}/content`, {
      method: 'PUT',
      body: content,
      headers: now.etag ? { 'If-Match': now.etag } : {},
    });
    if (!response.ok)
      throw errorFrom(response.status, await response.text(), response.headers.get('Retry-After'));
    return (await response.json()) as FileInfo;
  };
  const replaced = await unlessChanged(store, file, visibleName(file.filename), fresh(file.id), act);
  if (!replaced) return;
  store.replace(replaced);
  toast(words.uploaded, { kind: 'ok' });
}
