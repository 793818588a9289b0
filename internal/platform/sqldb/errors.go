package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"homeserver/internal/platform/errs"
)

// The sentences people read.
const (
	detailAway = "The database is not available. It is tried again by itself; please repeat the request in a moment."
	detailFull = "The disk that holds the database is full. Nothing was stored; free some space and repeat the request."
)

// wrap gives an error of the driver its kind. ctx is the caller's: its end comes through as it is.
func (db *DB) wrap(ctx context.Context, err error) error {
	if err == nil || err == sql.ErrNoRows { //nolint:errorlint // the fast path; the driver returns it bare
		return err
	}
	var known *errs.Error
	if errors.As(err, &known) {
		return err
	}
	if end := ctx.Err(); end != nil {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrTxDone) {
			return end // what database/sql makes of a connection whose context ended
		}
	}
	kind := sqliteKind
	if db.dialect == Postgres {
		kind = postgresKind
	}
	switch kind(err) {
	case errs.Unavailable:
		return errs.Wrap(errs.Unavailable, detailAway, err)
	case errs.StorageFull:
		return errs.Wrap(errs.StorageFull, detailFull, err)
	}
	return fmt.Errorf("database: %w", err)
}

// Damage is the part of err that says that an SQLite file is damaged, or no database at all; nil
// when it says nothing of the kind.
func Damage(err error) error { return sqliteDamage(err) }

// IsUnique reports whether err says that a unique or primary key already holds the value.
func IsUnique(err error) bool { return sqliteUnique(err) || postgresUnique(err) }
