package server

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"homeserver/internal/platform/sqldb"
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

// ExpireLeases ends the minute for which a killed server's background jobs stay reserved, so
// that a test which kills it again and again need not wait. The server must not be running.
func (s *Server) ExpireLeases() {
	s.t.Helper()
	s.Edit(`UPDATE jobs_leases SET expires_at = 0`)
}

// Edit changes the database of a server that is not running.
func (s *Server) Edit(statement string) {
	s.t.Helper()
	db := s.database()
	defer db.Close()
	if _, err := db.Exec(context.Background(), statement); err != nil {
		s.t.Fatal(err)
	}
}

// Rows is every row of a PostgreSQL database as text.
func (s *Server) Rows() string {
	s.t.Helper()
	db := s.database()
	defer db.Close()
	list := func(query string) (texts []string) {
		rows, err := db.Query(context.Background(), query)
		if err != nil {
			s.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				s.t.Fatal(err)
			}
			texts = append(texts, text)
		}
		return texts
	}
	var all strings.Builder
	for _, table := range list(`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name`) {
		for _, row := range list(`SELECT t::text FROM ` + table + ` t`) {
			all.WriteString(table + row + "\n")
		}
	}
	return all.String()
}

func (s *Server) database() *sqldb.DB {
	s.t.Helper()
	url := s.env["DATABASE_URL"]
	if url == "" {
		url = "sqlite:" + filepath.Join(s.env["DATA_DIR"], "homeserver.db")
	}
	db, err := sqldb.Open(context.Background(), url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}
