-- +goose Up
-- Folders of large trees that are in the trash while rows of their files are not marked yet, or
-- no longer: whatever lies in them is hidden; see the PostgreSQL file.
CREATE TABLE sinking (
  folder_id TEXT PRIMARY KEY NOT NULL,
  trash_id  TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sinking_trash ON sinking (trash_id);
ALTER TABLE trash ADD COLUMN rising_until INTEGER NOT NULL DEFAULT 0;
-- In the order in which the files of one thing in the trash are destroyed; and an index that nothing asked.
DROP INDEX file_metadata_trash;
CREATE INDEX file_metadata_trash ON file_metadata (trash_id, id) WHERE trash_id IS NOT NULL;
DROP INDEX file_metadata_deleted;
