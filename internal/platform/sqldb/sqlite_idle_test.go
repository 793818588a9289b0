package sqldb

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestSQLiteReadersRest sees connections for reading closed when nobody needs them any more, and the
// writer's kept.
func TestSQLiteReadersRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "rest.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, pool := range []*sql.DB{db.read, db.point} {
			var busy []*sql.Conn
			for range 3 {
				conn, err := pool.Conn(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				busy = append(busy, conn)
			}
			for _, conn := range busy {
				if err := conn.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if got := pool.Stats().Idle; got != 3 {
				t.Errorf("just used: got %d connections kept want 3", got)
			}
		}
		time.Sleep(2*sqliteReaderIdle + time.Second)
		synctest.Wait()
		for name, pool := range map[string]*sql.DB{"lists": db.read, "single rows": db.point} {
			if got := pool.Stats().OpenConnections; got != 0 {
				t.Errorf("%s: got %d connections that nobody used for long want none", name, got)
			}
		}
		if got := db.write.Stats().OpenConnections; got != 1 {
			t.Errorf("writer: got %d connections want its one", got)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}
