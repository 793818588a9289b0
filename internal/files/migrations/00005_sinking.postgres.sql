-- +goose Up
-- Folders of large trees that are in the trash while rows of their files are not marked yet, or
-- no longer: whatever lies in them is hidden, whatever the row of the file says. So a large
-- folder goes to the trash, and comes back, in one short transaction, and its files are marked in
-- steps, of which others hardly wait for any. Nearly always the table is empty.
CREATE TABLE sinking (
  folder_id text COLLATE "C" PRIMARY KEY NOT NULL,
  trash_id  text COLLATE "C" NOT NULL
);
CREATE INDEX sinking_trash ON sinking (trash_id);
-- Until then (microseconds since 1970) somebody is taking it out of the trash: nobody marks its files meanwhile.
ALTER TABLE trash ADD COLUMN rising_until bigint NOT NULL DEFAULT 0;
-- In the order in which the files of one thing in the trash are destroyed; and an index that nothing asked.
DROP INDEX file_metadata_trash;
CREATE INDEX file_metadata_trash ON file_metadata (trash_id, id) WHERE trash_id IS NOT NULL;
DROP INDEX file_metadata_deleted;
