package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

func TestTxCommitsOrLeavesNothing(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		mustExec(t, db, `CREATE TABLE things (id TEXT PRIMARY KEY)`)
		insert := func(tx *sqldb.Tx, id string) { mustExec(t, tx, `INSERT INTO things VALUES ($1)`, id) }

		if err := db.Tx(ctx, func(tx *sqldb.Tx) error { insert(tx, "kept"); return nil }); err != nil {
			t.Fatal(err)
		}
		if err := db.Tx(ctx, func(tx *sqldb.Tx) error { insert(tx, "error"); return errStop }); !errors.Is(err, errStop) {
			t.Errorf("got %v; want the function's own error", err)
		}
		func() {
			defer func() {
				if p := recover(); p != "dropped" {
					t.Errorf("got panic %v; want it passed on", p)
				}
			}()
			_ = db.Tx(ctx, func(tx *sqldb.Tx) error { insert(tx, "panic"); panic("dropped") })
		}()
		gone, cancel := context.WithCancel(ctx)
		err := db.Tx(gone, func(tx *sqldb.Tx) error { insert(tx, "cancelled"); cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before COMMIT: got %v; want context.Canceled", err)
		}
		err = db.Tx(ctx, func(tx *sqldb.Tx) error {
			insert(tx, "twice")
			_, err := tx.Exec(ctx, `INSERT INTO things VALUES ($1)`, "twice")
			return err
		})
		if !sqldb.IsUnique(err) {
			t.Errorf("got %v; want a unique violation", err)
		}
		if n := count(t, db, "things"); n != 1 {
			t.Errorf("got %d rows; want only the committed one", n)
		}
	})
}

func TestTxReturningAndReading(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		mustExec(t, db, `CREATE TABLE things (id BIGINT PRIMARY KEY, n BIGINT)`)
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			for i := range 5 {
				var n int
				if err := tx.QueryRow(ctx, `INSERT INTO things VALUES ($1, $2) RETURNING n`, i, 10*i).Scan(&n); err != nil || n != 10*i {
					return fmt.Errorf("returning: got %d, %w", n, err)
				}
			}
			if n := count(t, db, "things"); n != 0 {
				t.Errorf("others see %d rows before COMMIT", n)
			}
			if n := count(t, tx, "things"); n != 5 {
				t.Errorf("the transaction itself sees %d rows; want 5", n)
			}
			return nil
		})
		if n := count(t, db, "things"); err != nil || n != 5 {
			t.Errorf("got %d rows, %v; want 5", n, err)
		}
	})
}

func TestManyWritersAndReaders(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		mustExec(t, db, `CREATE TABLE counter (id BIGINT PRIMARY KEY, n BIGINT)`)
		mustExec(t, db, `INSERT INTO counter VALUES (1, 0)`)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 25 {
					err := db.Tx(ctx, func(tx *sqldb.Tx) error {
						var n int
						if err := tx.QueryRow(ctx, `UPDATE counter SET n = n + 1 WHERE id = $1 RETURNING n`, 1).Scan(&n); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, `INSERT INTO counter VALUES ($1, $2)`, 1000+n, n)
						return err
					})
					if err != nil {
						t.Error(err)
					}
					var n int
					if err := db.QueryRow(ctx, `SELECT n FROM counter WHERE id = $1`, 1).Scan(&n); err != nil || n == 0 {
						t.Errorf("read %d, %v", n, err)
					}
				}
			})
		}
		group.Wait()
		var n int
		if err := db.QueryRow(ctx, `SELECT n FROM counter WHERE id = $1`, 1).Scan(&n); err != nil || n != 200 {
			t.Errorf("got %d, %v; want every one of 200 increments", n, err)
		}
	})
}
