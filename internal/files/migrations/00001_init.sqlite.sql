-- +goose Up
-- The table of the Python original; times are microseconds since 1970, tags a JSON array.
CREATE TABLE IF NOT EXISTS file_metadata (
  id           TEXT    PRIMARY KEY NOT NULL,
  filename     TEXT    NOT NULL,
  content_type TEXT    NOT NULL,
  size         INTEGER NOT NULL,
  storage_path TEXT    NOT NULL,
  upload_date  INTEGER NOT NULL,
  tags         TEXT    NOT NULL
);
