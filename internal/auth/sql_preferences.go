package auth

import (
	"context"
	"errors"

	"homeserver/internal/platform/sqldb"
)

// preference is one document; of revision 0 there is none.
type preference struct {
	document string
	revision int64
}

// preference returns an owner's document of a name.
func (s store) preference(ctx context.Context, q sqldb.Querier, owner, name string) (p preference, err error) {
	err = q.QueryRow(ctx, `SELECT document, revision FROM preferences WHERE owner = $1 AND name = $2`, owner, name).Scan(&p.document, &p.revision)
	if errors.Is(err, sqldb.ErrNoRows) {
		return preference{}, nil
	}
	return p, err
}

// preferenceLock is the first key of the advisory locks of PostgreSQL that lockPreferences takes.
const preferenceLock = 0x70726566 // "pref" in ASCII

// lockPreferences has an owner's documents written one after the other, so that what is counted
// is what there is: two that each see the last place would both take it. SQLite has one writer.
func lockPreferences(ctx context.Context, tx *sqldb.Tx, owner string) error {
	if tx.Dialect() != sqldb.Postgres {
		return nil
	}
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1::int, hashtext($2))`, preferenceLock, owner)
	return err
}

// countPreferences counts an owner's documents of other names.
func countPreferences(ctx context.Context, tx *sqldb.Tx, owner, name string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM preferences WHERE owner = $1 AND name <> $2`, owner, name).Scan(&n)
	return n, err
}

// putPreference writes a document over the revision that was seen. ok is false when it is no
// longer that one.
func putPreference(ctx context.Context, tx *sqldb.Tx, owner, name, document string, seen, now int64) (ok bool, err error) {
	if seen == 0 {
		var user any
		if owner != "" {
			user = owner
		}
		n, err := tx.Exec(ctx, `INSERT INTO preferences (owner, name, user_id, document, revision, changed_at) VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT (owner, name) DO NOTHING`, owner, name, user, document, now)
		return n > 0, err
	}
	n, err := tx.Exec(ctx, `UPDATE preferences SET document = $4, revision = revision + 1, changed_at = $5 WHERE owner = $1 AND name = $2 AND revision = $3`, owner, name, seen, document, now)
	return n > 0, err
}
