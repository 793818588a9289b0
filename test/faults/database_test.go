package faults

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb/sqldbtest"
	"homeserver/test/server"
)

// TestPostgresStopsUnderLoad stops, starts and crashes the database while clients upload.
func TestPostgresStopsUnderLoad(t *testing.T) {
	t.Parallel()
	cluster := sqldbtest.StartCluster(t)
	s := server.Start(t, server.Options{Env: map[string]string{"DATABASE_URL": cluster.URL}})
	p := newPromises()
	before := s.Upload(t, "before.txt", []byte("before"))
	stop := load(t, s.Client, p, 6)
	for name, away := range map[string]func(){"stop": cluster.Stop, "crash": cluster.Crash} {
		enough(t, p, 50)
		away()
		for _, path := range []string{"/list", "/" + before.ID + "/metadata", "/" + before.ID + "/download", "/list?limit=10"} {
			expectUnavailable(t, "GET "+path+" after "+name, s.Get(t, server.Files+path))
		}
		expectUnavailable(t, "DELETE after "+name, s.Do(t, "DELETE", server.Files+"/"+before.ID, nil, nil))
		alive(t, s.Client, "database")
		s.Get(t, "/api/v1/monitoring/dashboard").Expect(t, 200)
		cluster.Start()
		serves(t, s, p)
		enough(t, p, 50)
		s.Get(t, server.Files+"/"+before.ID+"/download").Expect(t, 200)
	}
	stop()
	p.kept(t, s.Client)
	t.Logf("%d uploads acknowledged", p.count.Load())
	emptied(t, s.StoragePath())
	if out, _, code := s.CLI("check", "--json"); code != 0 && code != 3 {
		t.Errorf("check: code %d, %s", code, out)
	}
}

// enough waits for n more acknowledged uploads.
func enough(t *testing.T, p *promises, n int64) {
	t.Helper()
	goal := p.count.Load() + n
	server.Eventually(t, recovery, "uploads", func() error {
		if got := p.count.Load(); got < goal {
			return fmt.Errorf("%d acknowledged, want %d", got, goal)
		}
		return nil
	})
}

// TestPostgresComesLater starts the server first.
func TestPostgresComesLater(t *testing.T) {
	t.Parallel()
	cluster := sqldbtest.StartCluster(t)
	cluster.Stop()
	s := server.New(t, server.Options{Env: map[string]string{"DATABASE_URL": cluster.URL}})
	s.Launch()
	waits := regexp.MustCompile(`(?i)(database|postgres).*(again|retry|retried|wait)`)
	server.Eventually(t, recovery, "the log to say that the database is waited for", func() error {
		if !waits.MatchString(s.Log()) {
			return fmt.Errorf("the log says: %s", s.Log())
		}
		return nil
	})
	cluster.Start()
	s.WaitReady(recovery)
	s.Upload(t, "first.txt", []byte("first"))
	s.Stop()

	// A wrong name is no reason to wait.
	wrong, err := url.Parse(cluster.URL)
	if err != nil {
		t.Fatal(err)
	}
	wrong.Path = "/nobody_made_this"
	s.Setenv("DATABASE_URL", wrong.String())
	s.Launch()
	if code := s.WaitExit(recovery); code <= 0 {
		t.Errorf("with a database that does not exist: got exit code %d, want a failure", code)
	}

	// Told to stop while it waits, it stops.
	cluster.Stop()
	s.Setenv("DATABASE_URL", cluster.URL)
	s.Launch()
	server.Eventually(t, recovery, "the log to say so again", func() error {
		if !waits.MatchString(s.Log()) {
			return errors.New("it does not")
		}
		return nil
	})
	s.Signal(t)
	s.WaitExit(recovery)
}

// TestTwoServersShareAHouse starts two processes on one database and one storage at once: one
// of them migrates, both serve, and neither loses what the other took in.
func TestTwoServersShareAHouse(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATABASE_URL": sqldbtest.Postgres(t), "STORAGE_PATH": t.TempDir() + "/storage", "COLLECT_AFTER": "1s"}
	var houses []*server.Server
	for range 3 {
		s := server.New(t, server.Options{Env: env})
		s.Launch()
		houses = append(houses, s)
	}
	p := newPromises()
	for _, s := range houses {
		s.WaitReady(30 * time.Second)
	}
	houses[2].Kill()
	houses = houses[:2]
	var all sync.WaitGroup
	for _, s := range houses {
		for range 3 {
			all.Go(func() {
				for n := range 60 {
					body := content()
					if n%3 == 0 {
						body = []byte("the same on both") // references come and go under the collector
					}
					file, err := s.TryUpload("shared.bin", body)
					if err != nil {
						t.Errorf("upload: %v", err)
						return
					}
					if n%3 != 0 {
						p.add(file, body)
					} else if answer, err := s.Try("DELETE", server.Files+"/"+file.ID, nil, nil); err != nil || answer.Status != 200 {
						t.Errorf("deletion: %v %d %s", err, answer.Status, answer.Body)
					}
				}
			})
		}
	}
	all.Wait()
	for _, s := range houses {
		p.kept(t, s.Client)
	}
	first, second := houses[0], houses[1]
	file := first.Upload(t, "gone.txt", []byte("gone"))
	second.Do(t, "DELETE", server.Files+"/"+file.ID, nil, nil).Expect(t, 200)
	first.Get(t, server.Files+"/"+file.ID+"/metadata").Expect(t, 404)
	server.Eventually(t, 30*time.Second, "both to count the same", func() error {
		var a, b struct {
			Files int `json:"total_files"`
		}
		first.Get(t, "/api/v1/monitoring/storage").Decode(t, &a)
		second.Get(t, "/api/v1/monitoring/storage").Decode(t, &b)
		if a != b || a.Files != int(p.count.Load()) {
			return fmt.Errorf("%d and %d files, want %d", a.Files, b.Files, p.count.Load())
		}
		return nil
	})
	first.Stop()
	p.kept(t, second.Client)
}
