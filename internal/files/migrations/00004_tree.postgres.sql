-- +goose Up
-- A tree over the library, trash, versions, the feed of changes. Times are microseconds since 1970.
--
-- Every owner has a tree of their own, the household and each account; the id of its root is
-- 'household' or the account's. A folder's files, bytes and folders are those of its whole
-- subtree, of what is not in the trash. A row of spaces is the lock of a tree and counts what its
-- owner uses. file_changes is numbered in the order of commits: files_feed's row is locked last.
-- Lists of everything are merged from the indexes by audience: three indexes less for an upload to write.
ALTER TABLE file_metadata ADD COLUMN folder_id text COLLATE "C" NOT NULL DEFAULT 'household';
ALTER TABLE file_metadata ADD COLUMN modified_at bigint NOT NULL DEFAULT 0;
ALTER TABLE file_metadata ADD COLUMN revision bigint NOT NULL DEFAULT 1;
ALTER TABLE file_metadata ADD COLUMN trash_id text COLLATE "C";
UPDATE file_metadata SET folder_id = owner_id WHERE owner_id <> '';
UPDATE file_metadata SET trash_id = id WHERE deleted_at IS NOT NULL;
DROP INDEX file_metadata_by_date;
DROP INDEX file_metadata_by_name;
DROP INDEX file_metadata_by_size;
CREATE INDEX file_metadata_folder ON file_metadata (folder_id, name_key, id, size, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_folder_date ON file_metadata (folder_id, upload_date, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_trash ON file_metadata (trash_id) WHERE trash_id IS NOT NULL;

CREATE TABLE folders (
  id          text COLLATE "C"    PRIMARY KEY NOT NULL,
  owner_id    text COLLATE "C"    NOT NULL,
  parent_id   text COLLATE "C",
  name        text    NOT NULL,
  name_nfc    text COLLATE "C"    NOT NULL,
  name_key    text COLLATE "C"    NOT NULL,
  created_at  bigint NOT NULL,
  modified_at bigint NOT NULL,
  revision    bigint NOT NULL DEFAULT 1,
  files       bigint NOT NULL DEFAULT 0,
  bytes       bigint NOT NULL DEFAULT 0,
  folders     bigint NOT NULL DEFAULT 0,
  height      bigint NOT NULL DEFAULT 0, -- at most so many folders lie in each other below it
  deleted_at  bigint,
  trash_id    text COLLATE "C"
);
CREATE UNIQUE INDEX folders_name ON folders (parent_id, name_nfc) WHERE deleted_at IS NULL;
CREATE INDEX folders_children ON folders (parent_id, name_key, id);
CREATE INDEX folders_trash ON folders (trash_id) WHERE trash_id IS NOT NULL;

CREATE TABLE spaces (
  owner_id      text COLLATE "C"    PRIMARY KEY NOT NULL,
  files         bigint NOT NULL DEFAULT 0,
  bytes         bigint NOT NULL DEFAULT 0,
  trash_bytes   bigint NOT NULL DEFAULT 0,
  version_bytes bigint NOT NULL DEFAULT 0,
  quota         bigint
);
INSERT INTO spaces (owner_id, files, bytes) VALUES ('', 0, 0);
INSERT INTO spaces (owner_id, files, bytes, trash_bytes)
SELECT owner_id, count(CASE WHEN deleted_at IS NULL THEN 1 END), coalesce(sum(CASE WHEN deleted_at IS NULL THEN size END), 0), coalesce(sum(CASE WHEN deleted_at IS NOT NULL THEN size END), 0)
FROM file_metadata WHERE true GROUP BY owner_id
ON CONFLICT (owner_id) DO UPDATE SET files = excluded.files, bytes = excluded.bytes, trash_bytes = excluded.trash_bytes;
INSERT INTO folders (id, owner_id, parent_id, name, name_nfc, name_key, created_at, modified_at, files, bytes)
SELECT CASE owner_id WHEN '' THEN 'household' ELSE owner_id END, owner_id, NULL, '', '', '', 0, 0, files, bytes FROM spaces;

CREATE TABLE trash (
  id         text COLLATE "C"    PRIMARY KEY NOT NULL,
  kind       text    NOT NULL,
  item_id    text COLLATE "C"    NOT NULL,
  owner_id   text COLLATE "C"    NOT NULL,
  audience   text COLLATE "C"    NOT NULL,
  name       text    NOT NULL,
  folder_id  text COLLATE "C"    NOT NULL,
  path       text    NOT NULL,
  files      bigint NOT NULL,
  bytes      bigint NOT NULL,
  deleted_at bigint NOT NULL,
  deleted_by text COLLATE "C"    NOT NULL
);
CREATE INDEX trash_by_date ON trash (deleted_at, id);
INSERT INTO trash (id, kind, item_id, owner_id, audience, name, folder_id, path, files, bytes, deleted_at, deleted_by)
SELECT id, 'file', id, owner_id, audience, filename, folder_id, '[]', 1, size, deleted_at, '' FROM file_metadata WHERE deleted_at IS NOT NULL;

CREATE TABLE file_versions (
  id           text COLLATE "C"    PRIMARY KEY NOT NULL,
  file_id      text COLLATE "C"    NOT NULL,
  sha256       text COLLATE "C"    NOT NULL,
  size         bigint NOT NULL,
  content_type text    NOT NULL,
  created_at   bigint NOT NULL,
  replaced_at  bigint NOT NULL,
  replaced_by  text COLLATE "C"    NOT NULL,
  pinned       bigint NOT NULL DEFAULT 0
);
CREATE INDEX file_versions_file ON file_versions (file_id, replaced_at, id);
CREATE INDEX file_versions_sha256 ON file_versions (sha256);
CREATE INDEX file_versions_age ON file_versions (replaced_at, id);

CREATE TABLE file_changes (
  seq       bigint PRIMARY KEY,
  at        bigint NOT NULL,
  type      text    NOT NULL,
  kind      text    NOT NULL,
  item_id   text COLLATE "C"    NOT NULL,
  folder_id text COLLATE "C"    NOT NULL,
  name      text    NOT NULL,
  owner_id  text COLLATE "C"    NOT NULL,
  audience  text COLLATE "C"    NOT NULL,
  was       text COLLATE "C",
  actor     text COLLATE "C"    NOT NULL,
  revision  bigint NOT NULL
);
CREATE TABLE files_feed (
  one    smallint PRIMARY KEY CHECK (one = 1),
  seq    bigint NOT NULL,
  oldest bigint NOT NULL
);
INSERT INTO files_feed (one, seq, oldest) VALUES (1, 0, 0);

CREATE TABLE uploads (
  id           text COLLATE "C"    PRIMARY KEY NOT NULL,
  principal    text COLLATE "C"    NOT NULL,
  owner_id     text COLLATE "C"    NOT NULL,
  folder_id    text COLLATE "C"    NOT NULL,
  name         text    NOT NULL,
  metadata     text    NOT NULL,
  concat       text COLLATE "C"    NOT NULL,
  size         bigint,
  offset_bytes bigint NOT NULL DEFAULT 0,
  hash_state   bytea,
  epoch        bigint NOT NULL DEFAULT 0,
  created_at   bigint NOT NULL,
  expires_at   bigint NOT NULL,
  file_id      text COLLATE "C"
);
CREATE INDEX uploads_principal ON uploads (principal, created_at);
CREATE INDEX uploads_expires ON uploads (expires_at);

CREATE TABLE files_scrub (
  one           smallint PRIMARY KEY CHECK (one = 1),
  started       bigint,
  position      text COLLATE "C"    NOT NULL DEFAULT '',
  files         bigint NOT NULL DEFAULT 0,
  bytes         bigint NOT NULL DEFAULT 0,
  last_finished bigint,
  last_files    bigint NOT NULL DEFAULT 0,
  last_bytes    bigint NOT NULL DEFAULT 0
);
INSERT INTO files_scrub (one) VALUES (1);
CREATE TABLE file_damage (
  sha256    text COLLATE "C"    PRIMARY KEY NOT NULL,
  kind      text    NOT NULL,
  size      bigint NOT NULL,
  found_at  bigint NOT NULL,
  place     text    NOT NULL,
  healed_at bigint,
  healed_by text    NOT NULL DEFAULT ''
);
CREATE TABLE files_settings (
  key   text COLLATE "C" PRIMARY KEY NOT NULL,
  value text NOT NULL
);
CREATE TABLE files_backups (
  id          text COLLATE "C"    PRIMARY KEY NOT NULL,
  place       text    NOT NULL,
  started     bigint NOT NULL,
  finished    bigint,
  verified    bigint,
  files       bigint NOT NULL DEFAULT 0,
  bytes       bigint NOT NULL DEFAULT 0,
  new_files   bigint NOT NULL DEFAULT 0,
  new_bytes   bigint NOT NULL DEFAULT 0,
  error       text    NOT NULL DEFAULT ''
);
CREATE TABLE files_holds (
  name  text    PRIMARY KEY NOT NULL,
  until bigint NOT NULL
);
