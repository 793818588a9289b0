package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"time"

	"github.com/pressly/goose/v3"

	"homeserver/internal/platform/errs"
)

// Migration is one step of a room's schema.
type Migration struct {
	Version int64
	Name    string    // the file's name; empty when this binary does not know the version
	Applied time.Time // zero when it is still to do
}

// Migrate brings a room's tables up to date. Each room has its own version table,
// schema_<room>. Several processes may start together: one migrates, the others wait.
// A file NAME.sql is for both dialects, NAME.sqlite.sql and NAME.postgres.sql for one.
// A schema newer than this binary is an error, and nothing is touched.
func (db *DB) Migrate(ctx context.Context, room string, migrations fs.FS) error {
	m, err := db.migrator(room, migrations)
	if err != nil {
		return err
	}
	// Without the lock first: a start that has nothing to do costs one query.
	if pending, err := m.pending(ctx); err != nil || !pending {
		return err
	}
	return db.WithMigrationLock(ctx, func(ctx context.Context) error {
		if pending, err := m.pending(ctx); err != nil || !pending { // another process was quicker
			return err
		}
		return m.up(ctx, func(p *goose.Provider) ([]*goose.MigrationResult, error) { return p.Up(ctx) })
	})
}

// MigrationStatus lists a room's migrations, oldest first, and changes nothing.
func (db *DB) MigrationStatus(ctx context.Context, room string, migrations fs.FS) ([]Migration, error) {
	m, err := db.migrator(room, migrations)
	if err != nil {
		return nil, err
	}
	applied, err := m.applied(ctx)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(m.known)
	for i := range list {
		list[i].Applied = applied[list[i].Version]
		delete(applied, list[i].Version)
	}
	for version, at := range applied {
		list = append(list, Migration{Version: version, Applied: at})
	}
	slices.SortFunc(list, func(a, b Migration) int { return int(a.Version - b.Version) })
	return list, nil
}

// migrator is one room's migrations on one database.
type migrator struct {
	db    *DB
	room  string
	table string
	files fs.FS
	known []Migration
}

func (db *DB) migrator(room string, migrations fs.FS) (*migrator, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`).MatchString(room) {
		return nil, fmt.Errorf("migrate: the room name %q is not lower-case letters, digits and _", room)
	}
	files, err := dialectFiles(migrations, db.dialect)
	if err != nil {
		return nil, fmt.Errorf("migrate %s: %w", room, err)
	}
	known, err := knownMigrations(files)
	if err != nil {
		return nil, fmt.Errorf("migrate %s: %w", room, err)
	}
	return &migrator{db: db, room: room, table: "schema_" + room, files: files, known: known}, nil
}

// applied reads the version table; an empty map when there is none yet.
func (m *migrator) applied(ctx context.Context) (map[int64]time.Time, error) {
	var exists int
	if err := m.db.QueryRow(ctx, tableExistsQuery(m.db.dialect), m.table).Scan(&exists); err != nil {
		return nil, fmt.Errorf("migrate %s: %w", m.room, err)
	}
	done := make(map[int64]time.Time)
	if exists == 0 {
		return done, nil
	}
	rows, err := m.db.Query(ctx, `SELECT version_id, tstamp FROM `+m.table+` WHERE version_id > 0`)
	if err != nil {
		return nil, fmt.Errorf("migrate %s: %w", m.room, err)
	}
	defer rows.Close()
	for rows.Next() {
		var version int64
		var at Time
		if err := rows.Scan(&version, &at); err != nil {
			return nil, fmt.Errorf("migrate %s: %w", m.room, err)
		}
		done[version] = at.Time
	}
	return done, rows.Err()
}

func tableExistsQuery(d Dialect) string {
	if d == Postgres {
		return `SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass($1)`
	}
	return `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1`
}

// pending says whether there is something to do, and refuses a schema from the future.
func (m *migrator) pending(ctx context.Context) (bool, error) {
	done, err := m.applied(ctx)
	if err != nil {
		return false, err
	}
	pending := false
	for _, k := range m.known {
		if _, ok := done[k.Version]; !ok {
			pending = true
		}
		delete(done, k.Version)
	}
	for version := range done {
		return false, errs.Newf(errs.Conflict, "The database is newer than this program: migration %d of %q was made by a later version. Start that version, or restore a backup from before the upgrade.", version, m.room)
	}
	return pending, nil
}

// up applies what is to do. It runs under the migration lock.
func (m *migrator) up(ctx context.Context, apply func(*goose.Provider) ([]*goose.MigrationResult, error)) error {
	pool, dialect := m.db.write, goose.DialectPostgres
	if m.db.dialect == SQLite {
		// goose holds one connection and may want another, so the single writer does not do.
		own, err := sqlitePool(m.db.path, 2, true)
		if err != nil {
			return fmt.Errorf("migrate %s: %w", m.room, err)
		}
		defer own.Close()
		pool, dialect = own, goose.DialectSQLite3
	}
	return m.goose(ctx, pool, dialect, apply)
}

func (m *migrator) goose(ctx context.Context, pool *sql.DB, dialect goose.Dialect, apply func(*goose.Provider) ([]*goose.MigrationResult, error)) error {
	provider, err := goose.NewProvider(dialect, pool, m.files,
		goose.WithTableName(m.table), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", m.room, err)
	}
	results, err := apply(provider)
	file := "migrations"
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
		file, err = partial.Failed.Source.Path, partial.Err
	}
	for _, r := range results {
		m.db.log.InfoContext(ctx, "database schema brought up to date", "room", m.room, "migration", r.Source.Path, "took", r.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %s: %w", m.room, file, m.db.wrap(ctx, err))
	}
	return nil
}
