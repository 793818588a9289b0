-- +goose Up
-- How a person has arranged a page: a document that only the page understands.
CREATE TABLE preferences (
  owner      TEXT   NOT NULL,                 -- the account; '' is the household
  name       TEXT   NOT NULL,                 -- of the page
  user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE, -- NULL: the household
  document   TEXT   NOT NULL,                 -- JSON
  revision   BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (owner, name)
);
CREATE INDEX preferences_user ON preferences (user_id);
