// Package faults takes away what the server stands on, its database, its disk, its storage
// directory and its clients, while it works: it must answer clearly, keep what it
// acknowledged, and recover by itself.
package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// recovery is how long a server may take to serve again once the fault is over.
const recovery = 15 * time.Second

// answerWithin is how long a request may take while something is away: a clear answer beats
// a long wait.
const answerWithin = 12 * time.Second

// promises are the uploads a server has acknowledged.
type promises struct {
	mu      sync.Mutex
	digests map[string]string // id -> digest
	count   atomic.Int64
}

func newPromises() *promises { return &promises{digests: map[string]string{}} }

func (p *promises) add(file server.File, content []byte) {
	p.mu.Lock()
	p.digests[file.ID] = server.Digest(content)
	p.mu.Unlock()
	p.count.Add(1)
}

// kept expects every acknowledged upload in the list, whole.
func (p *promises) kept(t *testing.T, c *server.Client) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	listed := map[string]bool{}
	for _, file := range c.ListFiles(t, "").Files {
		listed[file.ID] = true
	}
	for id, digest := range p.digests {
		if !listed[id] {
			t.Errorf("file %s was acknowledged and is not listed", id)
			continue
		}
		if got := server.Digest(c.Download(t, id).Body); got != digest {
			t.Errorf("file %s: got digest %s, want %s", id, got, digest)
		}
	}
}

// content is something new each time.
func content() []byte {
	b := make([]byte, 1+rand.IntN(20_000))
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// load has n clients upload until the returned function is called. Answers other than 200 and
// 503 with a sentence fail the test, and so does an answer that takes too long.
func load(t *testing.T, c *server.Client, p *promises, n int) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			pause := time.NewTicker(5 * time.Millisecond) // so that refusals do not become a flood
			defer pause.Stop()
			for {
				select {
				case <-done:
					return
				case <-pause.C:
				}
				body := content()
				start := time.Now()
				file, err := c.TryUpload("load.bin", body, "load")
				var refused *server.Refused
				switch {
				case err == nil:
					p.add(file, body)
				case errors.As(err, &refused):
					expectUnavailable(t, "upload", refused.Answer)
				default:
					t.Errorf("upload: %v", err)
				}
				if took := time.Since(start); took > answerWithin {
					t.Errorf("an upload was answered after %v", took)
				}
			}
		})
	}
	return func() {
		close(done)
		all.Wait()
	}
}

// expectUnavailable expects 503 in the house's form.
func expectUnavailable(t *testing.T, what string, answer server.Answer) {
	t.Helper()
	if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Content-Type") != "application/problem+json" || len(answer.Detail()) < 10 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("%s: got %d %q (%s, Retry-After %q), want 503 with a sentence", what, answer.Status, answer.Detail(), answer.Header.Get("Content-Type"), answer.Header.Get("Retry-After"))
	}
}

// alive expects liveness to stay green and quick, and readiness to be red because of check.
func alive(t *testing.T, c *server.Client, check string) {
	t.Helper()
	start := time.Now()
	c.Get(t, "/health").Expect(t, 200)
	if took := time.Since(start); took > time.Second {
		t.Errorf("/health took %v while the %s is away", took, check)
	}
	var ready struct {
		Status string
		Checks map[string]struct {
			OK     bool
			Detail string
		}
	}
	server.Eventually(t, recovery, "readiness to turn red", func() error {
		answer := c.Get(t, "/health/ready")
		if answer.Status != 503 {
			return fmt.Errorf("got %d", answer.Status)
		}
		answer.Decode(t, &ready)
		if ready.Checks[check].OK { // each check is looked at once a second, on its own
			return fmt.Errorf("got %+v, want it red because of %s", ready, check)
		}
		return nil
	})
	if ready.Status != "unavailable" || ready.Checks[check].OK || ready.Checks[check].Detail == "" {
		t.Errorf("readiness: got %+v, want unavailable because of %s, with a sentence", ready, check)
	}
}

// serves waits until an upload is accepted again.
func serves(t *testing.T, s *server.Server, p *promises) {
	t.Helper()
	s.WaitReady(recovery)
	server.Eventually(t, recovery, "uploads to work again", func() error {
		body := content()
		file, err := s.TryUpload("again.bin", body)
		if err == nil {
			p.add(file, body)
		}
		return err
	})
}

// incoming are the unfinished uploads in a storage directory.
func incoming(t *testing.T, storage string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(storage, "incoming"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// emptied waits until no unfinished upload is left.
func emptied(t *testing.T, storage string) {
	t.Helper()
	server.Eventually(t, recovery, "incoming to be emptied", func() error {
		if left := incoming(t, storage); len(left) > 0 {
			return fmt.Errorf("%d unfinished uploads left", len(left))
		}
		return nil
	})
}
