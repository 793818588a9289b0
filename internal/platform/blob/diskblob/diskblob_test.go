package diskblob_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/blob/diskblob"
	"homeserver/internal/platform/errs"
)

const id = "00000000-0000-4000-8000-000000000001"

func plantIn(t *testing.T, root string) func(string, []byte) {
	return func(path string, data []byte) {
		path = filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) (blob.Store, func(string, []byte)) {
		root := t.TempDir()
		return diskblob.New(root), plantIn(t, root)
	})
}

// oneByOne is the system where no whole file system can be synced.
type oneByOne struct {
	files, dirs atomic.Int32
	broken      error
}

func (o *oneByOne) File(f *os.File) error {
	o.files.Add(1)
	return errors.Join(o.broken, f.Sync())
}

func (o *oneByOne) Dir(path string) error {
	o.dirs.Add(1)
	return o.broken
}

func (o *oneByOne) Whole(string) (sync func() error, end func()) { return nil, nil }

// TestStoreOneByOne: on network shares and the like every file of a group is synced by itself.
func TestStoreOneByOne(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) (blob.Store, func(string, []byte)) {
		root := t.TempDir()
		return diskblob.NewSynced(root, &oneByOne{}), plantIn(t, root)
	})
}

// TestGroupSyncs counts what a group syncs where there are no short cuts, and passes errors on.
func TestGroupSyncs(t *testing.T) {
	const files = 100
	syncer := &oneByOne{}
	s := diskblob.NewSynced(filepath.Join(t.TempDir(), "storage"), syncer)
	if _, err := s.Initialize(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	g, err := s.Group(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	var items []blob.Staged
	folders := map[string]bool{}
	for i := range files {
		w, err := g.Create(t.Context(), fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		digest, size, err := blob.Receive(w, strings.NewReader(fmt.Sprint(i)))
		if err := errors.Join(err, w.Commit()); err != nil {
			t.Fatal(err)
		}
		items = append(items, blob.Staged{ID: fmt.Sprint(i), SHA256: digest, Size: size})
		folders[digest[:2]] = true
	}
	syncer.files.Store(0)
	syncer.dirs.Store(0)
	if err := errors.Join(g.Sync(t.Context(), items), s.Publish(t.Context(), items)); err != nil {
		t.Fatal(err)
	}
	if got := syncer.files.Load(); got != files {
		t.Errorf("got %d files synced, want %d", got, files)
	}
	if got := syncer.dirs.Load(); got != int32(len(folders)) {
		t.Errorf("got %d folders synced, want %d", got, len(folders))
	}
	item := blobtest.Stage(t, s, "broken", []byte("broken"))
	syncer.broken = syscall.EIO
	for what, err := range map[string]error{"Sync": g.Sync(t.Context(), []blob.Staged{item}), "Publish": s.Publish(t.Context(), []blob.Staged{item})} {
		if !errs.Is(err, errs.Unavailable) || !errors.Is(err, syscall.EIO) {
			t.Errorf("%s on a broken disk: got %v", what, err)
		}
	}
}

func open(t *testing.T) (*diskblob.Store, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "storage")
	s := diskblob.New(root)
	if got, err := s.Initialize(t.Context(), id); err != nil || got != id {
		t.Fatalf("Initialize: got %q, %v", got, err)
	}
	if err := s.Bind(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return s, root
}

// gone moves the directory away, as a drive that is pulled out.
func gone(t *testing.T, root string) (back func()) {
	t.Helper()
	if err := os.Rename(root, root+".away"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Rename(root+".away", root); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDriveGone(t *testing.T) {
	s, root := open(t)
	item := blobtest.Stage(t, s, "a", []byte("kept"))
	if err := s.Publish(t.Context(), []blob.Staged{item}); err != nil {
		t.Fatal(err)
	}
	second := blobtest.Stage(t, s, "b", []byte("second"))
	back := gone(t, root)
	for _, emptyMountPoint := range []bool{false, true} {
		if emptyMountPoint {
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		calls := map[string]error{"Publish": s.Publish(t.Context(), []blob.Staged{second}), "Remove": s.Remove(t.Context(), item.SHA256)}
		_, calls["Open"] = s.Open(t.Context(), item.SHA256)
		_, calls["Load"] = s.Load(t.Context(), item.SHA256, make([]byte, 8))
		_, calls["Stat"] = s.Stat(t.Context(), item.SHA256)
		_, calls["OpenStaged"] = s.OpenStaged(t.Context(), "b")
		_, calls["Create"] = s.Create(t.Context(), "c")
		_, calls["Sweep"] = s.Sweep(t.Context(), time.Now(), func(string) bool { return false })
		_, calls["OpenLegacy"] = s.OpenLegacy(t.Context(), "ab/x")
		calls["Walk"] = s.Walk(t.Context(), func(blob.Info) error { return nil })
		for name, err := range calls {
			if !errs.Is(err, errs.Unavailable) || errors.Is(err, blob.ErrNotExist) {
				t.Errorf("%s without the drive: got %v, want Unavailable, and nothing that passes for content that is gone", name, err)
			}
		}
		if entries, _ := os.ReadDir(root); len(entries) != 0 {
			t.Errorf("got %v on the system disk, want nothing", entries)
		}
	}
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	back()
	for _, dir := range []string{"incoming/b", "incoming", "blobs/" + second.SHA256[:2]} {
		if err := os.Remove(filepath.Join(root, dir)); dir == "incoming/b" && err != nil {
			t.Fatal(err)
		}
	}
	for range 50 { // a failed Check is remembered for a second
		if s.Check(t.Context()) == nil {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	if err := s.Publish(t.Context(), []blob.Staged{blobtest.Stage(t, s, "b", []byte("second"))}); err != nil {
		t.Errorf("after the drive came back: %v", err)
	}
	if got := blobtest.Content(t, s, item.SHA256); string(got) != "kept" {
		t.Errorf("got %q", got)
	}
}

func TestOtherDrive(t *testing.T) {
	s, root := open(t)
	if err := os.WriteFile(filepath.Join(root, ".homeserver-storage"), []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := diskblob.New(root).Bind(t.Context(), id); !errs.Is(err, errs.Unavailable) {
		t.Errorf("Bind: got %v, want Unavailable", err)
	}
	if err := s.Publish(t.Context(), nil); !errs.Is(err, errs.Unavailable) {
		t.Errorf("Publish: got %v, want Unavailable", err)
	}
}

func TestInitializeAgrees(t *testing.T) {
	root := t.TempDir()
	ids := make(chan string, 8)
	for i := range 8 {
		go func() {
			got, err := diskblob.New(root).Initialize(t.Context(), fmt.Sprint("id-", i))
			if err != nil {
				t.Error(err)
			}
			ids <- got
		}()
	}
	first := <-ids
	for range 7 {
		if got := <-ids; got != first || got == "" {
			t.Errorf("got %q and %q, want the same for everybody", first, got)
		}
	}
	entries, _ := os.ReadDir(root)
	if len(entries) != 1 {
		t.Errorf("got %v, want the marker only", entries)
	}
}

// TestMarkerAfterADeath finds what a start left that died before the marker had its name: it is
// no content, so the directory is still an empty one, and it is cleared away.
func TestMarkerAfterADeath(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, ".homeserver-storage.another-id"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := diskblob.New(root)
	if got, err := s.Identify(t.Context()); err != nil || !got.Empty || got.Consent || got.ID != "" {
		t.Errorf("got %+v, %v, want an empty directory", got, err)
	}
	if got, err := s.Initialize(t.Context(), id); err != nil || got != id {
		t.Errorf("got %q, %v", got, err)
	}
	if entries, _ := os.ReadDir(root); len(entries) != 1 {
		t.Errorf("got %v, want the marker only", entries)
	}
}

func TestConsent(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, ".homeserver-storage"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := diskblob.New(root)
	if got, err := s.Identify(t.Context()); err != nil || !got.Consent || !got.Empty || got.ID != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := s.Initialize(t.Context(), id); err != nil || got != id {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := s.Identify(t.Context()); err != nil || got.Consent || got.ID != id {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLegacyPathsThatAreNotServed(t *testing.T) {
	s, root := open(t)
	plant := plantIn(t, root)
	plant("ab/real", []byte("x"))
	plant("blobs/ab/own", []byte("x"))
	plant("manifests/x", []byte("x"))
	outside := filepath.Join(filepath.Dir(root), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"ab/link": "real", "ab/out": outside, "cd": "ab", "ef": ".."} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"", ".", "..", "/", "../secret", outside, "ab/../../secret", "ab", "ab/link", "ab/out", "cd/real", "ef/secret", "ab/link/", "ab/real/x",
		"blobs/ab/own", "./blobs/ab/own", "BLOBS/ab/own", "incoming/x", "manifests/x", ".homeserver-storage", "ab/../.homeserver-storage", "ab/\x00", "ab/" + string(make([]byte, 5000))} {
		if f, err := s.OpenLegacy(t.Context(), path); !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("OpenLegacy(%.40q): got %v, %v; want ErrNotExist", path, f, err)
		}
		if err := s.Adopt(t.Context(), path, blobtest.Digest([]byte("nothing"))); !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("Adopt(%.40q): got %v, want ErrNotExist", path, err)
		}
	}
	for _, path := range []string{"ab/real", "./ab/real", "ab/x/../real"} {
		f, err := s.OpenLegacy(t.Context(), path)
		if err != nil {
			t.Errorf("OpenLegacy(%q): %v", path, err)
			continue
		}
		f.Close()
	}
	if data, err := os.ReadFile(outside); err != nil || string(data) != "secret" {
		t.Errorf("outside the storage: got %q, %v", data, err)
	}
}

// TestUnreadableFile: one file that cannot be read is not the storage being away.
func TestUnreadableFile(t *testing.T) {
	for _, cause := range []error{syscall.EACCES, syscall.EPERM, syscall.EIO} {
		s, root := open(t)
		err := s.CannotRead(t.Context(), &fs.PathError{Op: "open", Path: "x", Err: cause})
		if !errs.Is(err, errs.Unavailable) || !strings.Contains(errs.Detail(err), "The file's content cannot be read") || !errors.Is(err, cause) {
			t.Errorf("%v: got %v", cause, err)
		}
		gone(t, root)
		if err := s.CannotRead(t.Context(), cause); !strings.Contains(errs.Detail(err), "storage directory is not available") {
			t.Errorf("%v, the drive gone: got %v", cause, err)
		}
	}
}

// TestQuarantineLeavesTheGoodFile: what was found wrong may have been replaced since.
func TestQuarantineLeavesTheGoodFile(t *testing.T) {
	s, root := open(t)
	item := blobtest.Stage(t, s, "a", []byte("good"))
	plantIn(t, root)(blob.Path(item.SHA256), []byte("rotten"))
	opened, err := s.Open(t.Context(), item.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), []blob.Staged{item}); err != nil {
		t.Fatal(err)
	}
	if where, err := s.QuarantineOpened(t.Context(), item.SHA256, opened); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("got %q, %v; want ErrNotExist", where, err)
	}
	if got := blobtest.Content(t, s, item.SHA256); string(got) != "good" {
		t.Errorf("got %q", got)
	}
}

// TestQuarantinePutsBack: the good file was published between the look and the rename.
func TestQuarantinePutsBack(t *testing.T) {
	s, root := open(t)
	item := blobtest.Stage(t, s, "a", []byte("good"))
	if err := s.Publish(t.Context(), []blob.Staged{item}); err != nil {
		t.Fatal(err)
	}
	looks := 0
	if where, err := s.QuarantineIf(t.Context(), item.SHA256, func(string) bool { looks++; return looks == 1 }); !errors.Is(err, blob.ErrNotExist) || looks != 2 {
		t.Errorf("got %q, %v after %d looks; want ErrNotExist after 2", where, err, looks)
	}
	if got := blobtest.Content(t, s, item.SHA256); string(got) != "good" {
		t.Errorf("got %q", got)
	}
	if left, _ := os.ReadDir(filepath.Join(root, "quarantine")); len(left) != 0 {
		t.Errorf("left in quarantine: %v", left)
	}
}

func TestReplacingContentHeals(t *testing.T) {
	s, root := open(t)
	item := blobtest.Stage(t, s, "a", []byte("good"))
	plantIn(t, root)(blob.Path(item.SHA256), []byte("rotten"))
	if err := s.Publish(t.Context(), []blob.Staged{item}); err != nil {
		t.Fatal(err)
	}
	if got := blobtest.Content(t, s, item.SHA256); string(got) != "good" {
		t.Errorf("got %q", got)
	}
}
