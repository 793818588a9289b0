-- +goose Up
-- Notifications: where they go, what is to be told, and how far each has got. Times are
-- microseconds since 1970; yes and no are 1 and 0.
CREATE TABLE notify_channels (
  id             TEXT   PRIMARY KEY NOT NULL,
  position       BIGINT NOT NULL,
  kind           TEXT   NOT NULL,
  name           TEXT   NOT NULL,
  settings       TEXT   NOT NULL,             -- JSON of what is no secret
  secrets        TEXT   NOT NULL,             -- the rest, sealed with a key that is not in the database
  enabled        BIGINT NOT NULL,
  allow_local    BIGINT NOT NULL,             -- may connect to the own network
  minimum        BIGINT NOT NULL,             -- the least severity it is told
  only_fallback  BIGINT NOT NULL,             -- is told only what another could not tell
  fallback_id    TEXT   NOT NULL,             -- the channel that stands in; '' for none
  fallback_after BIGINT NOT NULL,             -- failures in a row before it does
  quiet          BIGINT NOT NULL,             -- keeps the quiet hours
  created_at     BIGINT NOT NULL,
  failures       BIGINT NOT NULL DEFAULT 0,   -- in a row
  wait_until     BIGINT NOT NULL DEFAULT 0,   -- after a failure nothing is tried before
  succeeded_at   BIGINT NOT NULL DEFAULT 0,
  failed_at      BIGINT NOT NULL DEFAULT 0,
  error          TEXT   NOT NULL DEFAULT '',  -- of the last failure, for people
  holder         TEXT   NOT NULL DEFAULT '',  -- the copy of the server that sends by it now
  held_until     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE notify_messages (
  id         TEXT   PRIMARY KEY NOT NULL,
  about      TEXT   NOT NULL,                 -- the key: what collapses
  state      TEXT   NOT NULL,                 -- plain, raised, recovered
  severity   BIGINT NOT NULL,
  title      TEXT   NOT NULL,
  body       TEXT   NOT NULL,
  link       TEXT   NOT NULL,                 -- a page of the house
  at         BIGINT NOT NULL,                 -- when it happened
  image      TEXT   NOT NULL,                 -- PNG in base64, or ''
  created_at BIGINT NOT NULL
);
CREATE INDEX notify_messages_created ON notify_messages (created_at, id);

CREATE TABLE notify_deliveries (
  id          TEXT   PRIMARY KEY NOT NULL,    -- goes along with what is sent, so that receivers can tell a repetition
  message_id  TEXT   NOT NULL REFERENCES notify_messages (id) ON DELETE CASCADE,
  channel_id  TEXT   NOT NULL,                -- outlives its channel in the list
  about       TEXT   NOT NULL,                -- of the message
  state       TEXT   NOT NULL,                -- pending, sending, held, sent, failed
  attempts    BIGINT NOT NULL DEFAULT 0,
  next_at     BIGINT NOT NULL,
  error       TEXT   NOT NULL DEFAULT '',
  created_at  BIGINT NOT NULL,
  ended_at    BIGINT NOT NULL DEFAULT 0,      -- when it was sent or given up
  since       BIGINT NOT NULL,                -- when the first of what collapsed here happened
  times       BIGINT NOT NULL,                -- how many collapsed
  worst       BIGINT NOT NULL,                -- the highest severity of them
  raised      BIGINT NOT NULL,                -- a raise is among them: nobody has been told of it
  diverted_to TEXT   NOT NULL DEFAULT '',     -- the delivery by the channel that stands in
  stands_for  TEXT   NOT NULL DEFAULT '',     -- the delivery that this one stands in for
  digest_id   TEXT   NOT NULL DEFAULT ''      -- the delivery of the digest that tells it
);
CREATE INDEX notify_deliveries_due ON notify_deliveries (state, next_at);
CREATE INDEX notify_deliveries_channel ON notify_deliveries (channel_id, state);
CREATE INDEX notify_deliveries_message ON notify_deliveries (message_id);
CREATE INDEX notify_deliveries_created ON notify_deliveries (created_at, id);
CREATE INDEX notify_deliveries_digest ON notify_deliveries (digest_id);

CREATE TABLE notify_settings (
  key   TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
);

-- +goose Down
DROP TABLE notify_settings;
DROP TABLE notify_deliveries;
DROP TABLE notify_messages;
DROP TABLE notify_channels;
