-- +goose Up
-- Exactly the table of the Python original (Alembic revision 001), which may be here already.
CREATE TABLE IF NOT EXISTS file_metadata (
  id           varchar(36)  PRIMARY KEY,
  filename     varchar(255) NOT NULL,
  content_type varchar(100) NOT NULL,
  size         integer      NOT NULL,
  storage_path varchar(500) NOT NULL,
  upload_date  timestamptz  NOT NULL DEFAULT now(),
  tags         varchar[]    NOT NULL
);
