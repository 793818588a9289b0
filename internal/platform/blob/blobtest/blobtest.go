// Package blobtest holds what every blob.Store must do. A store's own test is ten lines.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/blob"
)

// Digest is the SHA-256 of data in hex.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Stage receives data under id and makes it durable.
func Stage(t testing.TB, s blob.Store, id string, data []byte) blob.Staged {
	t.Helper()
	return receive(t, s.Create, id, data)
}

func receive(t testing.TB, create func(context.Context, string) (blob.Writer, error), id string, data []byte) blob.Staged {
	t.Helper()
	w, err := create(t.Context(), id)
	if err != nil {
		t.Fatalf("Create(%q): %v", id, err)
	}
	digest, size, err := blob.Receive(w, bytes.NewReader(data))
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	if err := w.Commit(); err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return blob.Staged{ID: id, SHA256: digest, Size: size}
}

// Content reads a blob whole.
func Content(t testing.TB, s blob.Store, digest string) []byte {
	t.Helper()
	f, err := s.Open(t.Context(), digest)
	if err != nil {
		t.Fatalf("Open(%s): %v", digest, err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Run runs the suite. open gives a fresh, bound store and a way to place a file of the
// original's into it.
func Run(t *testing.T, open func(t *testing.T) (s blob.Store, plant func(path string, data []byte))) {
	for name, test := range map[string]func(*testing.T, blob.Store, func(string, []byte)){
		"publish": testPublish, "load": testLoad, "idempotent": testIdempotent, "group": testGroup, "abort": testAbort, "missing": testMissing, "concurrent": testConcurrent,
		"remove": testRemove, "quarantine": testQuarantine, "adopt": testAdopt, "sweep": testSweep, "keeper": testKeeper,
		"append": testAppend, "busy": testAppendBusy, "join": testJoin,
	} {
		t.Run(name, func(t *testing.T) {
			s, plant := open(t)
			if id, err := s.Initialize(t.Context(), "00000000-0000-4000-8000-000000000001"); err != nil {
				t.Fatal(err)
			} else if err := s.Bind(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			test(t, s, plant)
		})
	}
}

func testPublish(t *testing.T, s blob.Store, _ func(string, []byte)) {
	for i, size := range []int{0, 1, 4096, 128 << 10, 128<<10 + 1, 3<<20 + 7} {
		data := bytes.Repeat([]byte{byte(i), 7, 9}, size/3+1)[:size]
		item := Stage(t, s, fmt.Sprint("in", i), data)
		if item.SHA256 != Digest(data) || item.Size != int64(size) {
			t.Errorf("got %v for %d bytes, want digest %s", item, size, Digest(data))
		}
		if _, err := s.Stat(t.Context(), item.SHA256); !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("Stat before Publish: got %v, want ErrNotExist", err)
		}
		if err := s.Publish(t.Context(), []blob.Staged{item}); err != nil {
			t.Fatal(err)
		}
		if got := Content(t, s, item.SHA256); !bytes.Equal(got, data) {
			t.Errorf("got %d bytes back, want %d", len(got), size)
		}
		if info, err := s.Stat(t.Context(), item.SHA256); err != nil || info.Size != int64(size) || info.SHA256 != item.SHA256 {
			t.Errorf("Stat: got %v, %v", info, err)
		}
	}
}

func testLoad(t *testing.T, s blob.Store, _ func(string, []byte)) {
	data := []byte("small content")
	if err := s.Publish(t.Context(), []blob.Staged{Stage(t, s, "in", data)}); err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 5, len(data), len(data) + 1, 4096} {
		buf := make([]byte, room)
		n, err := s.Load(t.Context(), Digest(data), buf)
		if want := data[:min(room, len(data))]; err != nil || !bytes.Equal(buf[:n], want) {
			t.Errorf("got %q (%v) with room for %d bytes, want %q", buf[:n], err, room, want)
		}
	}
	for _, digest := range []string{Digest([]byte("other")), "", "../../etc/passwd"} {
		if n, err := s.Load(t.Context(), digest, make([]byte, 9)); n != 0 || !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("got %d bytes of %q (%v), want ErrNotExist", n, digest, err)
		}
	}
}

func testIdempotent(t *testing.T, s blob.Store, _ func(string, []byte)) {
	data := []byte("the same content")
	items := []blob.Staged{Stage(t, s, "a", data), Stage(t, s, "b", data), Stage(t, s, "c", []byte("other"))}
	for range 2 {
		if err := s.Publish(t.Context(), items); err != nil {
			t.Fatal(err)
		}
	}
	if got := Content(t, s, items[0].SHA256); !bytes.Equal(got, data) {
		t.Errorf("got %q", got)
	}
	lost := []blob.Staged{{ID: "never", SHA256: Digest([]byte("never")), Size: 5}}
	if err := s.Publish(t.Context(), lost); err == nil {
		t.Error("publishing what was never received: got no error")
	}
}

func testGroup(t *testing.T, s blob.Store, _ func(string, []byte)) {
	g, err := s.Group(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, n := range []int{1, 3, 200} { // few and many: they may be synced in different ways
		var items []blob.Staged
		for i := range n {
			items = append(items, receive(t, g.Create, fmt.Sprint("g", n, "-", i), fmt.Append(nil, n, " content ", i/2)))
		}
		aborted, err := g.Create(t.Context(), fmt.Sprint("aborted", n))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Sync(t.Context(), items); err != nil { // while another is still received
			t.Fatal(err)
		}
		aborted.Abort()
		for range 2 {
			if err := s.Publish(t.Context(), items); err != nil {
				t.Fatal(err)
			}
		}
		for i, item := range items {
			if got, want := Content(t, s, item.SHA256), fmt.Append(nil, n, " content ", i/2); !bytes.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	if err := g.Sync(t.Context(), []blob.Staged{{ID: "never", SHA256: Digest(nil)}}); err == nil {
		t.Error("syncing what was never received: got no error")
	}
	if _, err := g.Create(t.Context(), "a/b"); err == nil {
		t.Error("an id that is no plain name: got no error")
	}
}

func testAbort(t *testing.T, s blob.Store, _ func(string, []byte)) {
	w, err := s.Create(t.Context(), "gone")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	Stage(t, s, "gone", []byte("the id is free again"))
	if err := s.Discard("gone"); err != nil {
		t.Fatal(err)
	}
	if err := s.Discard("gone"); err != nil {
		t.Errorf("discarding twice: %v", err)
	}
	for _, id := range []string{"", "..", "a/b"} {
		if _, err := s.Create(t.Context(), id); err == nil {
			t.Errorf("Create(%q): got no error", id)
		}
	}
}

func testMissing(t *testing.T, s blob.Store, _ func(string, []byte)) {
	for _, digest := range []string{Digest([]byte("nobody")), "", "..", "../../etc/passwd"} {
		if _, err := s.Open(t.Context(), digest); !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("Open(%q): got %v, want ErrNotExist", digest, err)
		}
		if _, err := s.OpenLegacy(t.Context(), "ab/"+digest+"x"); !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("OpenLegacy(%q): got %v, want ErrNotExist", digest, err)
		}
	}
}

func testConcurrent(t *testing.T, s blob.Store, _ func(string, []byte)) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			item := Stage(t, s, fmt.Sprint("c", i), fmt.Append(nil, "content ", i%4))
			if err := s.Publish(t.Context(), []blob.Staged{item}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count := 0
	if err := s.Walk(t.Context(), func(blob.Info) error { count++; return nil }); err != nil || count != 4 {
		t.Errorf("got %d blobs, %v; want 4", count, err)
	}
}

func testRemove(t *testing.T, s blob.Store, _ func(string, []byte)) {
	item := Stage(t, s, "r", []byte("removed"))
	if err := s.Publish(t.Context(), []blob.Staged{item}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Remove(t.Context(), item.SHA256); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(t.Context(), item.SHA256); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func testQuarantine(t *testing.T, s blob.Store, _ func(string, []byte)) {
	item := Stage(t, s, "q", []byte("rotten"))
	if err := s.Publish(t.Context(), []blob.Staged{item}); err != nil {
		t.Fatal(err)
	}
	opened, err := s.Open(t.Context(), item.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if where, err := s.QuarantineOpened(t.Context(), item.SHA256, opened); err != nil || where == "" {
		t.Fatalf("the opened content: got %q, %v", where, err)
	}
	if where, err := s.Quarantine(t.Context(), item.SHA256); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("again: got %q, %v; want ErrNotExist", where, err)
	}
	if err := s.Publish(t.Context(), []blob.Staged{Stage(t, s, "q2", []byte("rotten"))}); err != nil {
		t.Fatal(err)
	}
	if where, err := s.Quarantine(t.Context(), item.SHA256); err != nil || where == "" {
		t.Fatalf("got %q, %v", where, err)
	}
	if _, err := s.Stat(t.Context(), item.SHA256); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func testAdopt(t *testing.T, s blob.Store, plant func(string, []byte)) {
	data, path := []byte("of the original"), "ab/abcdef"
	plant(path, data)
	f, err := s.OpenLegacy(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %q, %v", got, err)
	}
	_ = f.Close()
	for range 2 {
		if err := s.Adopt(t.Context(), path, Digest(data)); err != nil {
			t.Fatal(err)
		}
	}
	if got := Content(t, s, Digest(data)); !bytes.Equal(got, data) {
		t.Errorf("got %q", got)
	}
	if _, err := s.OpenLegacy(t.Context(), path); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
	if err := s.Adopt(t.Context(), "ab/none", Digest([]byte("none"))); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("adopting nothing: got %v, want ErrNotExist", err)
	}
	plant("cd/rest", []byte("123"))
	var found []string
	err = s.WalkLegacy(t.Context(), func(p string, size int64) error { found = append(found, fmt.Sprint(p, size)); return nil })
	if err != nil || len(found) != 1 || found[0] != "cd/rest3" {
		t.Errorf("WalkLegacy: got %q, %v", found, err)
	}
}

func testSweep(t *testing.T, s blob.Store, _ func(string, []byte)) {
	Stage(t, s, "left", []byte("by a crash"))
	Stage(t, s, "kept", []byte("for later"))
	keep := func(id string) bool { return id == "kept" }
	if n, err := s.Sweep(t.Context(), time.Now().Add(-time.Hour), keep); n != 0 || err != nil {
		t.Errorf("young content: got %d, %v; want 0", n, err)
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), keep); n != 1 || err != nil {
		t.Errorf("old content: got %d, %v; want 1", n, err)
	}
	if got := staged(t, s, "kept"); got != "for later" {
		t.Errorf("got %q of what was to be kept", got)
	}
	if _, err := s.OpenStaged(t.Context(), "left"); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func testKeeper(t *testing.T, s blob.Store, _ func(string, []byte)) {
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if free, total, err := s.Space(t.Context()); err != nil || free <= 0 || total < free {
		t.Errorf("got %d of %d, %v", free, total, err)
	}
	if id, err := s.Identify(t.Context()); err != nil || !id.Exists || id.ID == "" {
		t.Errorf("got %+v, %v", id, err)
	}
	if s.Place() == "" {
		t.Error("got no place")
	}
}
