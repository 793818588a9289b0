package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/blob/memblob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// stage publishes content behind the database's back, as a crash before COMMIT leaves it.
func stage(t *testing.T, h *house, id string, data []byte) blob.Staged {
	t.Helper()
	item := blobtest.Stage(t, h.blobs, id, data)
	if err := h.blobs.Publish(t.Context(), []blob.Staged{item}); err != nil {
		t.Fatal(err)
	}
	return item
}

// faulty is a store of which a test can break single steps.
type faulty struct {
	blob.Store
	write   atomic.Pointer[error]
	publish atomic.Pointer[error]
	sync    atomic.Pointer[error] // of a group
	adopt   func(before bool) error
	remove  func()
	legacy  func(path string) error // before one is opened
	away    func() error            // what Readable and Check say
	space   func()                  // before the space is measured
}

type faultyWriter struct {
	blob.Writer
	f *faulty
}

func (w faultyWriter) Write(p []byte) (int, error) {
	if err := w.f.write.Load(); err != nil {
		return 0, *err
	}
	return w.Writer.Write(p)
}

func (f *faulty) Create(ctx context.Context, id string) (blob.Writer, error) {
	w, err := f.Store.Create(ctx, id)
	return faultyWriter{w, f}, err
}

func (f *faulty) Publish(ctx context.Context, items []blob.Staged) error {
	if err := f.publish.Load(); err != nil {
		return *err
	}
	return f.Store.Publish(ctx, items)
}

func (f *faulty) Adopt(ctx context.Context, path, digest string) error {
	if f.adopt == nil {
		return f.Store.Adopt(ctx, path, digest)
	}
	if err := f.adopt(true); err != nil {
		return err
	}
	return errors.Join(f.Store.Adopt(ctx, path, digest), f.adopt(false))
}

func (f *faulty) Remove(ctx context.Context, digest string) error {
	if f.remove != nil {
		f.remove()
	}
	return f.Store.Remove(ctx, digest)
}

func (f *faulty) OpenLegacy(ctx context.Context, path string) (blob.File, error) {
	if f.legacy != nil {
		if err := f.legacy(path); err != nil {
			return nil, err
		}
	}
	return f.Store.OpenLegacy(ctx, path)
}

func (f *faulty) Readable(ctx context.Context) error {
	if f.away != nil {
		return f.away()
	}
	return f.Store.Readable(ctx)
}

func (f *faulty) Check(ctx context.Context) error {
	if f.away != nil {
		return f.away()
	}
	return f.Store.Check(ctx)
}

func (f *faulty) Space(ctx context.Context) (free, total int64, err error) {
	if f.space != nil {
		f.space()
	}
	return f.Store.Space(ctx)
}

// eachFaulty runs test on both databases with a store that can break.
func eachFaulty(t *testing.T, test func(t *testing.T, h *house, f *faulty)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		f := &faulty{}
		h := furnish(t, db, filepath.Join(sqldbtest.Memory(t), "storage"), func(s blob.Store) blob.Store { f.Store = s; return f })
		test(t, h, f)
	})
}

func TestDiskFull(t *testing.T) {
	eachFaulty(t, func(t *testing.T, h *house, f *faulty) {
		h.put("before", "1", "")
		full := errs.Wrap(errs.StorageFull, "The storage is full.", syscall.ENOSPC)
		for name, at := range map[string]*atomic.Pointer[error]{"write": &f.write, "publish": &f.publish} {
			at.Store(&full)
			kind, body := formOf("a", []byte("content"), "t")
			if w := h.do("POST", prefix+"/upload", kind, body); w.Code != 507 {
				t.Errorf("%s: got %d %s, want 507", name, w.Code, w.Body)
			}
			at.Store(nil)
			if left, _ := filepath.Glob(filepath.Join(h.root, "incoming", "*")); len(left) != 0 {
				t.Errorf("%s: left %v", name, left)
			}
			h.sound()
		}
		h.put("after", "2", "")
	})
}

// TestSpaceHangs: a share that does not answer holds nobody up longer than they want to wait,
// is asked once at a time, and its answer serves whoever comes later.
func TestSpaceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		answer := make(chan struct{})
		f, gauge := &faulty{Store: memblob.New()}, spaceGauge{}
		f.space = func() { asked.Add(1); <-answer }
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := gauge.check(ctx, f, 0); !errs.Is(err, errs.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the deadline", err)
			}
			cancel()
		}
		waiting := make(chan error)
		go func() { waiting <- gauge.check(t.Context(), f, 0) }()
		synctest.Wait()
		close(answer)
		if err := errors.Join(<-waiting, gauge.check(t.Context(), f, 0)); err != nil || asked.Load() != 1 {
			t.Errorf("got %v after %d questions, want room after one", err, asked.Load())
		}
	})
}

func TestStorageGone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a", "kept", "")
		h.must(os.Rename(h.root, h.root+".away"))
		h.must(os.Mkdir(h.root, 0o700)) // the empty mount point
		eventually(t, func() bool { return h.CheckStorage(t.Context()) != nil })
		kind, body := formOf("b", []byte("content"), "")
		for name, w := range map[string]interface{ Result() int }{
			"upload": status(h.do("POST", prefix+"/upload", kind, body).Code), "download": status(h.get(prefix + "/" + f.ID + "/download").Code),
			"archive": status(h.do("POST", prefix+"/archive", "application/json", strings.NewReader(`{"ids":["`+f.ID+`"]}`)).Code),
		} {
			if w.Result() != 503 {
				t.Errorf("%s: got %d, want 503", name, w.Result())
			}
		}
		h.want(h.get(prefix+"/list"), 200)
		for name, job := range map[string]func(context.Context) error{"collect": h.Collect, "check": func(ctx context.Context) error { _, err := h.Check(ctx, CheckOptions{}); return err }} {
			if err := job(t.Context()); !errs.Is(err, errs.Unavailable) {
				t.Errorf("%s: got %v, want Unavailable", name, err)
			}
		}
		if entries, _ := os.ReadDir(h.root); len(entries) > 0 {
			t.Errorf("got %v on the system disk", entries)
		}
		h.must(os.Remove(h.root))
		h.must(os.Rename(h.root+".away", h.root))
		eventually(t, func() bool { return h.CheckStorage(t.Context()) == nil })
		h.put("b", "content", "")
		h.want(h.get(prefix+"/"+f.ID+"/download"), 200)
		h.sound()
	})
}

type status int

func (s status) Result() int { return int(s) }

// eventually waits for something that is cached for a second.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 100 {
		if ok() {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatal("it never happened")
}

// TestOneBadRowFailsAlone commits a batch in which one row cannot be stored: its id exists.
func TestOneBadRowFailsAlone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		taken := h.put("taken", "taken", "t")
		var batch []*upload
		for i := range 5 {
			item := blobtest.Stage(t, h.blobs, fmt.Sprint("in", i), fmt.Append(nil, "content ", i))
			u := &upload{staged: item, File: File{ID: fmt.Sprint("id", i), Folder: rootFolder, Name: "n", ContentType: "a/b", Size: item.Size, SHA256: item.SHA256, Uploaded: h.clock.now(), Tags: []string{"t"}, path: blob.Path(item.SHA256)}}
			if i == 2 {
				u.ID = taken.ID
			}
			batch = append(batch, u)
		}
		for _, u := range batch {
			h.must(h.blobs.Publish(t.Context(), []blob.Staged{u.staged}))
		}
		for i, err := range h.commitBatch(t.Context(), batch) {
			if (err != nil) != (i == 2) {
				t.Errorf("upload %d: got %v", i, err)
			}
		}
		if got := h.list("?tag=t"); got.Total != 5 {
			t.Errorf("got %d files, want 5", got.Total)
		}
		h.consistent()
		h.collect(t)
		h.sound()
	})
}

// TestCollectedByAnotherProcess removes content between its publication and the commit, as
// another copy's collector could: nothing is acknowledged, and sending it again works.
func TestCollectedByAnotherProcess(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		item := blobtest.Stage(t, h.blobs, "in", []byte("content"))
		u := &upload{staged: item, File: File{ID: "id", Name: "n", ContentType: "a/b", Size: item.Size, SHA256: item.SHA256, Uploaded: h.clock.now(), path: blob.Path(item.SHA256)}}
		h.must(h.blobs.Publish(t.Context(), []blob.Staged{item}))
		h.must(h.blobs.Remove(t.Context(), item.SHA256))
		if err := h.commit.do(t.Context(), u); !errs.Is(err, errs.Conflict) {
			t.Errorf("got %v, want errCollected", err)
		}
		if got := h.list("").Total; got != 0 {
			t.Errorf("got %d files, want none", got)
		}
		h.put("n", "content", "")
		h.sound()
	})
}

func TestManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var wg sync.WaitGroup
		stop := make(chan struct{})
		wg.Go(func() { // the collector all the time, without mercy
			h.config.CollectAfter = 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, err := h.EmptyTrash(identity.With(t.Context(), h.who), "9999")
				if err := errors.Join(err, h.Collect(t.Context())); err != nil {
					t.Error(err)
				}
			}
		})
		var uploads sync.WaitGroup
		for worker := range 8 {
			uploads.Go(func() {
				for i := range 12 {
					kind, body := formOf("f", fmt.Append(nil, "content ", i%3), fmt.Sprintf("w%d,all", worker))
					w := h.do("POST", prefix+"/upload", kind, body)
					var f FileBody
					if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || w.Code != 200 {
						t.Errorf("got %d %s", w.Code, w.Body)
						return
					}
					if w := h.get(prefix + "/" + f.ID + "/download"); w.Code != 200 || w.Body.String() != fmt.Sprint("content ", i%3) {
						t.Errorf("acknowledged and then: got %d %q", w.Code, w.Body)
					}
					if i%2 == 0 {
						h.do("DELETE", prefix+"/"+f.ID, "", nil)
					}
				}
			})
		}
		uploads.Wait()
		close(stop)
		wg.Wait()
		if got := h.list("").Total; got != 8*6 {
			t.Errorf("got %d files, want %d", got, 8*6)
		}
		h.must(h.refreshUsage(t.Context())) // several committed at once; the last to tell may not be the last to commit
		h.sound()
	})
}

// TestVanishedClients: whoever goes away while waiting leaves nothing, and everybody else is served.
func TestVanishedClients(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	c := committer{}
	var mu sync.Mutex
	var stored []string
	first := true
	c.store = func(_ context.Context, batch []*upload) []error {
		if first {
			first = false
			close(started)
			<-release
		}
		mu.Lock()
		defer mu.Unlock()
		for _, u := range batch {
			stored = append(stored, u.ID)
		}
		return make([]error, len(batch))
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.do(t.Context(), &upload{File: File{ID: "leader"}}) })
	<-started
	gone, leave := context.WithCancel(t.Context())
	results := make(chan error, 10)
	for i := range 10 {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = gone
		}
		wg.Go(func() { results <- c.do(ctx, &upload{File: File{ID: fmt.Sprint(i)}}) })
	}
	waiting := func(n int) func() bool {
		return func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.waiting) == n }
	}
	eventually(t, waiting(10))
	leave()
	eventually(t, waiting(5))
	close(release)
	wg.Wait()
	close(results)
	failed := 0
	for err := range results {
		if err != nil {
			failed++
		}
	}
	if failed != 5 || len(stored) != 6 || c.busy {
		t.Errorf("got %d failed, %v stored, busy %v; want 5, 6, idle", failed, stored, c.busy)
	}
}

// TestRepairLeavesAHealedFile: somebody uploads the content while check looks at its damaged
// copy; the good one must not go to quarantine.
func TestRepairLeavesAHealedFile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		file := h.put("a", "content", "")
		place := filepath.Join(h.root, filepath.FromSlash(blob.Path(*file.SHA256)))
		damage := func() { h.must(errors.Join(os.Remove(place), os.WriteFile(place, []byte("damaged"), 0o600))) }
		damage()
		report, err := h.Check(t.Context(), CheckOptions{Repair: true, Progress: func(int64, int64) { stage(t, h, "again", []byte("content")) }})
		if err != nil || len(report.WrongContent) != 0 {
			t.Errorf("got %+v, %v; want nothing wrong", report.WrongContent, err)
		}
		if w := h.get(prefix + "/" + file.ID + "/download"); w.Code != 200 || w.Body.String() != "content" {
			t.Errorf("got %d %q, want the content", w.Code, w.Body)
		}
		damage()
		release := h.claims.publish(*file.SHA256) // an upload is about to replace it
		report, err = h.Check(t.Context(), CheckOptions{Repair: true})
		release()
		if err != nil || len(report.WrongContent) != 0 || len(report.Missing) != 0 {
			t.Errorf("claimed: got %+v, %v; want it left alone", report, err)
		}
	})
}

func TestCheckFindsAndRepairs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		missing, wrong, good := h.put("missing", "missing", ""), h.put("wrong", "wrong", ""), h.put("good", "good", "")
		h.must(os.Remove(filepath.Join(h.root, blob.Path(*missing.SHA256))))
		h.must(os.WriteFile(filepath.Join(h.root, blob.Path(*wrong.SHA256)), []byte("wrung"), 0o600))
		stage(t, h, "orphan", []byte("orphan"))
		h.must(os.MkdirAll(filepath.Join(h.root, "ab"), 0o700))
		h.must(os.WriteFile(filepath.Join(h.root, "ab", "legacy-orphan"), []byte("x"), 0o600))
		h.want(h.get(prefix+"/"+missing.ID+"/download"), 404)
		for _, repair := range []bool{false, true} {
			report, err := h.Check(t.Context(), CheckOptions{Repair: repair})
			if err != nil || len(report.Missing) != 1+btoi(repair) || len(report.WrongContent) != 1 || len(report.Orphaned) != 2 || report.OK() {
				t.Errorf("repair %v: got %+v, %v", repair, report, err)
			}
		}
		report, err := h.Check(t.Context(), CheckOptions{})
		if err != nil || len(report.Missing) != 2 || len(report.WrongContent) != 0 || len(report.Orphaned) != 1 || report.Waiting != 1 {
			t.Errorf("afterwards: got %+v, %v", report, err)
		}
		if kept, _ := filepath.Glob(filepath.Join(h.root, "quarantine", *wrong.SHA256+"*")); len(kept) != 1 {
			t.Errorf("got %v in quarantine, want one", kept)
		}
		h.put("wrong again", "wrong", "") // heals every row that shares the content
		if w := h.want(h.get(prefix+"/"+wrong.ID+"/download"), 200); w.Body.String() != "wrong" {
			t.Errorf("got %q", w.Body)
		}
		h.want(h.get(prefix+"/"+good.ID+"/download"), 200)
		var problem httpd.Problem
		if err := json.NewDecoder(bytes.NewReader(h.get(prefix + "/" + missing.ID + "/download").Body.Bytes())).Decode(&problem); err != nil || problem.Type != "urn:homeserver:damaged" {
			t.Errorf("got %+v, %v", problem, err)
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
