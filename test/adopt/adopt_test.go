// Package adopt points the server at what the Python original left behind, its PostgreSQL
// database and its storage directory, and expects that it carries on: everything is served
// at once, moved into blobs in the background, through any number of crashes, and nothing
// outside the storage directory is ever touched.
package adopt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// moveTimeout is how long moving 300 small files may take on a busy machine.
const moveTimeout = 60 * time.Second

func TestAdoption(t *testing.T) {
	t.Parallel()
	o := newOriginal(t)
	s := server.Start(t, o.options(""))
	checkList(t, s, o)
	checkContent(t, s, o)
	checkHostile(t, s, o)
	if !has(filepath.Join(o.storage, ".homeserver-storage")) {
		t.Error("the storage directory bears no marker")
	}
	settle(t, s, o)
	checkList(t, s, o)
	checkContent(t, s, o)
	checkHostile(t, s, o)
	checkBlobs(t, o)
	checkDeletion(t, s, o)
	checkReport(t, s, o)
	s.Stop()
	s.Start()
	checkContent(t, s, o)

	// A server that the household knows does not start on another directory.
	s.Stop()
	s.Setenv("STORAGE_PATH", filepath.Join(o.dir, "nowhere"))
	s.Launch()
	if code := s.WaitExit(30 * time.Second); code <= 0 || has(filepath.Join(o.dir, "nowhere")) {
		t.Errorf("on a directory that is not there: got exit code %d, want a refusal that makes nothing", code)
	}
}

// checkList expects every row, newest first, and exact filters.
func checkList(t *testing.T, s *server.Server, o *original) {
	t.Helper()
	list := s.ListFiles(t, "")
	want := len(o.rows) + 1 + len(o.hostile)
	if list.Total != want || len(list.Files) != want {
		t.Errorf("list: got %d files, total %d, want %d", len(list.Files), list.Total, want)
	}
	byTag := map[string]int{}
	for i, file := range list.Files {
		if i > 0 && file.UploadDate.After(list.Files[i-1].UploadDate) {
			t.Errorf("list: %s is newer than the one before it", file.Filename)
		}
		r := o.rows[file.ID]
		if r == nil {
			continue
		}
		want := server.File{ID: r.id, Filename: r.name, ContentType: r.contentType, Size: int64(len(r.content)), UploadDate: r.uploaded, Tags: r.shown, SHA256: file.SHA256}
		if diff := cmp.Diff(want, file); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		for _, tag := range r.shown {
			byTag[tag]++
		}
	}
	for _, tag := range []string{"tenth", "Größe", "a", "b", "twin"} {
		if got := s.ListFiles(t, "tag="+url.QueryEscape(tag)).Total; got != byTag[tag] || got == 0 {
			t.Errorf("tag %q: got %d files, want %d", tag, got, byTag[tag])
		}
	}
	if got := s.ListFiles(t, "tag=lost"); got.Total != 1 || got.Files[0].ID != o.missing.id {
		t.Errorf("tag lost: got %+v, want the file whose content is missing", got)
	}
}

// checkContent downloads everything byte for byte.
func checkContent(t *testing.T, s *server.Server, o *original) {
	t.Helper()
	for _, r := range o.rows {
		answer := s.Get(t, server.Files+"/"+r.id+"/download")
		if answer.Status != 200 || !bytes.Equal(answer.Body, r.content) {
			t.Errorf("download of %s: got %d, %d bytes, want its %d bytes", r.name, answer.Status, len(answer.Body), len(r.content))
		}
	}
	if part := s.Do(t, "GET", server.Files+"/"+o.twins[1].id+"/download", http.Header{"Range": {"bytes=4-7"}}, nil); part.Status != 206 || string(part.Body) != "same" {
		t.Errorf("a part: got %d %q, want 206 \"same\"", part.Status, part.Body)
	}
	if o.missing == nil {
		return // deleted
	}
	s.Get(t, server.Files+"/"+o.missing.id+"/metadata").Expect(t, 200)
	if answer := s.Get(t, server.Files+"/"+o.missing.id+"/download"); answer.Status < 400 || answer.Detail() == "" {
		t.Errorf("download of missing content: got %d %q, want an error with a sentence", answer.Status, answer.Detail())
	}
}

// checkHostile expects that no row makes the server serve or touch what is not its own.
func checkHostile(t *testing.T, s *server.Server, o *original) {
	t.Helper()
	for what, r := range o.hostile {
		for _, method := range []string{"GET", "HEAD"} {
			answer := s.Do(t, method, server.Files+"/"+r.id+"/download", nil, nil)
			if answer.Status < 400 || bytes.Contains(answer.Body, []byte("secret")) || bytes.Contains(answer.Body, []byte("root:")) {
				t.Errorf("%s (%s): %s got %d %.80q, want an error", what, r.path, method, answer.Status, answer.Body)
			}
		}
	}
	for _, path := range []string{o.outside, filepath.Join(o.dir, "elsewhere", "linked.txt")} {
		if text, err := os.ReadFile(path); err != nil || string(text) != secret {
			t.Fatalf("%s outside the storage was touched: %q, %v", path, text, err)
		}
	}
	if text, err := os.ReadFile(o.orphan); err != nil || string(text) != "no row knows me" {
		t.Errorf("a file without a row was touched: %q, %v", text, err)
	}
}

// settle waits until everything that can be moved has been.
func settle(t *testing.T, s *server.Server, o *original) {
	t.Helper()
	server.Eventually(t, moveTimeout, "the move into blobs", func() error {
		select {
		case <-s.Exited():
			t.Fatalf("the server ended:\n%s", s.Log())
		default:
		}
		if n := o.waiting(); n > 0 {
			return fmt.Errorf("%d files lie where the original put them", n)
		}
		return nil
	})
}

// checkBlobs expects every content once, whole, under its digest.
func checkBlobs(t *testing.T, o *original) {
	t.Helper()
	for _, r := range o.rows {
		digest := server.Digest(r.content)
		content, err := os.ReadFile(filepath.Join(o.storage, "blobs", digest[:2], digest))
		if err != nil || !bytes.Equal(content, r.content) {
			t.Errorf("blob of %s: %v, %d bytes, want %d", r.name, err, len(content), len(r.content))
		}
	}
}

// checkDeletion deletes ordinary, twin and hostile rows.
func checkDeletion(t *testing.T, s *server.Server, o *original) {
	t.Helper()
	gone := []*row{o.twins[0], o.shared[0], o.missing}
	for _, r := range o.hostile {
		gone = append(gone, r)
	}
	for _, r := range gone {
		path := server.Files + "/" + r.id
		s.Do(t, "DELETE", path, nil, nil).Expect(t, 200)
		s.Get(t, path+"/metadata").Expect(t, 404)
		delete(o.rows, r.id)
	}
	o.missing, o.hostile = nil, nil
	for _, kept := range []*row{o.twins[1], o.shared[1]} {
		if got := s.Download(t, kept.id).Body; !bytes.Equal(got, kept.content) {
			t.Errorf("%s after its double was deleted: got %q", kept.name, got)
		}
	}
	// Content of one row goes with it, and only with it, when the time to undo is over: that is
	// tested in the files room with its own clock.
	checkHostileFiles(t, o)
}

func checkHostileFiles(t *testing.T, o *original) {
	t.Helper()
	for _, path := range []string{o.outside, filepath.Join(o.dir, "elsewhere", "linked.txt"), o.orphan} {
		if !has(path) {
			t.Errorf("%s is gone", path)
		}
	}
}

// report is what `homeserver check --json` prints.
type report map[string]any

// checkReport expects check to name the orphan, and the missing file until it was deleted.
func checkReport(t *testing.T, s *server.Server, o *original) {
	t.Helper()
	out, errOut, code := s.CLI("check", "--json")
	var r report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("check --json: code %d, %v: %s%s", code, err, out, errOut)
	}
	if !strings.Contains(out, filepath.Base(o.orphan)) {
		t.Errorf("check --json does not name the orphan %s: %s", o.orphan, out)
	}
}

// TestInterruptedAdoption kills the server again and again while it moves files.
func TestInterruptedAdoption(t *testing.T) {
	t.Parallel()
	o := newOriginal(t)
	s := server.New(t, o.options("failpoint"))
	kills := 0
	crash := func(failpoint string, patience time.Duration) {
		t.Helper()
		s.Setenv("HOMESERVER_FAILPOINT", failpoint)
		if kills > 2 { // the tables are there
			s.ExpireLeases()
		}
		s.Launch()
		select {
		case <-s.Exited():
			kills++
		case <-time.After(patience):
			t.Fatalf("the server did not come to %s in %v", failpoint, patience)
		}
		if strings.Contains(s.Log(), "panic") {
			t.Errorf("%s: the server panicked:\n%s", failpoint, s.Log())
		}
	}
	points := []string{"before-marker:1", "after-marker:1"}
	for i, step := range []string{"adopt-hashed", "adopt-digest", "adopt-before-rename", "adopt-after-rename", "adopt-moved"} {
		points = append(points, fmt.Sprint(step, ":", 1+i*10))
	}
	for _, point := range points {
		crash(point, 30*time.Second)
	}
	for range 3 { // and at any moment
		s.Setenv("HOMESERVER_FAILPOINT", "")
		s.ExpireLeases()
		before := o.waiting()
		s.Launch()
		server.Eventually(t, moveTimeout, "the move to go on", func() error {
			if now := o.waiting(); now > before-1-rand.IntN(40) && now > 0 {
				return fmt.Errorf("%d files to go, as before", now)
			}
			return nil
		})
		s.Kill()
		t.Logf("killed with %d of %d files to go", o.waiting(), before)
	}
	s.ExpireLeases()
	s.Start()
	checkContent(t, s, o) // whether moved or not
	settle(t, s, o)
	checkList(t, s, o)
	checkContent(t, s, o)
	checkHostile(t, s, o)
	checkBlobs(t, o)
}

func has(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
