package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"homeserver/internal/monitor/history"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
	"homeserver/test/server"
)

// remembered is a figure of long ago that is not measured any more, so that nothing comes to it.
const remembered = "disk_read_bytes_per_second{gone}"

// historyOf is a server's file.
func historyOf(s *server.Server) string { return filepath.Join(s.Dir, "data", "monitoring.db") }

// fillHistory gives a server that does not run a history of 300 days, up to an hour ago.
func fillHistory(t *testing.T, s *server.Server, now time.Time) {
	t.Helper()
	h, err := history.Open(t.Context(), history.Config{URL: "sqlite:" + historyOf(s)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	n, err := h.Series(t.Context(), remembered, "", 10)
	value := 0
	for at := now.Add(-300 * 24 * time.Hour); at.Before(now.Add(-time.Hour)) && err == nil; value++ {
		err = h.Append(t.Context(), at, []history.Sample{{Series: n, Value: float64(value % 100)}})
		at = at.Add(time.Minute)
		if left := now.Sub(at) - 3*time.Hour; left > 0 {
			at = at.Add(min(left, 24*time.Hour))
		}
	}
	if err = errors.Join(err, h.Close()); err != nil {
		t.Fatal(err)
	}
}

// freshPieces are the most that change within an hour: one that is no figures, and one or two of
// each tier.
const freshPieces = 7

// pieces are those of the histories in a directory of backups.
func pieces(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "history", "*"))
	if err != nil || len(list) <= freshPieces {
		t.Fatalf("got the pieces %v %v", list, err)
	}
	return list
}

// charts is what a server answers about the time until an hour ago, at every scale.
func charts(t *testing.T, s *server.Server, now time.Time) (all []string) {
	t.Helper()
	to := now.Add(-time.Hour)
	for _, span := range []time.Duration{30 * time.Minute, 12 * time.Hour, 60 * 24 * time.Hour, 299 * 24 * time.Hour} {
		answer := s.Get(t, fmt.Sprintf("/api/v1/monitoring/history?metrics=%s&points=400&from=%s&to=%s", url.QueryEscape(remembered),
			url.QueryEscape(to.Add(-span).UTC().Format(time.RFC3339)), url.QueryEscape(to.UTC().Format(time.RFC3339)))).Expect(t, 200)
		_, mean, _ := strings.Cut(string(answer.Body), `"mean":[`)
		if mean, _, _ = strings.Cut(mean, "]"); !strings.ContainsAny(mean, "123456789") {
			t.Errorf("nothing is remembered of %s: %.300s", span, answer.Body)
		}
		all = append(all, string(answer.Body))
	}
	return all
}

// elsewhere is a new house, not started, with a database of the same kind.
func elsewhere(t *testing.T, env map[string]string, tags string) *server.Server {
	t.Helper()
	other := map[string]string{}
	if env["DATABASE_URL"] != "" {
		other["DATABASE_URL"] = sqldbtest.Postgres(t)
	}
	return server.New(t, server.Options{Tags: tags, Env: other})
}

// verified runs `history verify`.
func verified(t *testing.T, s *server.Server) {
	t.Helper()
	if out, errOut, code := s.CLI("history", "verify"); code != 0 {
		t.Errorf("history verify: %d %s %s", code, out, errOut)
	}
}

// TestTheHistoryComesBack: a backup made while the server writes its history, and one made while
// no server runs, give it back: the charts are the same. The second copies little of it.
func TestTheHistoryComesBack(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		now := time.Now()
		s := server.New(t, server.Options{Env: env})
		fillHistory(t, s, now)
		s.Start()
		s.Upload(t, "a.txt", []byte("a"))
		want := charts(t, s, now)
		dir := filepath.Join(t.TempDir(), "backups")
		names := []string{backUp(t, s, dir)}
		s.Stop()
		before := pieces(t, dir)
		var report struct{ Name string }
		out, errOut, code := s.CLI("backup", "--json", dir)
		if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 {
			t.Fatalf("backup: %d %s %s %v", code, out, errOut, err)
		}
		if fresh := len(pieces(t, dir)) - len(before); fresh == 0 || fresh > freshPieces {
			t.Errorf("the second copied %d pieces, the first %d", fresh, len(before))
		}
		for _, name := range append(names, report.Name) {
			r := restore(t, s, env, dir, "--snapshot", name)
			if diff := cmp.Diff(want, charts(t, r, now)); diff != "" {
				t.Errorf("%s: -before +restored:\n%s", name, diff)
			}
			verified(t, r)
		}
		// By the schedule, in the server's own process; nothing of the history has changed but the end.
		s.Start()
		scheduled := filepath.Join(t.TempDir(), "scheduled")
		s.JSON(t, "PUT", server.Files+"/backups/schedule", map[string]any{"directory": scheduled, "every_hours": 24, "keep": 7}).Expect(t, 200)
		server.Eventually(t, patience, "the scheduled backup", func() error {
			if found, err := filepath.Glob(filepath.Join(scheduled, "snapshots", "*Z", "history.json")); len(found) == 0 {
				return fmt.Errorf("none is there: %w", errors.Join(err, errors.New("wait")))
			}
			return nil
		})
		if diff := cmp.Diff(want, charts(t, restore(t, s, env, scheduled), now)); diff != "" {
			t.Errorf("-before +restored:\n%s", diff)
		}
	})
}

// TestADamagedHistoryIsLeftOut: the files are saved all the same, people are told, and the last
// good history stays in the directory.
func TestADamagedHistoryIsLeftOut(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		now := time.Now()
		s := server.New(t, server.Options{Env: env})
		fillHistory(t, s, now)
		s.Start()
		want := charts(t, s, now)
		s.Upload(t, "a.txt", []byte("a"))
		dir := filepath.Join(t.TempDir(), "backups")
		good := backUp(t, s, dir)
		s.Upload(t, "b.txt", []byte("b"))
		s.Stop()
		text, err := os.ReadFile(historyOf(s))
		for i := 3 * 4096; i < len(text); i += 2 * 4096 { // the pages of SQLite
			copy(text[i:], strings.Repeat("spoilt", 600))
		}
		if err = errors.Join(err, os.WriteFile(historyOf(s), text, 0o600)); err != nil {
			t.Fatal(err)
		}
		out, errOut, code := s.CLI("backup", "--keep", "1", dir)
		if code != 3 || !strings.Contains(out, "not saved: the history of the figures") || !strings.Contains(out, "2 contents") {
			t.Errorf("backup: %d %s %s", code, out, errOut)
		}
		s.Start()
		var state struct{ Warning string }
		s.Get(t, server.Files+"/backups").Expect(t, 200).Decode(t, &state)
		if !strings.Contains(state.Warning, "history") {
			t.Errorf("people are told %q", state.Warning)
		}
		r := elsewhere(t, env, "")
		if out, errOut, code := r.CLI("restore", dir); code != 0 || !strings.Contains(out, "no history") {
			t.Errorf("restore without a history: %d %s %s", code, out, errOut)
		}
		r.Start()
		if n := r.ListFiles(t, "").Total; n != 2 {
			t.Errorf("got %d files, want 2", n)
		}
		if diff := cmp.Diff(want, charts(t, restore(t, s, env, dir, "--snapshot", good), now)); diff != "" {
			t.Errorf("the good one: -before +restored:\n%s", diff)
		}
	})
}

// TestABackupOfBefore has no history, and one whose history was damaged in the directory of
// backups lacks it: everything else comes back.
func TestABackupOfBefore(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		s.Upload(t, "a.txt", []byte("a"))
		s.Stop()
		if err := sqldb.RemoveSQLite(historyOf(s)); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "backups")
		old := backUp(t, s, dir) // as those of before are: without a word of a history
		if there, err := filepath.Glob(filepath.Join(dir, "history*")); err != nil || len(there) > 0 {
			t.Fatalf("got %v %v", there, err)
		}
		fillHistory(t, s, time.Now())
		later := backUp(t, s, dir)
		if r := restore(t, s, env, dir, "--snapshot", old); r.ListFiles(t, "").Total != 1 {
			t.Error("the file did not come back")
		}
		if err := os.Remove(pieces(t, dir)[0]); err != nil {
			t.Fatal(err)
		}
		r := elsewhere(t, env, "")
		out, errOut, code := r.CLI("restore", dir, "--snapshot", later)
		if code != 3 || !strings.Contains(out, "missing: ") || !strings.Contains(out, "history") {
			t.Errorf("restore: %d %s %s", code, out, errOut)
		}
		r.Start()
		if r.ListFiles(t, "").Total != 1 {
			t.Error("the file did not come back")
		}
	})
}

// TestKilledWithTheHistory kills backup and restore at every step of the history: no half of one
// is ever taken for whole, what is there is kept, and running them again succeeds.
func TestKilledWithTheHistory(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		now := time.Now()
		s := server.New(t, server.Options{Tags: "failpoint", Env: env})
		fillHistory(t, s, now)
		s.Start()
		s.Upload(t, "a.txt", []byte("a"))
		want := charts(t, s, now)
		dir := filepath.Join(t.TempDir(), "backups")
		for _, point := range []string{"history-copied:1", "history-copied:4", "history-named:1", "history-named:3"} {
			dies(t, s, point, "backup", dir)
			if all := wholeBackups(t, dir); len(all) > 0 {
				t.Errorf("%s: %v count", point, all)
			}
		}
		backUp(t, s, dir)
		s.Stop() // with this the history has changed, whatever the time
		s.Start()
		backUp(t, s, dir)
		dies(t, s, "history-sweeping:1", "backup", "--keep", "1", dir)
		if all := wholeBackups(t, dir); len(all) == 0 {
			t.Error("no backup is left")
		}
		name := backUp(t, s, dir, "--keep", "1")

		r := elsewhere(t, env, "failpoint")
		r.Start() // a house that was started once and never used has a history
		r.Stop()
		if err := os.RemoveAll(r.StoragePath()); err != nil {
			t.Fatal(err)
		}
		for _, point := range []string{"settle-ready:1", "settle-aside:1", "settle-ready:1"} {
			dies(t, r, point, "restore", dir)
		}
		out, errOut, code := r.CLI("restore", dir, "--snapshot", name)
		if code != 0 || !strings.Contains(out, "The history of the figures is back.") {
			t.Fatalf("restore: %d %s %s", code, out, errOut)
		}
		if left, _ := filepath.Glob(historyOf(r) + ".restoring*"); len(left) > 0 {
			t.Errorf("left %v", left)
		}
		if _, err := os.Stat(historyOf(r) + ".before-restore"); err != nil {
			t.Errorf("the history that was there: %v", err)
		}
		verified(t, r)
		r.Start()
		if diff := cmp.Diff(want, charts(t, r, now)); diff != "" {
			t.Errorf("-before +restored:\n%s", diff)
		}
	})
}
