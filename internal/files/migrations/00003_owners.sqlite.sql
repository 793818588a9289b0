-- +goose Up
-- Files belong to someone; see the PostgreSQL file for the reasons.
ALTER TABLE file_metadata ADD COLUMN owner_id TEXT NOT NULL DEFAULT '';
ALTER TABLE file_metadata ADD COLUMN audience TEXT NOT NULL DEFAULT '';
CREATE INDEX file_metadata_audience_date ON file_metadata (audience, upload_date, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_audience_name ON file_metadata (audience, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_audience_size ON file_metadata (audience, size, id) WHERE deleted_at IS NULL;

ALTER TABLE file_tags ADD COLUMN audience TEXT NOT NULL DEFAULT '';
CREATE INDEX file_tags_audience ON file_tags (tag_id, audience, upload_date, file_id);

CREATE TABLE tag_private (
  tag_id   INTEGER NOT NULL,
  audience TEXT    NOT NULL,
  files    INTEGER NOT NULL,
  PRIMARY KEY (tag_id, audience)
) WITHOUT ROWID;

ALTER TABLE files_usage RENAME TO files_usage_one;
CREATE TABLE files_usage (
  audience TEXT    PRIMARY KEY NOT NULL,
  files    INTEGER NOT NULL,
  bytes    INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO files_usage (audience, files, bytes) SELECT '', files, bytes FROM files_usage_one;
DROP TABLE files_usage_one;
