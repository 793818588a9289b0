-- +goose Up
-- What was said about a key is looked for whenever that is over.
CREATE INDEX notify_messages_about ON notify_messages (about, state);
CREATE INDEX notify_deliveries_about ON notify_deliveries (about, channel_id);

-- +goose Down
DROP INDEX notify_deliveries_about;
DROP INDEX notify_messages_about;
