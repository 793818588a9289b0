//go:build unix

package files

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/blob/diskblob"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

const (
	// powerCuts is how often the power of one house is cut.
	powerCuts = 8
	// syncsBetween is after how many syncs at most that happens.
	syncsBetween = 150
)

// outage is a house on a disk that forgets whatever was not synced, and what people were promised.
type outage struct {
	*house
	db   *sqldb.DB
	disk *blobtest.Forgetful

	mu       sync.Mutex
	promised map[string]string // id -> digest of what is stored for certain
	either   map[string]string // id -> what it may be instead: a replacement was not answered
	old      map[string]string // id -> digest of a version that there must be
	seen     int               // promises so far
	did      map[string]int    // what else was answered, by what it was
	count    int
}

// TestPowerCuts cuts the power at every kind of moment while people do everything at once. The
// database is durable by itself. After each cut everything promised is there byte for byte, nothing
// half is visible, and a check finds nothing but content without a file.
func TestPowerCuts(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		o := &outage{db: db, promised: map[string]string{}, either: map[string]string{}, old: map[string]string{}, did: map[string]int{}}
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		o.firstStart(t, root)
		for n := range powerCuts {
			o.start(t, root, 2+rand.IntN(syncsBetween), n%3 == 2)
			o.live()
			o.disk.Restore()
			o.start(t, root, 1<<30, false)
			o.look()
			if t.Failed() {
				t.Fatalf("after cut %d", n+1)
			}
		}
		t.Logf("%d files promised, and %v", o.seen, o.did)
		if o.seen == 0 || o.did["replaced"] == 0 {
			t.Error("nothing was ever promised")
		}
	})
}

// TestPowerCutsDuringAdoption cuts the power again and again while the original's files become blobs.
func TestPowerCutsDuringAdoption(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		o := &outage{db: db, promised: map[string]string{}, either: map[string]string{}, old: map[string]string{}, did: map[string]int{}}
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		var rows []legacyRow
		for i := range 30 {
			content := fmt.Sprint("content ", i%25)
			rows = append(rows, legacyRow{id: id(i), name: fmt.Sprint(i), path: fmt.Sprintf("%02d/%s", i%7, id(i)), content: content})
			o.promised[id(i)] = blobtest.Digest([]byte(content))
		}
		original(t, db, root, rows)
		o.firstStart(t, root)
		cuts := 0
		for ; ; cuts++ {
			o.start(t, root, 1+rand.IntN(20), false)
			err := o.Adopt(t.Context())
			select {
			case <-o.disk.Off():
				o.disk.Restore()
				o.start(t, root, 1<<30, false)
				o.look()
				continue
			default:
				o.must(err)
			}
			break
		}
		if cuts == 0 {
			t.Error("the power was never cut")
		}
		if report := o.sound(); report.NotAdopted > 0 {
			t.Errorf("got %+v, want everything adopted", report)
		}
	})
}

// firstStart cuts the power while the storage directory is being made, at every sync in turn.
func (o *outage) firstStart(t *testing.T, root string) {
	t.Helper()
	for cut := 1; ; cut++ {
		err := o.open(t, root, cut, false)
		select {
		case <-o.disk.Off():
		default:
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		o.disk.Restore()
	}
}

// open puts the room on what the disk remembers.
func (o *outage) open(t *testing.T, root string, cutAt int, noWhole bool) error {
	t.Helper()
	o.disk = blobtest.NewForgetful(t, root, cutAt)
	o.disk.NoWhole = noWhole
	var err error
	o.house, err = tryFurnish(t, o.db, root, func(blob.Store) blob.Store { return diskblob.NewSynced(root, o.disk) })
	return err
}

func (o *outage) start(t *testing.T, root string, cutAt int, noWhole bool) {
	t.Helper()
	if err := o.open(t, root, cutAt, noWhole); err != nil {
		t.Fatalf("the house does not come up again: %v", err)
	}
}

// live has people work until the power is cut.
func (o *outage) live() {
	o.t.Helper()
	work := []func(){o.uploadOne, o.uploadOne, o.uploadMany, o.replaceOne, o.goBack, o.deleteOne, o.moveOne, o.keepHouse}
	var all sync.WaitGroup
	for _, do := range work {
		all.Go(func() {
			for {
				select {
				case <-o.disk.Off():
					return
				default:
					do()
				}
			}
		})
	}
	all.Wait()
}

// content makes small content, some of which others have too.
func (o *outage) content() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count++
	if o.count%5 == 0 {
		return fmt.Sprint("often ", rand.IntN(8))
	}
	return fmt.Sprint("content ", o.count, " ", rand.Uint64())
}

// promise notes what was answered.
func (o *outage) promise(id, content string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.promised[id] = blobtest.Digest([]byte(content))
	o.seen++
}

func (o *outage) uploadOne() {
	content := o.content()
	kind, body := formOf("one", []byte(content), "tag")
	if w := o.do("POST", prefix+"/upload", kind, body); w.Code == 200 {
		o.promise(into[FileBody](o.house, w).ID, content)
	}
}

func (o *outage) uploadMany() {
	var files []string
	for range 1 + rand.IntN(40) {
		files = append(files, "many", o.content())
	}
	kind, body := batchBody(map[string]string{"on_conflict": "keep"}, files...)
	w := o.do("POST", prefix+"/batch", kind, body)
	if w.Code != 200 {
		return
	}
	for i, line := range o.linesOf(w.Body).files {
		if line.File != nil {
			o.promise(line.File.ID, files[2*i+1])
		}
	}
}

// take takes a file that was promised away from the others; "" when there is none.
func (o *outage) take() (id, digest string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, digest = range o.promised {
		if o.either[id] == "" {
			delete(o.promised, id)
			return id, digest
		}
	}
	return "", ""
}

// give gives it back: it has one content, or if nobody knows one of two.
func (o *outage) give(what, id, digest, either string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.promised[id] = digest
	if either != "" {
		o.either[id] = either
	} else {
		o.did[what]++
	}
}

// replaceOne gives a file new content; what it was is a version.
func (o *outage) replaceOne() {
	id, was := o.take()
	if id == "" {
		return
	}
	content := o.content()
	digest := blobtest.Digest([]byte(content))
	w := o.do("PUT", prefix+"/"+id+"/content", "text/plain", strings.NewReader(content))
	if w.Code != 200 {
		o.give("", id, was, digest)
		return
	}
	o.mu.Lock()
	o.old[id] = was
	o.mu.Unlock()
	o.give("replaced", id, digest, "")
}

// goBack makes a version of a file its content again.
func (o *outage) goBack() {
	id, was := o.take()
	if id == "" {
		return
	}
	var list versionsBody
	w := o.get(prefix + "/" + id + "/versions")
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Versions) == 0 {
		o.give("looked at", id, was, "")
		return
	}
	v := list.Versions[rand.IntN(len(list.Versions))]
	if w := o.house.send("POST", "/"+id+"/versions/"+v.ID+"/restore", "{}"); w.Code != 200 {
		o.give("", id, was, v.SHA256)
		return
	}
	o.give("gone back", id, v.SHA256, "")
}

// deleteOne deletes what nobody expects any more from then on, and sometimes wants it back.
func (o *outage) deleteOne() {
	id, digest := o.take()
	if id == "" {
		return
	}
	o.do("DELETE", prefix+"/"+id, "", nil)
	if rand.IntN(2) == 0 {
		if w := o.do("POST", prefix+"/"+id+"/restore", "", nil); w.Code == 200 {
			o.give("restored", id, digest, "")
			return
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.old, id) // the trash may have been emptied
}

// moveOne puts a file into a folder of its own, and the folder into the trash and back.
func (o *outage) moveOne() {
	id, digest := o.take()
	if id == "" {
		return
	}
	defer o.give("moved", id, digest, "")
	w := o.ask("POST", folderPrefix, fmt.Sprintf(`{"parent":"household","name":"folder %d"}`, rand.Uint64()))
	var d FolderBody
	if w.Code != 201 || json.Unmarshal(w.Body.Bytes(), &d) != nil {
		return
	}
	o.house.send("POST", "/move", fmt.Sprintf(`{"files":[{"id":%q}],"to":%q,"on_conflict":"keep"}`, id, d.ID))
}

// keepHouse lets days pass: the trash is emptied, its content collected, and what crashes left is swept.
func (o *outage) keepHouse() {
	empty := func(ctx context.Context) error {
		_, err := o.EmptyTrash(identity.With(ctx, o.who), "9999")
		return err
	}
	for _, job := range []func(context.Context) error{empty, o.Collect, o.Adopt} {
		o.clock.advance(13 * time.Hour)
		_ = job(context.Background()) // without power it fails
	}
}

// versions looks for what a file once was.
func (o *outage) versions(id string) {
	o.t.Helper()
	want := o.old[id]
	if want == "" {
		return
	}
	for _, v := range into[versionsBody](o.house, o.get(prefix+"/"+id+"/versions")).Versions {
		w := o.get(prefix + "/" + id + "/versions/" + v.ID + "/download")
		if w.Code != 200 || blobtest.Digest(w.Body.Bytes()) != v.SHA256 {
			o.t.Errorf("the version %s of %s: got %d and %d bytes", v.SHA256, id, w.Code, w.Body.Len())
		}
		if v.SHA256 == want {
			want = ""
		}
	}
	if want != "" && want != o.promised[id] {
		o.t.Errorf("%s: its version %s is gone", id, want)
	}
}

// look compares what is there with what was promised.
func (o *outage) look() {
	o.t.Helper()
	listed := map[string]string{}
	for _, f := range o.list("").Files {
		w := o.get(prefix + "/" + f.ID + "/download")
		if w.Code != 200 || int64(w.Body.Len()) != f.Size || f.SHA256 != nil && *f.SHA256 != blobtest.Digest(w.Body.Bytes()) {
			o.t.Errorf("%s is listed with %d bytes: got %d and %d bytes", f.ID, f.Size, w.Code, w.Body.Len())
		}
		listed[f.ID] = blobtest.Digest(w.Body.Bytes())
	}
	for _, id := range slices.Sorted(maps.Keys(o.promised)) {
		got, ok := listed[id]
		if !ok || got != o.promised[id] && got != o.either[id] {
			o.t.Errorf("%s was promised: got digest %q, want %s %s", id, got, o.promised[id], o.either[id])
		}
		o.promised[id] = got // one of two is known now
		delete(o.either, id)
		o.versions(id)
	}
	o.consistent()
	report, err := o.Check(context.Background(), CheckOptions{})
	if err != nil || len(report.Missing)+len(report.WrongSize)+len(report.WrongContent) > 0 {
		o.t.Errorf("check: got %+v, %v; want nothing missing or wrong", report, err)
	}
	err = filepath.WalkDir(filepath.Join(o.root, "blobs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if blobtest.Digest(data) != entry.Name() {
			o.t.Errorf("%s has content of %d bytes with another digest", path, len(data))
		}
		return err
	})
	o.must(err)
}
