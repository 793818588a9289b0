package commandline

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/test/server"
)

// follow reads the stream of changes, from after an event on, until it ends or enough has come.
func follow(t *testing.T, base, after string, enough int) (names []string, last string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", base+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-Key", server.Key)
	r.Header.Set("Accept-Encoding", "gzip")
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Encoding") != "" {
		t.Fatalf("got %v, %v", answer, err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for last = after; len(names) < enough && lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			last = value
		case "data":
			var c struct{ Name, Type string }
			if err := json.Unmarshal([]byte(value), &c); err != nil {
				t.Errorf("%v in %q", err, value)
			}
			if c.Type == "created" {
				names = append(names, c.Name)
			}
		}
	}
	return names, last
}

// TestChangesAcrossRestarts follows a server that is stopped and killed while files come, beside
// clients that read nothing. Every file is told of once, in order.
func TestChangesAcrossRestarts(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		d := sit(t, env)
		var want, got []string
		send := func(n int) {
			for range n {
				name := fmt.Sprintf("file %03d", len(want))
				d.Upload(t, name, []byte(name))
				want = append(want, name)
			}
		}
		for range 5 {
			if _, err := d.Dial(t).Write([]byte(d.Head("GET", "/api/v1/events"))); err != nil { // and it is never read
				t.Fatal(err)
			}
		}
		last := "0"
		for round := range 4 {
			var names []string
			var all sync.WaitGroup
			from := last
			all.Go(func() { names, last = follow(t, d.Base, from, 1000) })
			send(20)
			began := time.Now()
			if round%2 == 0 {
				d.Stop()
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("stopping beside open streams took %v", took)
				}
			} else {
				d.Kill()
			}
			all.Wait()
			got = append(got, names...)
			d.Start()
		}
		send(5)
		names, _ := follow(t, d.Base, last, len(want)-len(got))
		if got = append(got, names...); !slices.Equal(got, want) {
			t.Errorf("got %d files, %v; want %d", len(got), got, len(want))
		}
	})
}
