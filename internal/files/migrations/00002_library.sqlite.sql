-- +goose Up
-- Content by digest beside the original's columns; see the PostgreSQL file for the reasons.
CREATE TABLE tag_names (
  id      INTEGER PRIMARY KEY,
  tag     TEXT    NOT NULL,
  tag_key TEXT    NOT NULL UNIQUE,
  files   INTEGER NOT NULL
);
CREATE TABLE file_tags (
  tag_id      INTEGER NOT NULL,
  upload_date INTEGER NOT NULL,
  file_id     TEXT    NOT NULL,
  PRIMARY KEY (tag_id, upload_date, file_id)
) WITHOUT ROWID;
CREATE INDEX file_tags_file ON file_tags (file_id);

ALTER TABLE file_metadata ADD COLUMN sha256 TEXT;
ALTER TABLE file_metadata ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE file_metadata ADD COLUMN deleted_at INTEGER;

CREATE TABLE blobs (
  sha256          TEXT    PRIMARY KEY NOT NULL,
  size            INTEGER NOT NULL,
  created_at      INTEGER NOT NULL,
  unreferenced_at INTEGER,
  found           INTEGER NOT NULL DEFAULT 0 -- 1: met on the disk, no upload of this database made it
) WITHOUT ROWID;
CREATE INDEX blobs_unreferenced ON blobs (unreferenced_at) WHERE unreferenced_at IS NOT NULL;

CREATE INDEX file_metadata_by_date ON file_metadata (upload_date, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_by_name ON file_metadata (name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_by_size ON file_metadata (size, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_sha256 ON file_metadata (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX file_metadata_deleted ON file_metadata (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX file_metadata_unhashed ON file_metadata (id) WHERE sha256 IS NULL;
CREATE INDEX file_metadata_unmoved ON file_metadata (id) WHERE sha256 IS NOT NULL AND substr(storage_path, 1, 6) <> 'blobs/';

CREATE TABLE files_usage (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL
);
INSERT INTO files_usage (one, files, bytes) SELECT 1, count(*), coalesce(sum(size), 0) FROM file_metadata;

CREATE TABLE files_storage (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id  TEXT NOT NULL
);
