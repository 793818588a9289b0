-- +goose Up
-- People, and whatever lets them in. Times are microseconds since 1970; what is secret is kept
-- as a digest, or sealed with a key that is not in the database.
CREATE TABLE users (
  id           TEXT   PRIMARY KEY NOT NULL,
  name         TEXT   NOT NULL,
  name_key     TEXT   NOT NULL UNIQUE,        -- the name in lower case: what must be unique
  display_name TEXT   NOT NULL DEFAULT '',
  role         TEXT   NOT NULL,
  password     TEXT   NOT NULL DEFAULT '',    -- argon2id in PHC form; '' cannot sign in by password
  totp         TEXT   NOT NULL DEFAULT '',    -- sealed; '' has none
  totp_step    BIGINT NOT NULL DEFAULT 0,     -- the last step used: a code works once
  created_at   BIGINT NOT NULL,
  disabled_at  BIGINT
);

CREATE TABLE auth_sessions (
  id         TEXT   PRIMARY KEY NOT NULL,
  token_hash TEXT   NOT NULL UNIQUE,
  user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE, -- NULL: API_KEY
  key_digest TEXT   NOT NULL DEFAULT '',      -- of API_KEY at sign-in: another key ends the session
  method     TEXT   NOT NULL,
  address    TEXT   NOT NULL,
  agent      TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  proved_at  BIGINT NOT NULL,
  used_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX auth_sessions_user ON auth_sessions (user_id);
CREATE INDEX auth_sessions_expires ON auth_sessions (expires_at);

CREATE TABLE auth_tokens (
  id         TEXT   PRIMARY KEY NOT NULL,
  token_hash TEXT   NOT NULL UNIQUE,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind       TEXT   NOT NULL,                 -- token, app_password
  name       TEXT   NOT NULL,
  hint       TEXT   NOT NULL,                 -- its last characters, to tell tokens apart
  scopes     TEXT   NOT NULL,                 -- separated by blanks
  created_at BIGINT NOT NULL,
  used_at    BIGINT,
  used_from  TEXT   NOT NULL DEFAULT '',
  expires_at BIGINT
);
CREATE INDEX auth_tokens_user ON auth_tokens (user_id);

CREATE TABLE auth_passkeys (
  id            TEXT   PRIMARY KEY NOT NULL,
  credential_id TEXT   NOT NULL UNIQUE,
  user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  rp_id         TEXT   NOT NULL,              -- the host name it was made for
  name          TEXT   NOT NULL,
  credential    TEXT   NOT NULL,              -- public key and counters, JSON
  created_at    BIGINT NOT NULL,
  used_at       BIGINT
);
CREATE INDEX auth_passkeys_user ON auth_passkeys (user_id);

CREATE TABLE auth_recovery_codes (
  user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  code_hash TEXT NOT NULL,
  PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE auth_identities (
  issuer     TEXT   NOT NULL,
  subject    TEXT   NOT NULL,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX auth_identities_user ON auth_identities (user_id);

CREATE TABLE auth_invitations (
  id         TEXT   PRIMARY KEY NOT NULL,
  code_hash  TEXT   NOT NULL UNIQUE,
  user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE, -- set: a new password for this person
  role       TEXT   NOT NULL,
  name       TEXT   NOT NULL,
  created_by TEXT   NOT NULL,                 -- a name, for people to read
  creator_id TEXT   NOT NULL DEFAULT '',      -- the account; '' is the household or a terminal
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

-- What one step of a sign-in leaves for the next, and setup codes. Each is used once.
CREATE TABLE auth_challenges (
  id         TEXT   PRIMARY KEY NOT NULL,
  kind       TEXT   NOT NULL,
  user_id    TEXT   NOT NULL DEFAULT '',
  data       TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Counts changes of all the above, so that every copy of the server notices those of others.
CREATE TABLE auth_generation (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  generation BIGINT  NOT NULL
);
INSERT INTO auth_generation (one, generation) VALUES (1, 1);

CREATE TABLE audit_log (
  at      BIGINT NOT NULL,
  id      TEXT   NOT NULL,
  actor   TEXT   NOT NULL,
  action  TEXT   NOT NULL,
  target  TEXT   NOT NULL,
  address TEXT   NOT NULL,
  detail  TEXT   NOT NULL,
  PRIMARY KEY (at, id)
);
