package blobtest

import (
	"errors"
	"io"
	"testing"

	"homeserver/internal/platform/blob"
)

// staged reads unpublished content whole.
func staged(t testing.TB, s blob.Store, id string) string {
	t.Helper()
	f, err := s.OpenStaged(t.Context(), id)
	if err != nil {
		t.Fatalf("OpenStaged(%q): %v", id, err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// add goes on with content and leaves it open.
func add(t testing.TB, s blob.Store, id string, offset int64, data string) blob.Appending {
	t.Helper()
	a, err := s.Append(t.Context(), id, offset)
	if err != nil {
		t.Fatalf("Append(%q, %d): %v", id, offset, err)
	}
	if n, err := a.Write([]byte(data)); n != len(data) || err != nil {
		t.Fatalf("Write: got %d, %v", n, err)
	}
	return a
}

func ended(t testing.TB, errors ...error) {
	t.Helper()
	for _, err := range errors {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func testAppend(t *testing.T, s blob.Store, _ func(string, []byte)) {
	a := add(t, s, "grows", 0, "one ")
	ended(t, a.Sync())
	if _, err := a.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	ended(t, a.Close(), a.Close())
	if _, err := s.Append(t.Context(), "grows", 100); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("behind the end: got %v, want ErrNotExist", err)
	}
	if _, err := s.Append(t.Context(), "none", 1); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("into what is not there: got %v, want ErrNotExist", err)
	}
	b := add(t, s, "grows", 4, "two")
	ended(t, b.Commit(), b.Close())
	if got := staged(t, s, "grows"); got != "one two" {
		t.Errorf("got %q", got)
	}
	item := blob.Staged{ID: "grows", SHA256: Digest([]byte("one two")), Size: 7}
	ended(t, s.Publish(t.Context(), []blob.Staged{item}))
	if got := Content(t, s, item.SHA256); string(got) != "one two" {
		t.Errorf("got %q", got)
	}
	if _, err := s.OpenStaged(t.Context(), "grows"); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("after Publish: got %v, want ErrNotExist", err)
	}
	c := add(t, s, "again", 0, "something long")
	ended(t, c.Close())
	d := add(t, s, "again", 0, "new")
	ended(t, d.Commit())
	if got := staged(t, s, "again"); got != "new" {
		t.Errorf("got %q, want what was written last", got)
	}
	for _, id := range []string{"", "..", "a/b"} {
		if _, err := s.Append(t.Context(), id, 0); err == nil {
			t.Errorf("Append(%q): got no error", id)
		}
		if _, err := s.OpenStaged(t.Context(), id); err == nil {
			t.Errorf("OpenStaged(%q): got no error", id)
		}
	}
}

func testAppendBusy(t *testing.T, s blob.Store, _ func(string, []byte)) {
	a := add(t, s, "busy", 0, "first")
	for range 2 {
		if _, err := s.Append(t.Context(), "busy", 0); !errors.Is(err, blob.ErrBusy) {
			t.Fatalf("got %v, want ErrBusy", err)
		}
	}
	if err := s.Join(t.Context(), "busy", nil); !errors.Is(err, blob.ErrBusy) {
		t.Errorf("Join: got %v, want ErrBusy", err)
	}
	ended(t, a.Sync(), a.Close())
	b := add(t, s, "busy", 5, " second")
	ended(t, b.Close())
	if got := staged(t, s, "busy"); got != "first second" {
		t.Errorf("got %q", got)
	}
}

func testJoin(t *testing.T, s blob.Store, _ func(string, []byte)) {
	for id, data := range map[string]string{"p1": "one ", "p2": "two and more", "p3": ""} {
		a := add(t, s, id, 0, data)
		ended(t, a.Commit())
	}
	parts := []blob.Staged{{ID: "p1", Size: 4}, {ID: "p3"}, {ID: "p2", Size: 3}, {ID: "p1", Size: 4}}
	for range 2 {
		ended(t, s.Join(t.Context(), "whole", parts))
		if got := staged(t, s, "whole"); got != "one twoone " {
			t.Errorf("got %q", got)
		}
	}
	if got := staged(t, s, "p2"); got != "two and more" {
		t.Errorf("got %q of a part", got)
	}
	if err := s.Join(t.Context(), "other", []blob.Staged{{ID: "p1", Size: 4}, {ID: "none", Size: 1}}); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("a part that is not there: got %v, want ErrNotExist", err)
	}
	if err := s.Join(t.Context(), "other", []blob.Staged{{ID: "p1", Size: 5}}); err == nil {
		t.Error("a part that is too short: got no error")
	}
}
