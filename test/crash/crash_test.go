// Package crash kills the server at every step of the write path and at random moments, two
// hundred times and more, while several clients upload, replace, move, delete and restore, and
// the collector is at work. After each death: everything acknowledged is as it was acknowledged to
// be, nothing half is visible, every number is right, and `check` finds nothing but orphans;
// in the end the collector removes those.
//
// CRASH_ROUNDS sets the number of kills.
package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb/sqldbtest"
	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

const (
	// defaultRounds is how many kills a run makes when CRASH_ROUNDS says nothing.
	defaultRounds = 150
	// generation is how many kills one data directory goes through before the next begins, so
	// that looking at everything after each kill stays quick.
	generation = 26
	// patience is how long a server may take to reach its failpoint under load.
	patience = 30 * time.Second
)

// points are the steps of the write path at which a server dies, and up to which time they are
// passed it lets through.
func points() map[string]int {
	return map[string]int{
		"after-create": 30, "mid-write": 40, "before-fsync": 30, "after-fsync": 30, "after-rename": 12, "after-dirsync": 12,
		"after-blob-row": 12, "before-commit": 12, "after-commit": 30,
		"before-group-sync": 3, "after-group-sync": 3, "after-group-commit": 3,
		"mid-append": 5, "after-append": 5, "before-append-sync": 5, "after-append-sync": 5, "after-offset": 5,
		"before-change": 5, "after-change": 5,
	}
}

// elsewhere are failpoints that are not on the write path, with the test that dies there.
func elsewhere() map[string]string {
	return map[string]string{
		"before-marker": "adopt", "after-marker": "adopt", "adopt-before-rename": "adopt", "adopt-after-rename": "adopt",
		"adopt-hashed": "adopt", "adopt-digest": "adopt", "adopt-moved": "adopt",
		"collect-before": "TestCollector", "collect-row": "TestCollector",
		"before-unlink": "TestCollector", "after-unlink": "TestCollector",
		"backup-written": "backup", "restore-ready": "backup", "restore-tables": "backup", "backup-copying": "backup", "backup-synced": "backup", "backup-named": "backup", "backup-before-finish": "backup", "backup-listed": "backup",
		"backup-finished": "backup", "backup-thinning": "backup", "backup-sweeping": "backup",
		"history-copied": "backup", "history-named": "backup", "history-sweeping": "backup", "settle-ready": "backup", "settle-aside": "backup",
		"scrub-aside": "TestScrub", "scrub-noting": "TestScrub", "scrub-noted": "TestScrub", "destroy-rows": "TestDestroy", "destroyed": "TestDestroy", "sinking": "TestLargeFolder", "rising": "TestLargeFolder",
		"manifest-written": "backup", "manifest-named": "backup", "journal-append": "backup",
		"notify-claimed": "TestNotifications", "notify-sent": "TestNotifications",
	}
}

// TestEveryFailpointIsKnown compares the list above with the source, so that a new step of the
// write path does not go untested.
func TestEveryFailpointIsKnown(t *testing.T) {
	t.Parallel()
	root, err := server.Root()
	if err != nil {
		t.Fatal(err)
	}
	hit := regexp.MustCompile(`failpoint\.Hit\(("?)([^")]*)"?\)`)
	seen := map[string]bool{}
	err = filepath.WalkDir(filepath.Join(root, "internal"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "failpoint") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range hit.FindAllSubmatch(text, -1) {
			name := string(match[2])
			seen[name] = true
			if _, ok := points()[name]; !ok && elsewhere()[name] == "" {
				t.Errorf("%s: no crash test dies at failpoint %s", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range points() {
		if !seen[name] {
			t.Errorf("failpoint %s is not in the source", name)
		}
	}
}

func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CRASH_ROUNDS")
	if text == "" {
		return defaultRounds
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CRASH_ROUNDS is %q, want a number such as 200", text)
	}
	return n
}

// TestKills is the test of the package comment: three quarters of the kills on SQLite, the
// others on PostgreSQL, side by side.
func TestKills(t *testing.T) {
	t.Parallel()
	all := rounds(t)
	for database, kills := range map[string]int{"sqlite": all - all/4, "postgres": all / 4} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			done, uploads := 0, 0
			for n := 0; done < kills; n++ {
				t.Run(fmt.Sprint("house ", n+1), func(t *testing.T) {
					h := newHousehold(t, database)
					for range min(generation, kills-done) {
						h.round(done)
						done++
					}
					h.settle()
					uploads += h.acked["upload"]
				})
				if t.Failed() {
					break
				}
			}
			t.Logf("%d kills", done)
			if uploads == 0 {
				t.Error("no upload was ever acknowledged")
			}
		})
	}
}

// round is one life of the server: it starts, is looked at, works, and dies.
func (h *household) round(n int) {
	h.t.Helper()
	names := make([]string, 0, len(points()))
	for name := range points() {
		names = append(names, name)
	}
	slices.Sort(names)
	point := ""
	if n%3 != 2 { // two of three at a failpoint, in turn; the third at any moment
		name := names[(n-n/3)%len(names)]
		point = fmt.Sprintf("%s:%d", name, 1+rand.IntN(points()[name]))
	}
	h.Setenv("HOMESERVER_FAILPOINT", point)
	if n%3 == 0 && len(h.seen) > 0 {
		h.ExpireLeases() // the collector begins at once
	}
	h.Launch()
	h.WaitListening(patience)
	h.look()
	stop := h.load(5 + rand.IntN(4))
	if point != "" {
		select {
		case <-h.Exited():
		case <-time.After(patience):
			h.t.Errorf("the server did not come to failpoint %s in %v", point, patience)
			h.Kill()
		}
	} else {
		select {
		case <-h.Exited():
			h.t.Fatalf("the server ended by itself:\n%s", h.Log())
		case <-time.After(time.Duration(1+rand.IntN(120)) * time.Millisecond):
		}
		h.Kill()
	}
	stop()
	h.CloseIdle()
	h.check(false)
}

// settle looks at everything once more after the last death.
func (h *household) settle() {
	h.t.Helper()
	h.Setenv("HOMESERVER_FAILPOINT", "")
	h.Start()
	for _, u := range h.pending {
		u.Finish(h.t)
		h.promise(u.FileID, state{digest: server.Digest(u.Content), folder: u.folder}, false)
	}
	h.seen = map[string]string{}
	h.look()
	h.feed()
	h.backedUp()
	h.Stop()
	h.check(false)
	h.t.Logf("acknowledged: %v", h.acked)
}

// deletions is how many files TestCollector deletes for good. One would do, but a deleted file may
// have content that others have too.
const deletions = 8

// TestCollector makes orphans by dying after the rename, deletes files for good, and expects the
// collector to remove both and nothing else, even when it is killed at work. Orphans go to
// quarantine, since no file ever had their content; only what files had is unlinked.
func TestCollector(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, "sqlite")
	// The first death leaves an upload unfinished for certain, the others content without a row.
	for _, point := range []string{"before-fsync", "after-dirsync:3", "after-dirsync:4", "after-dirsync:5", "after-dirsync:6"} {
		h.Setenv("HOMESERVER_FAILPOINT", point)
		h.Launch()
		h.WaitListening(patience)
		stop := h.load(2) // which only upload
		if h.WaitExit(patience) != -1 {
			t.Fatal("the server was not killed")
		}
		stop()
		h.CloseIdle()
	}
	orphans := h.orphans()
	if orphans == 0 {
		t.Fatal("dying after the rename left no orphans")
	}
	h.Setenv("HOMESERVER_FAILPOINT", "")
	h.Start()
	for range deletions {
		if !h.upload() || !h.deleteOne() {
			t.Fatal("the server does not answer")
		}
	}
	h.JSON(t, "POST", "/api/v1/trash/empty", map[string]string{"confirm": fmt.Sprint(deletions)}).Expect(t, 200)
	h.Stop()
	h.forgetTrash()
	h.Setenv("COLLECT_AFTER", "1s")
	for _, point := range []string{"collect-before", "collect-row", "before-unlink", "after-unlink"} {
		h.Setenv("HOMESERVER_FAILPOINT", point)
		h.ExpireLeases()
		h.Launch()
		if h.WaitExit(patience) != -1 {
			t.Fatalf("the collector did not come to %s", point)
		}
	}
	h.Setenv("HOMESERVER_FAILPOINT", "")
	h.ExpireLeases()
	unfinished := h.ageIncoming()
	if unfinished == 0 {
		t.Error("dying in the middle of uploads left nothing under incoming")
	}
	h.Start()
	server.Eventually(t, patience, "the collector", func() error {
		if left := h.orphans(); left > 0 {
			return fmt.Errorf("%d of %d orphans left", left, orphans)
		}
		return nil
	})
	if left := h.ageIncoming(); left > 0 {
		t.Errorf("%d of %d unfinished uploads are left a day later", left, unfinished)
	}
	h.look()
	h.Stop()
	h.check(true)
}

// newHousehold prepares a server with failpoints on an empty database.
func newHousehold(t *testing.T, database string) *household {
	t.Helper()
	env := map[string]string{"COLLECT_AFTER": "1s"}
	if database == "postgres" {
		env["DATABASE_URL"] = sqldbtest.Postgres(t)
	}
	return &household{
		Server: server.New(t, server.Options{Tags: "failpoint", Env: env}), t: t,
		backups: filepath.Join(t.TempDir(), "backups"), facts: map[string]*fact{}, gone: map[string]bool{}, seen: map[string]string{}, acked: map[string]int{},
	}
}
