package server

import (
	"testing"

	"homeserver/internal/platform/sqldb/sqldbtest"
)

// OnEach runs test as the subtests "sqlite" and "postgres", in parallel; env holds the
// DATABASE_URL of a fresh database, or nothing for the default SQLite file.
func OnEach(t *testing.T, test func(t *testing.T, env map[string]string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, map[string]string{})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, map[string]string{"DATABASE_URL": sqldbtest.Postgres(t)})
	})
}
