// Package backup backs houses up while people work in them, restores them elsewhere, and
// compares: what comes back is the house as it was at one moment, byte for byte.
package backup

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"homeserver/internal/platform/sqldb/sqldbtest"
	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

const (
	// clients work at the same time; each waits for one answer before it asks for more.
	clients = 8
	// warmUp is how many changes each makes before the first backup.
	warmUp = 12
)

// state is what a client's files are: names and contents.
type state map[string]string

// client keeps what it did and when. Step n leads from states[n] to states[n+1].
type client struct {
	*server.Server
	name   string
	random *rand.Rand
	ids    map[string]string // of files that are there, by name

	mu      sync.Mutex
	states  []state
	asked   []time.Time
	granted []time.Time // one less than asked while a step is under way
}

func newClient(s *server.Server, n int) *client {
	return &client{Server: s, name: fmt.Sprintf("client%d", n), random: rand.New(rand.NewPCG(uint64(n), 9)), ids: map[string]string{}, states: []state{{}}}
}

// step makes one change: an upload, a move to another name, a deletion.
func (c *client) step(t *testing.T, n int) {
	now := clone(c.states[n])
	name := fmt.Sprintf("%s-%d.txt", c.name, n)
	victim := ""
	for victim = range c.ids {
		break
	}
	act, text := c.random.IntN(4), fmt.Sprintf("content %d of %s, or %d of everybody's", n, c.name, n%5)
	if c.random.IntN(3) == 0 {
		text = fmt.Sprint("everybody's content ", n%5)
	}
	var change func() error
	switch {
	case victim == "" || act < 2:
		now[name] = text
		change = func() error {
			f, err := c.TryUpload(name, []byte(text), c.name)
			c.ids[name] = f.ID
			return err
		}
	case act == 2:
		now[name] = now[victim]
		delete(now, victim)
		change = func() error {
			c.ids[name] = c.ids[victim]
			delete(c.ids, victim)
			return c.expect("PATCH", "/api/v1/files/"+c.ids[name], fmt.Sprintf(`{"filename":%q}`, name))
		}
	default:
		delete(now, victim)
		change = func() error {
			id := c.ids[victim]
			delete(c.ids, victim)
			return c.expect("DELETE", "/api/v1/files/"+id, "")
		}
	}
	c.mu.Lock()
	c.states, c.asked = append(c.states, now), append(c.asked, time.Now())
	c.mu.Unlock()
	if err := change(); err != nil {
		t.Errorf("%s, step %d: %v", c.name, n, err)
	}
	c.mu.Lock()
	c.granted = append(c.granted, time.Now())
	c.mu.Unlock()
}

func (c *client) expect(method, path, body string) error {
	answer, err := c.Try(method, path, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(body))
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("%d %s", answer.Status, answer.Body)
	}
	return err
}

func clone(s state) state {
	copied := state{}
	for name, text := range s {
		copied[name] = text
	}
	return copied
}

func (c *client) steps() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.granted)
}

// at finds after which step the client's files were like this, -1 for never.
func (c *client) at(found state) int {
	for n := len(c.states) - 1; n >= 0; n-- {
		if cmp.Equal(c.states[n], found) {
			return n
		}
	}
	return -1
}

// TestABackupIsOneMoment makes two backups while eight clients work, and restores both.
func TestABackupIsOneMoment(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		dir := filepath.Join(t.TempDir(), "backups")
		var people []*client
		done := make(chan struct{})
		var all sync.WaitGroup
		for n := range clients {
			c := newClient(s, n)
			people = append(people, c)
			all.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-done:
						return
					default:
						c.step(t, n)
					}
				}
			})
		}
		var names []string
		for range 2 {
			for _, c := range people {
				begun := c.steps()
				server.Eventually(t, time.Minute, c.name, func() error {
					if c.steps() < begun+warmUp {
						return fmt.Errorf("%d steps", c.steps())
					}
					return nil
				})
			}
			names = append(names, backUp(t, s, dir))
		}
		close(done)
		all.Wait()
		for _, name := range names {
			restored := restore(t, s, env, dir, "--snapshot", name)
			compare(t, restored, people)
		}
	})
}

// backUp makes a backup and returns its name.
func backUp(t *testing.T, s *server.Server, dir string, flags ...string) string {
	t.Helper()
	out, errOut, code := s.CLI(append([]string{"backup", dir}, flags...)...)
	if code != 0 {
		t.Fatalf("backup: %d %s %s", code, out, errOut)
	}
	_, name, _ := strings.Cut(out, "Backup ")
	name, _, _ = strings.Cut(name, ":")
	return name
}

// restore gives a backup back into a new house, which is started.
func restore(t *testing.T, s *server.Server, env map[string]string, dir string, flags ...string) *server.Server {
	t.Helper()
	other := map[string]string{}
	if env["DATABASE_URL"] != "" {
		other["DATABASE_URL"] = sqldbtest.Postgres(t)
	}
	r := server.New(t, server.Options{Env: other})
	out, errOut, code := r.CLI(append([]string{"restore", dir}, flags...)...)
	if code != 0 {
		t.Fatalf("restore: %d %s %s", code, out, errOut)
	}
	if out, errOut, code := r.CLI("check"); code != 0 {
		t.Errorf("check: %d %s %s", code, out, errOut)
	}
	key, err := os.ReadFile(filepath.Join(s.Dir, "data", "secret.key"))
	restoredKey, errThere := os.ReadFile(filepath.Join(r.Dir, "data", "secret.key"))
	if err != nil || errThere != nil || string(key) != string(restoredKey) {
		t.Errorf("the key did not come back: %v %v", err, errThere)
	}
	r.Start()
	return r
}

// compare finds for every client the step after which the restored house was taken, and makes
// sure that these steps belong to one moment.
func compare(t *testing.T, r *server.Server, people []*client) {
	t.Helper()
	found := map[string]state{}
	for _, c := range people {
		found[c.name] = state{}
	}
	for _, f := range r.ListFiles(t, "").Files {
		owner, _, _ := strings.Cut(f.Filename, "-")
		body := r.Download(t, f.ID).Expect(t, 200).Body
		if len(f.Tags) != 1 || f.Tags[0] != owner || f.SHA256 == nil || *f.SHA256 != server.Digest(body) || f.Size != int64(len(body)) {
			t.Errorf("%s came back with tags %v, %d bytes of %d", f.Filename, f.Tags, len(body), f.Size)
		}
		found[owner][f.Filename] = string(body)
	}
	last := map[string]int{}
	for _, c := range people {
		n := c.at(found[c.name])
		if n < 0 {
			t.Fatalf("%s never had these files: %v", c.name, found[c.name])
		}
		last[c.name] = n
	}
	for _, c := range people {
		n := last[c.name]
		if n >= len(c.granted) {
			continue
		}
		missing := c.granted[n] // the first step that is not in the backup was answered then
		for _, other := range people {
			if m := last[other.name]; m > 0 && other.asked[m-1].After(missing) {
				t.Errorf("step %d of %s is in the backup, and step %d of %s, which was answered before it began, is not", m-1, other.name, n, c.name)
			}
		}
	}
	r.Upload(t, "after.txt", []byte("life goes on"))
	t.Logf("restored after steps %v", last)
}

// TestRestoreRefusesWhatIsInUse: nothing of anybody's is replaced.
func TestRestoreRefusesWhatIsInUse(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		s.Upload(t, "a.txt", []byte("a"))
		dir := filepath.Join(t.TempDir(), "backups")
		backUp(t, s, dir)
		s.Stop()
		if out, errOut, code := s.CLI("restore", dir); code != 1 || !strings.Contains(errOut, "in use") {
			t.Errorf("into itself: got %d %s %s", code, out, errOut)
		}
		other := map[string]string{}
		if env["DATABASE_URL"] != "" {
			other["DATABASE_URL"] = sqldbtest.Postgres(t)
		}
		r := server.New(t, server.Options{Env: other})
		stranger := filepath.Join(r.StoragePath(), "mine")
		if err := os.MkdirAll(stranger, 0o700); err != nil {
			t.Fatal(err)
		}
		if out, errOut, code := r.CLI("restore", dir); code != 1 || !strings.Contains(errOut, "not empty") {
			t.Errorf("into a full storage: got %d %s %s", code, out, errOut)
		}
		if err := os.Remove(stranger); err != nil {
			t.Fatal(err)
		}
		// A house that was started once and never used may be restored into.
		r.Start()
		r.Stop()
		if err := os.RemoveAll(r.StoragePath()); err != nil {
			t.Fatal(err)
		}
		if out, errOut, code := r.CLI("restore", dir); code != 0 {
			t.Errorf("into a house that was never used: got %d %s %s", code, out, errOut)
		}
		r.Start()
		if list := r.ListFiles(t, ""); list.Total != 1 {
			t.Errorf("got %+v", list)
		}
	})
}

// TestTheDatabaseIsLost and the content is not: export names every file, and a restore takes
// only what is missing.
func TestTheDatabaseIsLost(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		want := map[string]string{}
		for n := range 30 {
			name, text := fmt.Sprintf("file %d.txt", n), fmt.Sprint("content ", n%20)
			s.Upload(t, name, []byte(text))
			want[name] = text
		}
		dir := filepath.Join(t.TempDir(), "backups")
		backUp(t, s, dir)
		server.Eventually(t, time.Minute, "the manifest", func() error {
			found, err := filepath.Glob(filepath.Join(s.StoragePath(), "manifests", "*.zst"))
			if err == nil && len(found) == 0 {
				err = errors.New("none is there")
			}
			return err
		})
		late := s.Upload(t, "late.txt", []byte("late"))
		want["late.txt"] = "late"
		server.Eventually(t, time.Minute, "the journal", func() error { return named(s, late.ID) })
		s.Kill()
		lost := map[string]string{"STORAGE_PATH": s.StoragePath()}
		if env["DATABASE_URL"] != "" {
			lost["DATABASE_URL"] = sqldbtest.Postgres(t)
		}
		r := server.New(t, server.Options{Env: lost})
		target := filepath.Join(t.TempDir(), "export")
		if out, errOut, code := r.CLI("export", target); code != 0 {
			t.Fatalf("export: %d %s %s", code, out, errOut)
		}
		got := map[string]string{}
		for name := range want {
			text, _ := os.ReadFile(filepath.Join(target, "Household", name))
			got[name] = string(text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		out, errOut, code := r.CLI("restore", dir)
		if code != 0 || !strings.Contains(out, "20 of them were there already") {
			t.Fatalf("restore: %d %s %s", code, out, errOut)
		}
		r.Start()
		if list := r.ListFiles(t, ""); list.Total != 30 {
			t.Errorf("got %d files, want 30", list.Total)
		}
	})
}

// named reports whether what is written down names a file.
func named(s *server.Server, id string) error {
	names, err := filepath.Glob(filepath.Join(s.StoragePath(), "manifests", "*.journal.jsonl"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), id) {
			return nil
		}
	}
	return fmt.Errorf("none of %v names %s", names, id)
}
