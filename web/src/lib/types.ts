/** The shapes of the API's JSON: names for what src/lib/schema.d.ts holds, which is made from the API's description. */
import type { components, paths } from './schema';

type Schemas = components['schemas'];
type Answer<P extends keyof paths, M extends keyof paths[P]> = paths[P][M] extends {
  responses: { 200: { content: { 'application/json': infer T } } };
}
  ? T
  : never;

export type FileInfo = Schemas['FileBody'];
export type FileList = Answer<'/api/v1/files/list', 'get'>;
export type UploadAnswer = FileInfo & Answer<'/api/v1/files/upload', 'post'>;
export type DeleteAnswer = Schemas['DeletedBody'];
export type DeleteManyAnswer = Schemas['DeletedManyBody'];
export type RestoreManyAnswer = Schemas['RestoredManyBody'];
export type ChangeTagsAnswer = Schemas['ChangedBody'];
export type TagCount = Schemas['TagCount'];
export type TagList = Schemas['TagsBody'];

export type * from './tree';

export type SystemStats = Schemas['System'];
export type StorageStats = Schemas['Storage'];
export type Host = Schemas['HostInfo'];
export type Dashboard = Schemas['Dashboard'];
export type Recent = Schemas['Recent'];

/** null: not known on this platform, or not at this tick. */
export type Known = number | null;
