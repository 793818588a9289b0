-- +goose Up
-- A tree over the library, trash, versions, the feed of changes; see the PostgreSQL file for the reasons.
-- deleted_at is in file_metadata_folder because SQLite reads the row otherwise to see that it is null.
ALTER TABLE file_metadata ADD COLUMN folder_id TEXT NOT NULL DEFAULT 'household';
ALTER TABLE file_metadata ADD COLUMN modified_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE file_metadata ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE file_metadata ADD COLUMN trash_id TEXT;
UPDATE file_metadata SET folder_id = owner_id WHERE owner_id <> '';
UPDATE file_metadata SET trash_id = id WHERE deleted_at IS NOT NULL;
DROP INDEX file_metadata_by_date;
DROP INDEX file_metadata_by_name;
DROP INDEX file_metadata_by_size;
CREATE INDEX file_metadata_folder ON file_metadata (folder_id, name_key, id, size, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_folder_date ON file_metadata (folder_id, upload_date, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_trash ON file_metadata (trash_id) WHERE trash_id IS NOT NULL;

CREATE TABLE folders (
  id          TEXT    PRIMARY KEY NOT NULL,
  owner_id    TEXT    NOT NULL,
  parent_id   TEXT,
  name        TEXT    NOT NULL,
  name_nfc    TEXT    NOT NULL,
  name_key    TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  revision    INTEGER NOT NULL DEFAULT 1,
  files       INTEGER NOT NULL DEFAULT 0,
  bytes       INTEGER NOT NULL DEFAULT 0,
  folders     INTEGER NOT NULL DEFAULT 0,
  height      INTEGER NOT NULL DEFAULT 0, -- at most so many folders lie in each other below it
  deleted_at  INTEGER,
  trash_id    TEXT
) WITHOUT ROWID;
CREATE UNIQUE INDEX folders_name ON folders (parent_id, name_nfc) WHERE deleted_at IS NULL;
CREATE INDEX folders_children ON folders (parent_id, name_key, id);
CREATE INDEX folders_trash ON folders (trash_id) WHERE trash_id IS NOT NULL;

CREATE TABLE spaces (
  owner_id      TEXT    PRIMARY KEY NOT NULL,
  files         INTEGER NOT NULL DEFAULT 0,
  bytes         INTEGER NOT NULL DEFAULT 0,
  trash_bytes   INTEGER NOT NULL DEFAULT 0,
  version_bytes INTEGER NOT NULL DEFAULT 0,
  quota         INTEGER
) WITHOUT ROWID;
INSERT INTO spaces (owner_id, files, bytes) VALUES ('', 0, 0);
INSERT INTO spaces (owner_id, files, bytes, trash_bytes)
SELECT owner_id, count(CASE WHEN deleted_at IS NULL THEN 1 END), coalesce(sum(CASE WHEN deleted_at IS NULL THEN size END), 0), coalesce(sum(CASE WHEN deleted_at IS NOT NULL THEN size END), 0)
FROM file_metadata WHERE true GROUP BY owner_id
ON CONFLICT (owner_id) DO UPDATE SET files = excluded.files, bytes = excluded.bytes, trash_bytes = excluded.trash_bytes;
INSERT INTO folders (id, owner_id, parent_id, name, name_nfc, name_key, created_at, modified_at, files, bytes)
SELECT CASE owner_id WHEN '' THEN 'household' ELSE owner_id END, owner_id, NULL, '', '', '', 0, 0, files, bytes FROM spaces;

CREATE TABLE trash (
  id         TEXT    PRIMARY KEY NOT NULL,
  kind       TEXT    NOT NULL,
  item_id    TEXT    NOT NULL,
  owner_id   TEXT    NOT NULL,
  audience   TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  folder_id  TEXT    NOT NULL,
  path       TEXT    NOT NULL,
  files      INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  deleted_at INTEGER NOT NULL,
  deleted_by TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX trash_by_date ON trash (deleted_at, id);
INSERT INTO trash (id, kind, item_id, owner_id, audience, name, folder_id, path, files, bytes, deleted_at, deleted_by)
SELECT id, 'file', id, owner_id, audience, filename, folder_id, '[]', 1, size, deleted_at, '' FROM file_metadata WHERE deleted_at IS NOT NULL;

CREATE TABLE file_versions (
  id           TEXT    PRIMARY KEY NOT NULL,
  file_id      TEXT    NOT NULL,
  sha256       TEXT    NOT NULL,
  size         INTEGER NOT NULL,
  content_type TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  replaced_at  INTEGER NOT NULL,
  replaced_by  TEXT    NOT NULL,
  pinned       INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX file_versions_file ON file_versions (file_id, replaced_at, id);
CREATE INDEX file_versions_sha256 ON file_versions (sha256);
CREATE INDEX file_versions_age ON file_versions (replaced_at, id);

CREATE TABLE file_changes (
  seq       INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  type      TEXT    NOT NULL,
  kind      TEXT    NOT NULL,
  item_id   TEXT    NOT NULL,
  folder_id TEXT    NOT NULL,
  name      TEXT    NOT NULL,
  owner_id  TEXT    NOT NULL,
  audience  TEXT    NOT NULL,
  was       TEXT,
  actor     TEXT    NOT NULL,
  revision  INTEGER NOT NULL
);
CREATE TABLE files_feed (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  seq    INTEGER NOT NULL,
  oldest INTEGER NOT NULL
);
INSERT INTO files_feed (one, seq, oldest) VALUES (1, 0, 0);

CREATE TABLE uploads (
  id           TEXT    PRIMARY KEY NOT NULL,
  principal    TEXT    NOT NULL,
  owner_id     TEXT    NOT NULL,
  folder_id    TEXT    NOT NULL,
  name         TEXT    NOT NULL,
  metadata     TEXT    NOT NULL,
  concat       TEXT    NOT NULL,
  size         INTEGER,
  offset_bytes INTEGER NOT NULL DEFAULT 0,
  hash_state   BLOB,
  epoch        INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  file_id      TEXT
) WITHOUT ROWID;
CREATE INDEX uploads_principal ON uploads (principal, created_at);
CREATE INDEX uploads_expires ON uploads (expires_at);

CREATE TABLE files_scrub (
  one           INTEGER PRIMARY KEY CHECK (one = 1),
  started       INTEGER,
  position      TEXT    NOT NULL DEFAULT '',
  files         INTEGER NOT NULL DEFAULT 0,
  bytes         INTEGER NOT NULL DEFAULT 0,
  last_finished INTEGER,
  last_files    INTEGER NOT NULL DEFAULT 0,
  last_bytes    INTEGER NOT NULL DEFAULT 0
);
INSERT INTO files_scrub (one) VALUES (1);
CREATE TABLE file_damage (
  sha256    TEXT    PRIMARY KEY NOT NULL,
  kind      TEXT    NOT NULL,
  size      INTEGER NOT NULL,
  found_at  INTEGER NOT NULL,
  place     TEXT    NOT NULL,
  healed_at INTEGER,
  healed_by TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE files_settings (
  key   TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE files_backups (
  id          TEXT    PRIMARY KEY NOT NULL,
  place       TEXT    NOT NULL,
  started     INTEGER NOT NULL,
  finished    INTEGER,
  verified    INTEGER,
  files       INTEGER NOT NULL DEFAULT 0,
  bytes       INTEGER NOT NULL DEFAULT 0,
  new_files   INTEGER NOT NULL DEFAULT 0,
  new_bytes   INTEGER NOT NULL DEFAULT 0,
  error       TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE files_holds (
  name  TEXT    PRIMARY KEY NOT NULL,
  until INTEGER NOT NULL
) WITHOUT ROWID;
