-- +goose Up
-- Files belong to someone. owner_id '' is the household; audience says who may see the file
-- beside administrators: '' everybody in the house, else the owner alone. Everything that is
-- here already is the household's.
ALTER TABLE file_metadata
  ADD COLUMN owner_id text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN audience text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX file_metadata_audience_date ON file_metadata (audience, upload_date, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_audience_name ON file_metadata (audience, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX file_metadata_audience_size ON file_metadata (audience, size, id) WHERE deleted_at IS NULL;

ALTER TABLE file_tags ADD COLUMN audience text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX file_tags_audience ON file_tags (tag_id, audience, upload_date, file_id);

-- How many of a tag's files only their owner sees. What a person sees of a tag is
-- tag_names.files without the other people's.
CREATE TABLE tag_private (
  tag_id   bigint NOT NULL,
  audience text   COLLATE "C" NOT NULL,
  files    bigint NOT NULL,
  PRIMARY KEY (tag_id, audience)
);

ALTER TABLE files_usage RENAME TO files_usage_one;
CREATE TABLE files_usage (
  audience text   COLLATE "C" CONSTRAINT files_usage_audience PRIMARY KEY,
  files    bigint NOT NULL,
  bytes    bigint NOT NULL
);
INSERT INTO files_usage (audience, files, bytes) SELECT '', files, bytes FROM files_usage_one;
DROP TABLE files_usage_one;
ANALYZE file_metadata;
ANALYZE file_tags;
