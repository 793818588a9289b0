package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

// file is the history's file.
func (c Config) file() string { return strings.TrimPrefix(c.URL, "sqlite:") }

// broken says of a file that is damaged, or no database at all, what to do with it; every other
// error stays as it is. Where the file lies is in the cause: that is for the log, not for everybody.
func (c Config) broken(err error) error {
	cause := sqldb.Damage(err)
	if cause == nil {
		return err
	}
	name := filepath.Base(c.file())
	return errs.Wrap(errs.Unavailable, fmt.Sprintf("The history of the figures cannot be read: its file %[1]s is damaged, or no database at all. Stop the server, rename %[1]s "+
		"(and %[1]s-wal and %[1]s-shm, if they are there) and start it again: it begins a new history.", name), fmt.Errorf("%s: %w", c.file(), cause))
}

// open opens the file. What stands in its way is said of this file: that the database has a setting
// of its own helps nobody here.
func (c Config) open(ctx context.Context, log *slog.Logger, options ...sqldb.Option) (*sqldb.DB, error) {
	db, err := sqldb.Open(ctx, c.URL, log, options...)
	var known *errs.Error
	if err == nil || sqldb.Damage(err) != nil || !errors.As(err, &known) || known.Cause == nil {
		return db, c.broken(err)
	}
	what := fmt.Sprintf("The history of the figures cannot be opened: see who may read and write its file %s, and the directory that it is in.", filepath.Base(c.file()))
	return nil, errs.Wrap(known.Kind, what, fmt.Errorf("%s: %w", c.file(), known.Cause))
}
