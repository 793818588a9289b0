package vault

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func saying(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// remembering makes a snapshot whose history is of texts; nil leaves it out.
func (c *chest) remembering(n int, texts ...string) Snapshot {
	c.t.Helper()
	d, err := c.Begin(day(n))
	c.must(err)
	s := Snapshot{At: day(n), History: &History{Pieces: len(texts)}}
	p, err := d.Create(ContentsPart)
	c.must(err)
	w, err := NewContentsWriter(p)
	c.must(err)
	c.must(errors.Join(w.Close(), p.Close()))
	if texts == nil {
		s.History.LeftOut = "It is damaged."
	} else {
		var list []Part
		for _, text := range texts {
			p, _, err := c.PutPiece(c.t.Context(), false, saying(text))
			c.must(err)
			list = append(list, p)
		}
		p, err := d.Create(HistoryPart)
		c.must(err)
		c.must(errors.Join(json.NewEncoder(p).Encode(list), p.Close()))
	}
	s, err = d.Finish(s)
	c.must(err)
	return s
}

func (c *chest) remembers(text string) bool {
	_, err := os.Stat(c.piecePath(digestOf(text)))
	return err == nil
}

// TestPieces: what is there is not copied again; what is damaged is, when it is looked for or has
// another length; nothing of what fails is left.
func TestPieces(t *testing.T) {
	c := newChest(t)
	put := func(reread bool, want Fate) {
		t.Helper()
		p, fate, err := c.PutPiece(t.Context(), reread, saying("a piece"))
		if err != nil || fate != want || p.SHA256 != digestOf("a piece") || p.Size != 7 {
			t.Errorf("got %+v %v %v, want fate %v", p, fate, err, want)
		}
	}
	put(false, PieceCopied)
	put(true, PieceThere)
	c.must(os.WriteFile(c.piecePath(digestOf("a piece")), []byte("a piecE"), 0o600))
	put(false, PieceThere)
	put(true, PieceMended)
	c.must(os.WriteFile(c.piecePath(digestOf("a piece")), []byte("a"), 0o600))
	put(false, PieceMended)
	put(true, PieceThere)

	calls := 0
	for what, write := range map[string]func(io.Writer) error{
		"a source that breaks off": func(w io.Writer) error {
			if calls++; calls > 1 {
				return io.ErrUnexpectedEOF
			}
			return saying("broken")(w)
		},
		"a source that is never the same": func(w io.Writer) error {
			calls++
			return saying(strings.Repeat("x", calls))(w)
		},
	} {
		if _, _, err := c.PutPiece(t.Context(), false, write); err == nil {
			t.Errorf("%s: got no error", what)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.dir, incomingDir, "*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestPiecesOfSnapshots: pieces go with the last snapshot that has them, and the newest snapshot
// with a history stays whatever the rule says.
func TestPiecesOfSnapshots(t *testing.T) {
	c := newChest(t)
	c.remembering(1, "old", "both")
	s := c.remembering(2, "both", "new")
	for n := 3; n < 6; n++ {
		c.remembering(n)
	}
	if _, err := c.Thin(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if got := c.names(); len(got) != 2 || got[0] != s.Name {
		t.Errorf("kept %v, want the newest and %s", got, s.Name)
	}
	if c.remembers("old") || !c.remembers("both") || !c.remembers("new") {
		t.Errorf("old %v, both %v, new %v", c.remembers("old"), c.remembers("both"), c.remembers("new"))
	}
	if found, err := c.Verify(t.Context(), &s, true, nil); err != nil || !found.OK() {
		t.Errorf("got %+v %v", found, err)
	}
	_, _, err := c.PutPiece(t.Context(), false, saying("for nothing"))
	c.must(err)
	c.must(c.DropPieces())
	if c.remembers("for nothing") || !c.remembers("new") {
		t.Error("the wrong pieces were dropped")
	}
	c.must(os.WriteFile(c.piecePath(digestOf("new")), []byte("neW"), 0o600))
	list, err := c.Pieces(&s)
	c.must(err)
	if _, err := c.OpenPiece(t.Context(), list[1]); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if found, err := c.Verify(t.Context(), &s, true, nil); err != nil || len(found.Damaged) != 1 {
		t.Errorf("damaged: got %+v %v", found, err)
	}
	if found, err := c.Verify(t.Context(), &s, false, nil); err != nil || len(found.Missing) != 1 {
		t.Errorf("put aside: got %+v %v", found, err)
	}
	if _, err := c.OpenPiece(t.Context(), list[1]); !errors.Is(err, ErrDamaged) {
		t.Errorf("missing: got %v", err)
	}
}
