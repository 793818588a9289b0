-- +goose Up
-- How often the service took offence at this one notification, so that after a few times another
-- channel tells it.
ALTER TABLE notify_deliveries ADD COLUMN refusals BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE notify_deliveries DROP COLUMN refusals;
