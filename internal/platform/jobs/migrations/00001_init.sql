-- +goose Up
CREATE TABLE jobs_leases (
  name       TEXT   PRIMARY KEY,
  holder     TEXT   NOT NULL,  -- host, process and a random part: who runs it, for people to read
  expires_at BIGINT NOT NULL,  -- microseconds since 1970; in the past: nobody runs it
  due_at     BIGINT NOT NULL   -- microseconds since 1970; the next run of all copies together
);

-- +goose Down
DROP TABLE jobs_leases;
