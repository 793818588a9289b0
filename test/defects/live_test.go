package defects

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"homeserver/test/server"
)

// dashboards opens n live feeds and waits until each has its first frame. The returned
// function waits until each has seen n more frames.
func dashboards(t *testing.T, c *server.Client, n int) (more func(frames int)) {
	t.Helper()
	conns := make([]*websocket.Conn, n)
	for i := range conns {
		conn, _, err := dial(t, c, "")
		if err != nil {
			t.Fatalf("dashboard %d of %d: %v", i+1, n, err)
		}
		conns[i] = conn
	}
	more = func(frames int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(frames)*5*time.Second+10*time.Second)
		defer cancel()
		var all sync.WaitGroup
		for i, conn := range conns {
			all.Go(func() {
				for range frames {
					if _, _, err := conn.Read(ctx); err != nil {
						t.Errorf("dashboard %d of %d: %v", i+1, n, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	more(1)
	return more
}

// slowest makes the request n times and returns how long the slowest took.
func slowest(t *testing.T, c *server.Client, path string, n int) time.Duration {
	t.Helper()
	var worst time.Duration
	for range n {
		start := time.Now()
		c.Get(t, path).Expect(t, 200)
		worst = max(worst, time.Since(start))
	}
	return worst
}

// TestDefect06DashboardsHoldNoConnections opens 15 dashboards beside the file API.
//
// In the original each held a database connection in an open transaction: 15 stopped the
// file API for 30 s at a time, and migrations waited for ever.
func TestDefect06DashboardsHoldNoConnections(t *testing.T) {
	t.Parallel()
	s, _, db := onPostgres(t)
	more := dashboards(t, s.Client, 15)
	file := s.Upload(t, "beside.txt", []byte("beside dashboards"))
	for _, path := range []string{"/list", "/" + file.ID + "/metadata", "/" + file.ID + "/download"} {
		if worst := slowest(t, s.Client, server.Files+path, 30); worst > 2*time.Second {
			t.Errorf("with 15 dashboards GET %s took up to %v, want well under 2s", path, worst)
		}
	}
	more(1)
	var idle int
	query := `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND state_change < now() - interval '1 second'`
	if err := db.QueryRowContext(t.Context(), query).Scan(&idle); err != nil {
		t.Fatal(err)
	}
	if idle != 0 {
		t.Errorf("%d connections rest in an open transaction, want none", idle)
	}
	// What a migration needs: the table for itself, without waiting.
	execute(t, db, `SET lock_timeout = '5s'; ALTER TABLE file_metadata ADD COLUMN of_a_test integer; ALTER TABLE file_metadata DROP COLUMN of_a_test`)
}

// TestDefect07ManyDashboardsSlowNobodyDown opens 100 dashboards.
//
// The original slept 100 ms in its event loop for every client: 14 dashboards made /health
// take 1.4 s, and at 100 clients nobody got a message.
func TestDefect07ManyDashboardsSlowNobodyDown(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	more := dashboards(t, s.Client, 100)
	if worst := slowest(t, s.Client, "/health", 50); worst > time.Second {
		t.Errorf("with 100 dashboards /health took up to %v, want well under 1s", worst)
	}
	start := time.Now()
	more(2)
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("two more messages for 100 clients took %v, want about 4s", took)
	}
	var system struct{ CPU *float64 }
	s.Get(t, "/api/v1/monitoring/system").Expect(t, 200).Decode(t, &system)
}

// TestDefect12NobodyComesInUnasked tries the doors as a stranger and as another web site.
//
// The original asked nobody, and any web site could read the WebSocket and post uploads.
func TestDefect12NobodyComesInUnasked(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	stranger := server.NewClient(s.Base, "")
	stranger.Get(t, server.Files+"/list").Expect(t, 401)
	if _, response, err := dial(t, stranger, ""); err == nil || response == nil || response.StatusCode != 401 {
		t.Errorf("WebSocket without a key: got %v %v, want 401", response, err)
	}

	open := server.Start(t, server.Options{Env: map[string]string{"AUTH": "none", "API_KEY": ""}})
	for name, c := range map[string]*server.Client{"with a key": s.Client, "AUTH=none": open.Client} {
		for _, origin := range []string{"http://evil.example", "null", "http://127.0.0.1", "https://" + c.Host() + ".evil.example"} {
			if _, response, err := dial(t, c, origin); err == nil || response == nil || response.StatusCode != 403 {
				t.Errorf("%s: WebSocket from a page of %s: got %v %v, want 403", name, origin, response, err)
			}
		}
		if _, _, err := dial(t, c, "http://"+c.Host()); err != nil {
			t.Errorf("%s: WebSocket from the server's own page: %v", name, err)
		}
		body := string(server.Multipart(server.FilePart("evil.txt", "text/plain", []byte("evil"))))
		for _, header := range []http.Header{{"Origin": {"http://evil.example"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"null"}}} {
			header.Set("Content-Type", server.ContentType)
			c.Do(t, "POST", server.Files+"/upload", header, strings.NewReader(body)).Expect(t, 403)
			c.Do(t, "DELETE", server.Files+"/x", header, nil).Expect(t, 403)
		}
		if list := c.ListFiles(t, ""); list.Total != 0 {
			t.Errorf("%s: another site's upload was stored", name)
		}
		c.Do(t, "POST", server.Files+"/upload", http.Header{"Origin": {"http://" + c.Host()}, "Sec-Fetch-Site": {"same-origin"}, "Content-Type": {server.ContentType}},
			strings.NewReader(body)).Expect(t, 200)
		rebound, err := c.Request("GET", server.Files+"/list", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		rebound.Host = "evil.example" // whose DNS points here
		answer, err := c.Send(rebound)
		if err != nil {
			t.Fatal(err)
		}
		answer.Expect(t, 421)
	}
}

// TestDefect14ReadinessKnowsTheDatabase cuts the database off.
//
// The original's /health said healthy with the database down, and nothing said otherwise.
func TestDefect14ReadinessKnowsTheDatabase(t *testing.T) {
	t.Parallel()
	s, proxy, _ := onPostgres(t)
	type readiness struct {
		Status string
		Checks map[string]struct {
			OK     bool
			Detail string
		}
	}
	var ready readiness
	s.Get(t, "/health/ready").Expect(t, 200).Decode(t, &ready)
	for _, name := range []string{"database", "storage", "space"} {
		if !ready.Checks[name].OK {
			t.Errorf("check %s: got %+v, want ok", name, ready.Checks[name])
		}
	}
	proxy.Cut()
	ready = readiness{}
	s.Get(t, "/health/ready").Expect(t, 503).Decode(t, &ready)
	if ready.Status != "unavailable" || ready.Checks["database"].OK || ready.Checks["database"].Detail == "" || !ready.Checks["storage"].OK {
		t.Errorf("without a database: got %+v, want unavailable because of the database alone, with a sentence", ready)
	}
	s.Get(t, "/health").Expect(t, 200)
	if _, _, code := s.CLI("healthcheck", "--url", s.Base+"/health/ready"); code != 3 {
		t.Errorf("homeserver healthcheck: got code %d, want 3", code)
	}
	proxy.Mend()
	s.WaitReady(20 * time.Second)
}

// TestDefect16CloseIsAnsweredAtOnce sends messages and then says goodbye.
//
// The original never read what a client sent, so that its close was answered after 34 s.
func TestDefect16CloseIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	conn, _, err := dial(t, s.Client, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("talk ", 200))); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	if err := conn.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("closing: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the close was answered after %v, want at once (the original took 34s)", took)
	}
}
