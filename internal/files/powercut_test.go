//go:build unix

package files

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
	seen     int               // promises so far
	count    int
}

// TestPowerCuts cuts the power at every kind of moment while people do everything at once. The
// database is durable by itself. After each cut everything promised is there byte for byte, nothing
// half is visible, and a check finds nothing but content without a file.
func TestPowerCuts(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		o := &outage{db: db, promised: map[string]string{}}
		root := filepath.Join(memory(t), "storage")
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
		if o.seen == 0 {
			t.Error("nothing was ever promised")
		}
	})
}

// TestPowerCutsDuringAdoption cuts the power again and again while the original's files become blobs.
func TestPowerCutsDuringAdoption(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		o := &outage{db: db, promised: map[string]string{}}
		root := filepath.Join(memory(t), "storage")
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

// memory is a directory in memory where there is such a thing: what this test makes durable is remembered
// by the test, and thousands of files made and removed take a real file system seconds.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "powercut-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
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
	work := []func(){o.uploadOne, o.uploadOne, o.uploadMany, o.deleteOne, o.keepHouse}
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

// deleteOne deletes what nobody expects any more from then on.
func (o *outage) deleteOne() {
	o.mu.Lock()
	var id string
	for id = range o.promised {
		break
	}
	delete(o.promised, id)
	o.mu.Unlock()
	if id != "" {
		o.do("DELETE", prefix+"/"+id, "", nil)
	}
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
		if got, ok := listed[id]; !ok || got != o.promised[id] {
			o.t.Errorf("%s was promised: got digest %q, want %s", id, got, o.promised[id])
		}
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
