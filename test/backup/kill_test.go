package backup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/sqldb/sqldbtest"
	"homeserver/test/server"
)

// patience is how long a server may take to reach its failpoint under load.
const patience = time.Minute

// TestKilledBackups kills `homeserver backup` at every step. Whatever was a backup before still
// is one, whole; what died is none, or is whole, too; and the next one succeeds.
func TestKilledBackups(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{Tags: "failpoint"})
	dir := filepath.Join(t.TempDir(), "backups")
	upload := func(n int) {
		for i := range 3 {
			s.Upload(t, fmt.Sprintf("%d-%d", n, i), []byte(fmt.Sprint("content ", n, " ", i)))
		}
	}
	upload(0)
	dies(t, s, "backup-written:1", "backup", "--keep", "0", dir) // before the directory is one of backups
	good := []string{backUp(t, s, dir, "--keep", "0")}
	points := []string{"backup-copying:1", "backup-copying:2", "backup-synced:1", "backup-named:1", "backup-before-finish:1", "backup-written:1", "backup-listed:1", "backup-finished:1"}
	for n, point := range points {
		upload(n + 1)
		dies(t, s, point, "backup", "--keep", "0", dir)
		all := wholeBackups(t, dir)
		for _, name := range good {
			if !slices.Contains(all, name) {
				t.Errorf("%s: the backup %s is gone", point, name)
			}
		}
		if extra := len(all) - len(good); extra != map[bool]int{true: 1}[strings.HasPrefix(point, "backup-finished")] {
			t.Errorf("%s: %d backups more than there were", point, extra)
		}
		good = append(slices.Clone(all), backUp(t, s, dir, "--keep", "0"))
	}
	// While old ones are removed; some content is in old ones alone.
	for n, point := range []string{"backup-thinning:1", "backup-thinning:2", "backup-sweeping:1", "backup-sweeping:2"} {
		id := s.Upload(t, "for a while", []byte(fmt.Sprint("for a while ", n))).ID
		other := s.Upload(t, "for a while, too", []byte(fmt.Sprint("for a while, too ", n))).ID
		backUp(t, s, dir, "--keep", "0")
		for _, id := range []string{id, other} {
			s.Do(t, "DELETE", server.Files+"/"+id, nil, nil).Expect(t, 200)
		}
		s.Stop()
		s.Edit(`DELETE FROM file_metadata WHERE deleted_at IS NOT NULL`) // as the purge does
		s.Start()
		backUp(t, s, dir, "--keep", "0")
		dies(t, s, point, "backup", "--keep", "1", dir)
		if all := wholeBackups(t, dir); len(all) == 0 {
			t.Errorf("%s: no backup is left", point)
		}
	}
	last := backUp(t, s, dir, "--keep", "1")
	if all := wholeBackups(t, dir); len(all) != 1 || all[0] != last {
		t.Errorf("got %v, want only %s", all, last)
	}
	r := restore(t, s, nil, dir)
	if got, want := r.ListFiles(t, "").Total, s.ListFiles(t, "").Total; got != want {
		t.Errorf("restored %d files, want %d", got, want)
	}
}

// TestKilledRestores kills `homeserver restore` at every step: each time it can be run again, and
// gives back the whole house in the end.
func TestKilledRestores(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		for n := range 5 {
			s.Upload(t, fmt.Sprint(n), []byte(fmt.Sprint("content ", n)))
		}
		dir := filepath.Join(t.TempDir(), "backups")
		first := backUp(t, s, dir)
		other := map[string]string{}
		last := "restore-ready:1"
		if env["DATABASE_URL"] != "" {
			other["DATABASE_URL"], last = sqldbtest.Postgres(t), "restore-tables:1"
		}
		r := server.New(t, server.Options{Tags: "failpoint", Env: other})
		for _, point := range []string{"before-marker:1", "after-marker:1", "after-create:2", "mid-write:1", "before-fsync:2", "after-fsync:1", "after-rename:1", last} {
			dies(t, r, point, "restore", dir)
		}
		if env["DATABASE_URL"] != "" {
			refusesToStart(t, r, first)
		}
		s.Upload(t, "later", []byte("later"))
		backUp(t, s, dir)
		if out, errOut, code := r.CLI("restore", dir); env["DATABASE_URL"] != "" && (code != 1 || !strings.Contains(errOut, first)) {
			t.Errorf("another backup into the same tables: %d %s %s", code, out, errOut)
		}
		if out, errOut, code := r.CLI("restore", dir, "--snapshot", first); env["DATABASE_URL"] != "" && code != 0 {
			t.Fatalf("restore: %d %s %s", code, out, errOut)
		}
		if out, errOut, code := r.CLI("restore", dir, "--snapshot", first); code != 1 || !strings.Contains(errOut, "in use") {
			t.Errorf("when it is done: %d %s %s", code, out, errOut)
		}
		if out, errOut, code := r.CLI("check"); code != 0 {
			t.Errorf("check: %d %s %s", code, out, errOut)
		}
		r.Start()
		want := 6 // SQLite's file was not there yet: the newest came
		if env["DATABASE_URL"] != "" {
			want = 5
		}
		if got := r.ListFiles(t, "").Total; got != want {
			t.Errorf("got %d files, want %d", got, want)
		}
	})
}

// refusesToStart starts the server on what a broken-off restore of a backup left.
func refusesToStart(t *testing.T, s *server.Server, backup string) {
	t.Helper()
	s.Launch()
	select {
	case <-s.Exited():
	case <-time.After(patience):
		t.Error("the server runs on half-restored tables")
		s.Kill()
		return
	}
	if code := s.WaitExit(patience); code != 1 || !strings.Contains(s.Log(), "Run the same restore again") || !strings.Contains(s.Log(), "--snapshot "+backup) {
		t.Errorf("got %d %s", code, s.Log())
	}
}

// dies runs a command that is killed at a failpoint, beside the server.
func dies(t *testing.T, s *server.Server, point string, args ...string) {
	t.Helper()
	s.Setenv("HOMESERVER_FAILPOINT", point)
	out, errOut, code := s.CLI(args...)
	s.Setenv("HOMESERVER_FAILPOINT", "")
	if code != -1 {
		t.Fatalf("%s: the command was not killed: %d %s %s", point, code, out, errOut)
	}
}

// wholeBackups lists the backups and reads each of them.
func wholeBackups(t *testing.T, dir string) (names []string) {
	t.Helper()
	v, err := vault.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, broken, err := v.Snapshots()
	if err != nil || len(broken) > 0 {
		t.Fatalf("broken backups: %v %v", broken, err)
	}
	for i := range list {
		found, err := v.Verify(context.Background(), &list[i], true, nil)
		if err != nil || !found.OK() {
			t.Errorf("the backup %s: %+v %v", list[i].Name, found, err)
		}
		names = append(names, list[i].Name)
	}
	return names
}

// TestKilledFollower kills the server while it writes manifest and journal. Whatever was
// answered has its name there in the end.
func TestKilledFollower(t *testing.T) {
	t.Parallel()
	s := server.New(t, server.Options{Tags: "failpoint"})
	var want []string
	for n, point := range []string{"manifest-written:1", "manifest-named:1", "journal-append:1", "journal-append:2", ""} {
		s.Setenv("HOMESERVER_FAILPOINT", point)
		s.Launch()
		s.WaitListening(patience)
		for i := 0; ; i++ {
			name := fmt.Sprintf("%d-%d.txt", n, i)
			if _, err := s.TryUpload(name, []byte(name)); err != nil {
				break // killed
			}
			want = append(want, name)
			if point == "" {
				break
			}
			select {
			case <-s.Exited():
			case <-time.After(200 * time.Millisecond): // the journal is to be behind
			}
		}
		s.CloseIdle()
		if point == "" {
			break
		}
		if s.WaitExit(patience) != -1 {
			t.Fatalf("%s: the server was not killed", point)
		}
		s.ExpireLeases()
	}
	target := t.TempDir()
	server.Eventually(t, patience, "the journal", func() error {
		if err := os.RemoveAll(target); err != nil {
			return err
		}
		out, errOut, code := s.CLI("export", target)
		if code != 0 {
			return fmt.Errorf("export: %d %s %s", code, out, errOut)
		}
		for _, name := range want {
			if text, err := os.ReadFile(filepath.Join(target, "Household", name)); err != nil || string(text) != name {
				return fmt.Errorf("%s: %q %w", name, text, err)
			}
		}
		return nil
	})
}
