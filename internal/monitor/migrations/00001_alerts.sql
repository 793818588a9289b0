-- +goose Up
-- Alerts: what was wrong, when, how badly, and who took note of it. Times are microseconds since
-- 1970. A rule's body is JSON: of a default only what somebody changed of it.
CREATE TABLE alert_rules (
  id         TEXT   PRIMARY KEY NOT NULL,
  body       TEXT   NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE alerts (
  id           TEXT   PRIMARY KEY NOT NULL,
  rule_id      TEXT   NOT NULL,
  rule_name    TEXT   NOT NULL,
  severity     TEXT   NOT NULL,
  series       TEXT   NOT NULL,             -- the key of the series
  series_title TEXT   NOT NULL,
  unit         TEXT   NOT NULL,             -- of the figures below
  rule_condition TEXT NOT NULL,
  no_figure    BIGINT NOT NULL DEFAULT 0,   -- 1: it is about data that are missing
  flapping     BIGINT NOT NULL DEFAULT 0,
  threshold    DOUBLE PRECISION NOT NULL,
  first_value  DOUBLE PRECISION NOT NULL,
  worst_value  DOUBLE PRECISION NOT NULL,
  last_value   DOUBLE PRECISION NOT NULL,
  advice       TEXT   NOT NULL,
  began_at     BIGINT NOT NULL,             -- when it went wrong
  raised_at    BIGINT NOT NULL,
  cleared_at   BIGINT,
  lasted       BIGINT NOT NULL DEFAULT 0,   -- microseconds, by a clock that nobody sets
  ended        TEXT   NOT NULL DEFAULT '',  -- why it is over
  acked_at     BIGINT,
  acked_by     TEXT   NOT NULL DEFAULT '',
  note         TEXT   NOT NULL DEFAULT '',
  owed         TEXT   NOT NULL DEFAULT ''   -- the notification that is still to be handed over
);
-- One series has one open alert of a rule, whoever finds it first.
CREATE UNIQUE INDEX alerts_open ON alerts (rule_id, series) WHERE cleared_at IS NULL;
CREATE INDEX alerts_raised ON alerts (raised_at, id);
CREATE INDEX alerts_owed ON alerts (owed) WHERE owed <> '';

CREATE TABLE alert_silences (
  id         TEXT   PRIMARY KEY NOT NULL,
  rule_id    TEXT   NOT NULL,              -- '': of every rule
  series     TEXT   NOT NULL,              -- '': of every series
  until      BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT   NOT NULL,
  reason     TEXT   NOT NULL
);
