package app

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"

	"homeserver/internal/config"
	"homeserver/internal/files"
	"homeserver/internal/files/export"
	"homeserver/internal/files/vault"
	"homeserver/internal/platform/blob/diskblob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

// The words of backups, for the command line, which knows no rooms.
type (
	// BackupOptions say what to back up, and where.
	BackupOptions = files.BackupOptions
	// BackupProgress is how far a backup or restore is.
	BackupProgress = files.BackupProgress
	// BackupReport is what a backup did.
	BackupReport = files.BackupReport
	// RestoreReport is what a restore did.
	RestoreReport = files.RestoreReport
	// RestoredHistory is what a restore did with the history of the figures.
	RestoredHistory = files.RestoredHistory
	// BackupSnapshot is one backup.
	BackupSnapshot = vault.Snapshot
	// ExportOptions say what to export, and where.
	ExportOptions = export.Options
	// ExportReport is what an export did.
	ExportReport = export.Report
)

// lend is what the house lends the files room.
func (a *App) lend() files.Lent {
	return files.Lent{
		DisplayName: a.displayName, Record: a.record,
		DataDir: a.config.House.DataDir, State: []string{"secret.key", "tls"}, Version: a.version, Schema: a.schema,
		History: a.saveHistory,
	}
}

// schema is the version of each room's tables.
func (a *App) schema(ctx context.Context) (map[string]int64, error) {
	states, err := a.MigrationStatus(ctx)
	if err != nil {
		return nil, err
	}
	versions := map[string]int64{}
	for _, s := range states {
		if !s.Applied.IsZero() {
			versions[s.Room] = max(versions[s.Room], s.Version)
		}
	}
	return versions, nil
}

// Backup makes one snapshot; it may run beside a serving process.
func (a *App) Backup(ctx context.Context, options BackupOptions) (BackupReport, error) {
	if err := a.Migrated(ctx); err != nil {
		return BackupReport{}, err
	}
	if err := a.auth.Prepare(ctx); err != nil { // it knows the names of people
		return BackupReport{}, err
	}
	return a.files.Backup(ctx, options)
}

// Export rebuilds a plain tree of files from a storage directory or a backup, without a
// database. With no storage named it is the configured one.
func Export(ctx context.Context, c config.Config, options ExportOptions) (ExportReport, error) {
	if options.Storage == "" {
		options.Storage = c.House.StoragePath
	}
	return export.Run(ctx, options)
}

// BackupSnapshots lists the snapshots of a directory of backups, oldest first, and the names of
// those that cannot be read.
func BackupSnapshots(dir string) ([]BackupSnapshot, []string, error) {
	v, err := vault.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	return v.Snapshots()
}

// RestoreOptions say what to restore.
type RestoreOptions struct {
	Dir      string // of backups
	Snapshot string // its name; "" for the newest
	Progress func(BackupProgress)
}

// Restore gives a whole house back from a backup, into an empty database and an empty storage
// directory, or one that holds this household's content already. The database comes last: with
// it the house is whole, and a restore that was broken off can be run again.
func Restore(ctx context.Context, c config.Config, version string, log *slog.Logger, options RestoreOptions) (RestoreReport, error) {
	if err := makeDataDir(c); err != nil {
		return RestoreReport{}, err
	}
	b, release, err := files.OpenBackup(options.Dir, options.Snapshot)
	if err != nil {
		return RestoreReport{}, err
	}
	defer release()
	if err := mayRestore(ctx, c, version, log, b); err != nil {
		return RestoreReport{}, err
	}
	storage, err := filepath.Abs(c.House.StoragePath)
	if err != nil {
		return RestoreReport{}, err
	}
	store := diskblob.New(storage)
	if err := b.Prepare(ctx, store); err != nil {
		return RestoreReport{}, err
	}
	report, err := b.RestoreContent(ctx, store, options.Progress)
	if err == nil {
		err = b.RestoreState(ctx, c.House.DataDir)
	}
	if err == nil {
		report.History, err = restoreHistory(ctx, c, log, b)
	}
	if err == nil {
		report.Strange, err = restoreDatabase(ctx, c, version, log, b)
	}
	return report, err
}

// mayRestore refuses a database of another kind, one that is in use, and a backup that is newer
// than this program.
func mayRestore(ctx context.Context, c config.Config, version string, log *slog.Logger, b *files.StoredBackup) error {
	kind := sqldb.Postgres
	if strings.HasPrefix(c.House.DatabaseURL, "sqlite:") {
		kind = sqldb.SQLite
	}
	if b.Database != kind.String() {
		return errs.Newf(errs.Conflict, "The backup was made of a %s database, and DATABASE_URL names a %s one. Set it to an empty database of the same kind.", b.Database, kind)
	}
	a, err := Open(ctx, c, version, log)
	if err != nil {
		return err
	}
	return errors.Join(a.unused(ctx, b), a.Close())
}

// unused makes sure that the database holds nobody's house.
func (a *App) unused(ctx context.Context, b *files.StoredBackup) error {
	switch broken, err := a.db.Restoring(ctx); {
	case err != nil:
		return err
	case broken == b.Name:
		return nil // it is gone on with
	case broken != "":
		return errs.Newf(errs.Conflict, "A restore of the backup %s into this database was broken off. Run that again: --snapshot %s", broken, broken)
	}
	for _, table := range []string{"users", "file_metadata"} {
		some, err := a.db.HasRows(ctx, table)
		if err != nil {
			return err
		}
		if some {
			return errs.New(errs.Conflict, "The database is in use: it knows people or files. Restore into an empty one; nothing was changed.")
		}
	}
	known := map[string]int64{}
	for _, m := range a.migrations() {
		states, err := a.db.MigrationStatus(ctx, m.room, m.fs)
		if err != nil {
			return err
		}
		for _, s := range states {
			known[m.room] = max(known[m.room], s.Version)
			if !s.Applied.IsZero() && s.Version > b.Schema[m.room] && a.db.Dialect() == sqldb.Postgres {
				return errs.New(errs.Conflict, "The database is empty, but has the tables of a later version than the backup. Restore into a database without tables; this program then brings it up to date.")
			}
		}
	}
	for room, v := range b.Schema {
		if v > known[room] {
			return errs.Newf(errs.Conflict, "The backup was made by a later version (%s) than this program (%s). Use that or a newer one.", b.Program, a.version)
		}
	}
	return nil
}

// refuseHalfRestored keeps the server from a database whose restore was broken off: what has to
// be done once the tables are filled was not.
func (a *App) refuseHalfRestored(ctx context.Context) error {
	broken, err := a.db.Restoring(ctx)
	if err == nil && broken != "" {
		err = errs.Newf(errs.Conflict, "A restore of the backup %s into this database was broken off. Run the same restore again, and start the server then: homeserver restore DIR --snapshot %s", broken, broken)
	}
	return err
}

// restoreDatabase puts the database back and brings it up to date.
func restoreDatabase(ctx context.Context, c config.Config, version string, log *slog.Logger, b *files.StoredBackup) (strange []string, err error) {
	finish := func(url string) error {
		c := c
		c.House.DatabaseURL = url
		a, err := Open(ctx, c, version, log)
		if err != nil {
			return err
		}
		strange, err = a.finishRestore(ctx, b)
		return errors.Join(err, a.Close())
	}
	if b.Database == sqldb.SQLite.String() {
		return nil, sqldb.RestoreSQLite(ctx, c.House.DatabaseURL, b.Open, finish)
	}
	return strange, finish(c.House.DatabaseURL)
}

// finishRestore fills PostgreSQL's tables and brings the house up to date.
func (a *App) finishRestore(ctx context.Context, b *files.StoredBackup) (strange []string, err error) {
	filled, err := a.db.Restoring(ctx)
	if err != nil {
		return nil, err
	}
	if a.db.Dialect() == sqldb.Postgres && filled == "" {
		if strange, err = a.restoreTables(ctx, b); err != nil {
			return nil, err
		}
	}
	if err := a.Migrate(ctx); err != nil {
		return strange, err
	}
	if err := a.files.AfterRestore(ctx); err != nil {
		return strange, err
	}
	return strange, a.db.Restored(ctx)
}

// restoreTables makes the tables as they were and fills them.
func (a *App) restoreTables(ctx context.Context, b *files.StoredBackup) (strange []string, err error) {
	for _, m := range a.migrations() {
		if v := b.Schema[m.room]; v > 0 {
			if err := a.db.MigrateTo(ctx, m.room, m.fs, v); err != nil {
				return nil, err
			}
		}
	}
	return a.db.RestoreTables(ctx, b.Name, b.Tables, b.Open)
}
