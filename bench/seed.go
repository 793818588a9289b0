package main

import (
	"context"
	"errors"
	"fmt"

	"homeserver/internal/platform/sqldb"
)

// seedTags is over how many tags the seeded files are spread, two for each file.
const seedTags = 20

// seed fills the library of a stopped server: it copies the row of one uploaded file until
// there are files of them, all sharing one blob, each with its own id, name, time and tags.
// Uploading as many would take a minute and measure nothing new.
func seed(ctx context.Context, path, id string, files int) error {
	db, err := sqldb.Open(ctx, "sqlite:"+path, nil)
	if err != nil {
		return err
	}
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		steps := []struct {
			query string
			args  []any
		}{
			{seedRows, []any{files - 1, seedTags, id}},
			{seedTagNames, []any{seedTags}},
			{seedFileTags, nil},
			{seedTagCounts, nil},
			{seedUsage, nil},
		}
		for _, s := range steps {
			if _, err := tx.Exec(ctx, s.query, s.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("seed: %w", err)
	}
	return errors.Join(err, db.Close())
}

const (
	seedRows = `
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
INSERT INTO file_metadata (id, filename, content_type, size, storage_path, upload_date, tags, sha256, name_key)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
       printf('IMG_%06d holiday at the sea.jpg', i), 'image/jpeg', m.size, m.storage_path, m.upload_date - i * 1000003,
       printf('["tag-%02d","tag-%02d"]', i % $2, (i + 7) % $2), m.sha256, printf('img_%06d holiday at the sea.jpg', i)
FROM file_metadata m, n WHERE m.id = $3`

	seedTagNames = `
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1)
INSERT INTO tag_names (tag, tag_key, files) SELECT printf('tag-%02d', i), printf('tag-%02d', i), 0 FROM n`

	seedFileTags = `
INSERT INTO file_tags (tag_id, upload_date, file_id)
SELECT t.id, f.upload_date, f.id FROM file_metadata f, json_each(f.tags) j JOIN tag_names t ON t.tag_key = j.value`

	seedTagCounts = `UPDATE tag_names SET files = (SELECT count(*) FROM file_tags x WHERE x.tag_id = tag_names.id)`

	seedUsage = `UPDATE files_usage SET files = (SELECT count(*) FROM file_metadata), bytes = (SELECT sum(size) FROM file_metadata)`
)
