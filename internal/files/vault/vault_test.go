package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/errs"
)

// chest is a vault under test.
type chest struct {
	*Vault
	t testing.TB
}

func newChest(t testing.TB) *chest {
	t.Helper()
	v, err := Create(filepath.Join(t.TempDir(), "backups"), "house", time.Unix(0, 0))
	c := &chest{v, t}
	c.must(err)
	return c
}

func (c *chest) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// snapshot makes one of texts, of which those that begin with ! are lost.
func (c *chest) snapshot(at time.Time, texts ...string) Snapshot {
	c.t.Helper()
	d, err := c.Begin(at)
	c.must(err)
	s := Snapshot{At: at}
	var list []Content
	for _, text := range texts {
		list = append(list, Content{digestOf(text), int64(len(text))})
		if text[0] == '!' {
			s.Lost = append(s.Lost, Lost{SHA256: digestOf(text)})
			continue
		}
		_, _, err := c.Put(c.t.Context(), digestOf(text), strings.NewReader(text))
		c.must(err)
	}
	c.must(c.Flush(c.t.Context()))
	slices.SortFunc(list, func(a, b Content) int { return strings.Compare(a.SHA256, b.SHA256) })
	p, err := d.Create(ContentsPart)
	c.must(err)
	w, err := NewContentsWriter(p)
	c.must(err)
	for _, line := range list {
		c.must(w.Write(line))
	}
	c.must(errors.Join(w.Close(), p.Close()))
	s, err = d.Finish(s)
	c.must(err)
	return s
}

func (c *chest) names() []string {
	c.t.Helper()
	list, _, err := c.Snapshots()
	c.must(err)
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return names
}

func (c *chest) has(text string) bool {
	_, err := os.Stat(c.blobPath(digestOf(text)))
	return err == nil
}

func day(n int) time.Time { return time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

func TestKeep(t *testing.T) {
	var moments []time.Time
	for n := range 400 {
		moments = append(moments, day(n), day(n).Add(12*time.Hour))
	}
	for _, test := range []struct{ n, least, most int }{{0, 800, 800}, {1, 1, 1}, {3, 6, 12}, {7, 16, 28}} {
		kept := Keep(test.n, moments)
		var list []time.Time
		for i, k := range kept {
			if k {
				list = append(list, moments[i])
			}
		}
		if len(list) < test.least || len(list) > test.most || !kept[len(kept)-1] {
			t.Errorf("%d: got %d: %v", test.n, len(list), list)
		}
		if age := moments[len(moments)-1].Sub(list[0]); test.n > 1 && age < time.Duration(test.n-2)*28*24*time.Hour {
			t.Errorf("%d: the oldest is %v old", test.n, age)
		}
	}
	if got := Keep(3, nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	// Thinning day by day comes to the same as all at once.
	list := moments[:0:0]
	for _, m := range moments {
		list = append(list, m)
		kept := Keep(3, list)
		list = slices.DeleteFunc(list, func(time.Time) bool { k := kept[0]; kept = kept[1:]; return !k })
	}
	if len(list) < 6 || list[len(list)-1].Sub(list[0]) < 28*24*time.Hour {
		t.Errorf("day by day: got %v", list)
	}
}

func TestThinningKeepsWhatIsNeeded(t *testing.T) {
	c := newChest(t)
	c.snapshot(day(0), "old", "both")
	good := c.snapshot(day(1), "both", "good")
	c.snapshot(day(2), "both", "!lost")
	removed, err := c.Thin(t.Context(), 1)
	c.must(err)
	if fmt.Sprint(removed) != "[20260101T030000Z]" || len(c.names()) != 2 || c.names()[0] != good.Name {
		t.Errorf("removed %v, left %v; want the newest and the newest that lacks nothing", removed, c.names())
	}
	if c.has("old") || !c.has("both") || !c.has("good") {
		t.Error("content went with the wrong snapshot")
	}
	for _, name := range c.names() {
		s, err := c.Snapshot(name)
		c.must(err)
		if found, err := c.Verify(t.Context(), &s, true, nil); err != nil || len(found.Missing) != len(s.Lost) || len(found.Damaged) > 0 {
			t.Errorf("%s: got %+v %v", name, found, err)
		}
	}
}

// TestNothingIsSweptOnADoubt damages what says which content is needed.
func TestNothingIsSweptOnADoubt(t *testing.T) {
	for _, file := range []string{ContentsPart, infoFile} {
		c := newChest(t)
		c.snapshot(day(0), "first")
		kept := c.snapshot(day(40), "second")
		c.snapshot(day(80), "third")
		path := filepath.Join(c.dir, snapshotsDir, kept.Name, file)
		text, err := os.ReadFile(path)
		c.must(err)
		text[len(text)/2] ^= 1
		c.must(os.WriteFile(path, text, 0o600))
		if removed, err := c.Thin(t.Context(), 2); file == ContentsPart && err == nil || len(removed) > 1 {
			t.Errorf("%s: removed %v, %v", file, removed, err)
		}
		for _, text := range []string{"first", "second", "third"} {
			if !c.has(text) {
				t.Errorf("%s is damaged, and %q was swept away", file, text)
			}
		}
	}
}

func TestWhatIsUnfinishedDoesNotCount(t *testing.T) {
	c := newChest(t)
	c.snapshot(day(0), "a")
	d, err := c.Begin(day(1))
	c.must(err)
	p, err := d.Create("x/y")
	c.must(err)
	c.must(p.Close())
	c.must(os.Mkdir(filepath.Join(c.dir, snapshotsDir, "20260105T000000Z"), 0o700)) // without its snapshot.json
	if list, broken, err := c.Snapshots(); err != nil || len(list) != 1 || len(broken) != 1 {
		t.Errorf("got %d snapshots, %v, %v", len(list), broken, err)
	}
	for _, name := range []string{"", ".", "..", "../x", ".20260102T030000Z.partial", "nobody", "20260105T000000Z"} {
		if _, err := c.Snapshot(name); !errs.Is(err, errs.NotFound) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	c.snapshot(day(1), "b") // the next one clears up
	if left, _ := filepath.Glob(filepath.Join(c.dir, snapshotsDir, ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestTwoSnapshotsInASecond(t *testing.T) {
	c := newChest(t)
	c.snapshot(day(0), "a")
	c.snapshot(day(0), "b")
	if names := c.names(); len(names) != 2 {
		t.Errorf("got %v", names)
	}
}

func TestPut(t *testing.T) {
	c := newChest(t)
	good := strings.Repeat("content", 100_000)
	if _, _, err := c.Put(t.Context(), digestOf(good), strings.NewReader(good[1:])); !errors.Is(err, ErrDamaged) {
		t.Errorf("wrong content: got %v", err)
	}
	broken := io.MultiReader(strings.NewReader(good[:1000]), iotestErr{})
	var source SourceError
	if _, _, err := c.Put(t.Context(), digestOf(good), broken); !errors.As(err, &source) {
		t.Errorf("a source that breaks: got %v", err)
	}
	found, size, err := c.Put(t.Context(), "", strings.NewReader(good))
	if err != nil || found != digestOf(good) || size != int64(len(good)) {
		t.Errorf("got %s %d %v", found, size, err)
	}
	if c.has(good) {
		t.Error("content bears its name before it is synced")
	}
	c.must(c.Flush(t.Context()))
	f, err := c.OpenBlob(found)
	c.must(err)
	defer f.Close()
	if text, err := io.ReadAll(f); err != nil || string(text) != good {
		t.Errorf("got %d bytes, %v", len(text), err)
	}
	if left, _ := os.ReadDir(filepath.Join(c.dir, incomingDir)); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	c.must(os.WriteFile(c.blobPath(found), []byte("rot"), 0o600))
	if err := c.Check(t.Context(), found); !errors.Is(err, ErrDamaged) || c.has(good) {
		t.Errorf("rot: got %v", err)
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errors.New("bad sector") }

func TestADamagedPartIsNotOpened(t *testing.T) {
	c := newChest(t)
	s := c.snapshot(day(0), "a")
	path := filepath.Join(c.dir, snapshotsDir, s.Name, ContentsPart)
	c.must(os.WriteFile(path, []byte("something else"), 0o600))
	if _, err := c.OpenPart(&s, ContentsPart); !errs.Is(err, errs.Unavailable) {
		t.Errorf("got %v", err)
	}
	s.Parts = append(s.Parts, Part{Name: "../../" + markerFile})
	if _, err := c.OpenPart(&s, "../../"+markerFile); !errs.Is(err, errs.NotFound) {
		t.Errorf("a way out: got %v", err)
	}
}

func TestCreate(t *testing.T) {
	base := t.TempDir()
	full := filepath.Join(base, "full")
	if err := errors.Join(os.Mkdir(full, 0o700), os.WriteFile(filepath.Join(full, "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{full, filepath.Join(full, "x"), filepath.Join(base, "no", "parent")} {
		if _, err := Create(dir, "house", time.Now()); err == nil {
			t.Errorf("%s was taken", dir)
		}
	}
	if _, err := Open(base); !errors.Is(err, ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
	later := filepath.Join(base, "later")
	if err := errors.Join(os.Mkdir(later, 0o700), os.WriteFile(filepath.Join(later, markerFile), []byte(`{"format":99}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(later); !errs.Is(err, errs.Conflict) {
		t.Errorf("a later format: got %v", err)
	}
}

// TestCreateAfterADeath finds what a run left that died before the marker had its name.
func TestCreateAfterADeath(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{temporary(markerFile): `{"format":1,"id":"ha`, lockFile: ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	made, err := Create(dir, "house", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if found, err := Open(dir); err != nil || found.ID != made.ID || found.Storage != "house" {
		t.Errorf("got %+v %v, want what was made: %+v", found, err, made)
	}
	if _, err := os.Lstat(filepath.Join(dir, temporary(markerFile))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file is still there: %v", err)
	}
}

// TestCreateTogether lets several begin in one directory: it belongs to one of them.
func TestCreateTogether(t *testing.T) {
	dir := t.TempDir()
	made := make(chan *Vault, 8)
	var working sync.WaitGroup
	for range cap(made) {
		working.Go(func() {
			v, err := Create(dir, "house", time.Now())
			if err == nil {
				made <- v
			} else if !errs.Is(err, errs.Conflict) {
				t.Errorf("got %v, want a conflict", err)
			}
		})
	}
	working.Wait()
	found, err := Open(dir)
	if err != nil || len(made) != 1 {
		t.Fatalf("%d made it, want one: %v", len(made), err)
	}
	if v := <-made; v.ID != found.ID {
		t.Errorf("the directory bears %s, its maker was told %s", found.ID, v.ID)
	}
}

func TestLock(t *testing.T) {
	c := newChest(t)
	release, held, err := c.Lock()
	c.must(err)
	if _, _, err := c.Lock(); held && !errs.Is(err, errs.Conflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	release()
	release, _, err = c.Lock()
	c.must(err)
	release()
}

func FuzzContents(f *testing.F) {
	var whole bytes.Buffer
	w, err := NewContentsWriter(&whole)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"b", "c", "d"} { // in the order of digests
		_ = w.Write(Content{digestOf(text), 7})
	}
	_ = w.Close()
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:whole.Len()-4])
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00\x41\x00\x00zzzz 1\n\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(dir, "list")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := (&Vault{dir: dir}).openContents(name)
		if err != nil {
			return
		}
		defer list.Close()
		last := ""
		for {
			c, err := list.Next()
			if err != nil {
				return
			}
			if c.SHA256 <= last || c.Size < 0 || len(c.SHA256) != 64 {
				t.Fatalf("got %+v after %q", c, last)
			}
			last = c.SHA256
		}
	})
}
