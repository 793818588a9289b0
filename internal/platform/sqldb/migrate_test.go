package sqldb_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// migrationFiles builds a directory of migrations, each making what its text says.
func migrationFiles(files map[string]string) fs.FS {
	dir := fstest.MapFS{}
	for name, up := range files {
		dir[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + up + "\n")}
	}
	return dir
}

var errStop = errors.New("stop")

func TestMigrate(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		one := map[string]string{
			"migrations/00001_init.sql":           "CREATE TABLE things (id TEXT PRIMARY KEY);",
			"migrations/00002_kind.sqlite.sql":    "ALTER TABLE things ADD COLUMN kind TEXT DEFAULT 'sqlite';",
			"migrations/00002_kind.postgres.sql":  "ALTER TABLE things ADD COLUMN kind TEXT DEFAULT 'postgres';",
			"migrations/00003_rows.sql":           "INSERT INTO things (id) VALUES ('a');\nINSERT INTO things (id) VALUES ('b');",
			"migrations/00004_alone.postgres.sql": "CREATE TABLE only_postgres (n INT);",
		}
		todo := 3 + int(db.Dialect())
		files := migrationFiles(one)
		before, err := db.MigrationStatus(ctx, "things", files)
		if err != nil || len(before) != todo || !before[0].Applied.IsZero() {
			t.Fatalf("status before: got %v, %v; want %d to do", before, err, todo)
		}
		for range 2 { // the second time there is nothing to do
			if err := db.Migrate(ctx, "things", files); err != nil {
				t.Fatal(err)
			}
		}
		var kind string
		if err := db.QueryRow(ctx, `SELECT kind FROM things WHERE id = $1`, "b").Scan(&kind); err != nil || kind != db.Dialect().String() {
			t.Errorf("got kind %q, %v; want %s", kind, err, db.Dialect())
		}
		after, err := db.MigrationStatus(ctx, "things", files)
		if err != nil || len(after) != todo {
			t.Fatalf("status after: got %v, %v", after, err)
		}
		for _, m := range after {
			if age := time.Since(m.Applied); age < -2*time.Second || age > time.Minute {
				t.Errorf("%s: applied %s; want just now, in UTC", m.Name, m.Applied)
			}
		}

		delete(one, "migrations/00003_rows.sql") // an older program meets this database
		if db.Dialect() == sqldb.Postgres {
			delete(one, "migrations/00004_alone.postgres.sql")
		}
		err = db.Migrate(ctx, "things", migrationFiles(one))
		if !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Detail(err), "newer than this program") {
			t.Errorf("a newer database: got %v; want a clear Conflict", err)
		}
		if list, err := db.MigrationStatus(ctx, "things", migrationFiles(one)); err != nil || len(list) != todo || list[2].Name != "" {
			t.Errorf("status of a newer database: got %v, %v; want its unknown migration listed", list, err)
		}
	})
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		err := db.Migrate(ctx, "things", migrationFiles(map[string]string{
			"00001_init.sql":   "CREATE TABLE things (n INT);",
			"00002_broken.sql": "INSERT INTO things VALUES (1);\nINSERT INTO nowhere VALUES (1);",
		}))
		if err == nil || !strings.Contains(err.Error(), "00002_broken.sql") {
			t.Fatalf("got %v; want an error that names the file", err)
		}
		if n := count(t, db, "things"); n != 0 {
			t.Errorf("the failed migration left %d rows", n)
		}
		err = db.Migrate(ctx, "things", migrationFiles(map[string]string{
			"00001_init.sql":   "CREATE TABLE things (n INT);",
			"00002_broken.sql": "INSERT INTO things VALUES (1);",
		}))
		if n := count(t, db, "things"); err != nil || n != 1 {
			t.Errorf("mended: got %d rows, %v; want 1", n, err)
		}
	})
}

func TestManyProcessesMigrateTogether(t *testing.T) {
	for name, url := range map[string]string{"sqlite": sqldbtest.SQLite(t), "postgres": sqldbtest.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			files := migrationFiles(map[string]string{
				"00001_init.sql": "CREATE TABLE things (n INT);",
				"00002_row.sql":  "INSERT INTO things VALUES (1);",
			})
			var group sync.WaitGroup
			for range 4 {
				db := sqldbtest.Open(t, url)
				group.Go(func() {
					for _, room := range []string{"one", "two"} {
						if err := db.Migrate(t.Context(), room, files); room == "one" && err != nil {
							t.Errorf("%s: %v", room, err)
						}
					}
				})
			}
			group.Wait()
			if n := count(t, sqldbtest.Open(t, url), "things"); n != 1 {
				t.Errorf("got %d rows; want the migration run once", n)
			}
		})
	}
}

func TestMigrationLock(t *testing.T) {
	for name, url := range map[string]string{"sqlite": sqldbtest.SQLite(t), "postgres": sqldbtest.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			first, second := sqldbtest.Open(t, url), sqldbtest.Open(t, url)
			var inside atomic.Int32
			entered, leave := make(chan struct{}), make(chan struct{})
			result := make(chan error, 2)
			go func() {
				result <- first.WithMigrationLock(t.Context(), func(ctx context.Context) error {
					inside.Add(1)
					close(entered)
					<-leave
					err := first.Migrate(ctx, "things", migrationFiles(map[string]string{"00001_init.sql": "CREATE TABLE things (n INT);"}))
					inside.Add(-1)
					return err
				})
			}()
			<-entered
			short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			err := second.WithMigrationLock(short, func(context.Context) error { return errStop })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("while it is held: got %v; want to wait until the context ends", err)
			}
			go func() {
				result <- second.WithMigrationLock(t.Context(), func(context.Context) error {
					if n := inside.Load(); n != 0 {
						t.Errorf("entered while another was inside")
					}
					return errStop
				})
			}()
			close(leave)
			if err := errors.Join(<-result, <-result); !errors.Is(err, errStop) || err.Error() != "stop" {
				t.Errorf("got %v; want only the second one's own error", err)
			}
		})
	}
}
