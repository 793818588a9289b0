package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	drop, create, err := indexes(ctx, db)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	steps := slices.Concat(drop, []statement{
		{seedRows, []any{files - 1, seedTags, id}},
		{seedTagNames, []any{seedTags}},
		{seedFileTags, nil},
		{seedTagCounts, nil},
		{seedUsage, nil},
		{seedSpace, nil},
		{seedRoot, nil},
	}, create)
	return errors.Join(runAll(ctx, db, steps), db.Close())
}

// indexes are the statements that take the indexes of the large tables away and make them anew:
// one sort for each is many times faster than a million rows put in one by one.
func indexes(ctx context.Context, db *sqldb.DB) (drop, create []statement, err error) {
	rows, err := db.Query(ctx, `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('file_metadata', 'file_tags')`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, nil, err
		}
		drop = append(drop, statement{query: `DROP INDEX ` + name})
		create = append(create, statement{query: text})
	}
	return drop, create, rows.Err()
}

// statement is a step of seeding.
type statement struct {
	query string
	args  []any
}

// runAll runs statements in one transaction.
func runAll(ctx context.Context, db *sqldb.DB, steps []statement) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
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
	return err
}

const (
	// bigFolder is the id of the large folder that seedBigFolder makes.
	bigFolder = "00000000-0000-4000-8000-000000000001"
	// bigShare: one file in so many lies in the large folder.
	bigShare = 10
)

// seedBigFolder puts files of a stopped server, spread over the whole library, into one folder.
func seedBigFolder(ctx context.Context, path string) error {
	db, err := sqldb.Open(ctx, "sqlite:"+path, nil)
	if err != nil {
		return err
	}
	return errors.Join(runAll(ctx, db, []statement{
		{`INSERT INTO folders (id, owner_id, parent_id, name, name_nfc, name_key, created_at, modified_at) VALUES ($1, '', 'household', 'big', 'big', 'big', 1, 1)`, []any{bigFolder}},
		{`UPDATE file_metadata SET folder_id = $1, size = rowid * 7919 % 5000000 WHERE rowid % $2 = 0`, []any{bigFolder, bigShare}},
		{`UPDATE folders SET (files, bytes) = (SELECT count(*), sum(size) FROM file_metadata WHERE folder_id = $1) WHERE id = $1`, []any{bigFolder}},
		{seedUsage, nil},
		{seedSpace, nil},
		{seedRoot, nil},
	}), db.Close())
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

	seedSpace = `UPDATE spaces SET (files, bytes) = (SELECT files, bytes FROM files_usage)`

	seedRoot = `UPDATE folders SET (files, bytes, folders) = (SELECT files, bytes, (SELECT count(*) - 1 FROM folders) FROM files_usage) WHERE id = 'household'`

	seedUsage = `UPDATE files_usage SET (files, bytes) = (SELECT count(*), sum(size) FROM file_metadata)`
)
