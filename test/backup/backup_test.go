// Package backup backs houses up while people work in them, restores them elsewhere, and
// compares: what comes back is the house as it was at one moment, byte for byte.
package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// state is what a client's files are: paths and contents.
type state map[string]string

// entry is a file of a client.
type entry struct{ id, folder, text string }

// client keeps what it did and when. Step n leads from states[n] to states[n+1]. Its files lie in
// three folders below one of its own: x, y, and m, which it moves from one to the other.
type client struct {
	*server.Server
	name    string
	random  *rand.Rand
	folders map[string]string // ids by name
	place   string            // of m: x or y
	files   map[string]*entry // by name

	mu      sync.Mutex
	states  []state
	asked   []time.Time
	granted []time.Time // one less than asked while a step is under way
}

func newClient(t *testing.T, s *server.Server, n int) *client {
	t.Helper()
	c := &client{Server: s, name: fmt.Sprintf("client%d", n), random: rand.New(rand.NewPCG(uint64(n), 9)), folders: map[string]string{}, place: "x", files: map[string]*entry{}, states: []state{{}}}
	for _, path := range []string{"x", "y", "x/m"} {
		var folder struct{ ID string }
		c.JSON(t, "POST", "/api/v1/folders/path", map[string]any{"parent": "household", "path": strings.Split(c.name+"/"+path, "/")}).Expect(t, 200).Decode(t, &folder)
		c.folders[filepath.Base(path)] = folder.ID
	}
	return c
}

// now is the state that the client's files make up.
func (c *client) now() state {
	s := state{}
	for name, f := range c.files {
		folder := f.folder
		if folder == "m" {
			folder = c.place + "/m"
		}
		s[c.name+"/"+folder+"/"+name] = f.text
	}
	return s
}

// step makes one change: an upload, a new name, a move of a file or of a folder with all that is
// in it, a deletion.
func (c *client) step(t *testing.T, n int) {
	name, folder := fmt.Sprintf("%d.txt", n), []string{"x", "y", "m"}[c.random.IntN(3)]
	victim := ""
	for victim = range c.files {
		break
	}
	text := fmt.Sprintf("content %d of %s", n, c.name)
	if c.random.IntN(3) == 0 {
		text = fmt.Sprint("everybody's content ", n%5)
	}
	var change func() error
	switch act := c.random.IntN(6); {
	case victim == "" || act < 2:
		added := &entry{folder: folder, text: text}
		c.files[name] = added
		change = func() (err error) {
			added.id, err = c.put(name, text, c.folders[folder])
			return err
		}
	case act == 2:
		moved := c.files[victim]
		c.files[name] = moved
		delete(c.files, victim)
		change = func() error {
			return c.expect("PATCH", "/api/v1/files/"+moved.id, fmt.Sprintf(`{"filename":%q}`, name))
		}
	case act == 3:
		moved := c.files[victim]
		moved.folder = folder
		change = func() error {
			return c.expect("POST", "/api/v1/files/move", fmt.Sprintf(`{"files":[{"id":%q}],"to":%q}`, moved.id, c.folders[folder]))
		}
	case act == 4:
		c.place = map[string]string{"x": "y", "y": "x"}[c.place]
		change = func() error {
			return c.expect("POST", "/api/v1/files/move", fmt.Sprintf(`{"folders":[{"id":%q}],"to":%q}`, c.folders["m"], c.folders[c.place]))
		}
	default:
		id := c.files[victim].id
		delete(c.files, victim)
		change = func() error { return c.expect("DELETE", "/api/v1/files/"+id, "") }
	}
	c.mu.Lock()
	c.states, c.asked = append(c.states, c.now()), append(c.asked, time.Now())
	c.mu.Unlock()
	if err := change(); err != nil {
		t.Errorf("%s, step %d: %v", c.name, n, err)
	}
	c.mu.Lock()
	c.granted = append(c.granted, time.Now())
	c.mu.Unlock()
}

// put uploads into a folder.
func (c *client) put(name, text, folder string) (id string, err error) {
	answer, err := c.Post(server.Field("folder", folder), server.Field("tags", c.name), server.FilePart(name, "text/plain", []byte(text)))
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("%d %s", answer.Status, answer.Body)
	}
	var file server.File
	if err == nil {
		err = json.Unmarshal(answer.Body, &file)
	}
	return file.ID, err
}

func (c *client) expect(method, path, body string) error {
	answer, err := c.Try(method, path, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(body))
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("%d %s", answer.Status, answer.Body)
	}
	return err
}

func (c *client) steps() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.granted)
}

// at finds after which steps the client's files were like this: the first and the last, since
// what is moved there and back is as it was.
func (c *client) at(found state) (first, last int) {
	first, last = -1, -1
	for n, s := range c.states {
		if maps.Equal(s, found) {
			if first < 0 {
				first = n
			}
			last = n
		}
	}
	return first, last
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
			c := newClient(t, s, n)
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
	paths := map[string]string{"household": ""}
	for _, f := range r.ListFiles(t, "").Files {
		var more struct {
			Folder string `json:"folder_id"`
		}
		r.Get(t, "/api/v1/files/"+f.ID+"/metadata").Expect(t, 200).Decode(t, &more)
		path := pathOf(t, r, more.Folder, paths) + "/" + f.Filename
		owner, _, _ := strings.Cut(path, "/")
		body := r.Download(t, f.ID).Expect(t, 200).Body
		if len(f.Tags) != 1 || f.Tags[0] != owner || f.SHA256 == nil || *f.SHA256 != server.Digest(body) || f.Size != int64(len(body)) {
			t.Errorf("%s came back with tags %v, %d bytes of %d", path, f.Tags, len(body), f.Size)
		}
		found[owner][path] = string(body)
	}
	first, last := map[string]int{}, map[string]int{}
	for _, c := range people {
		first[c.name], last[c.name] = c.at(found[c.name])
		if last[c.name] < 0 {
			t.Fatalf("%s never had these files: %v", c.name, found[c.name])
		}
	}
	for _, c := range people {
		n := last[c.name]
		if n >= len(c.granted) {
			continue
		}
		missing := c.granted[n] // the first step that is not in the backup was answered then
		for _, other := range people {
			if m := first[other.name]; m > 0 && other.asked[m-1].After(missing) {
				t.Errorf("step %d of %s is in the backup, and step %d of %s, which was answered before it began, is not", m-1, other.name, n, c.name)
			}
		}
	}
	r.Upload(t, "after.txt", []byte("life goes on"))
	t.Logf("restored after steps %v", last)
}

// pathOf is a folder's path.
func pathOf(t *testing.T, r *server.Server, id string, known map[string]string) string {
	t.Helper()
	if path, ok := known[id]; ok {
		return path
	}
	var folder struct {
		Name string
		Path []struct{ Name string }
	}
	r.Get(t, "/api/v1/folders/"+id).Expect(t, 200).Decode(t, &folder)
	var names []string
	for _, p := range folder.Path {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 || names[len(names)-1] != folder.Name {
		names = append(names, folder.Name)
	}
	known[id] = strings.Join(names, "/")
	return known[id]
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
