package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
)

func sample() *Library {
	l := newLibrary()
	l.Header = Header{Format: Format, Storage: "house", At: 1_700_000_000_000_000, Seq: 7}
	l.Owners["ada"] = "Ada"
	l.Folders["household"] = &Folder{ID: "household"}
	l.Folders["f1"] = &Folder{ID: "f1", Parent: "household", Name: "Hollydays <&> \u2028"}
	for i := range 50 {
		id := fmt.Sprint("file", i)
		f := &File{ID: id, Folder: "f1", Name: strings.Repeat("n", i) + "\x00\n.txt", SHA256: strings.Repeat("ab", 32), Size: int64(i), ContentType: "text/plain", Tags: []string{"a", "b"}, Uploaded: 5, Modified: 6}
		if i%7 == 0 {
			f.Versions = []Version{{File: id, ID: "v", SHA256: strings.Repeat("cd", 32), Size: 3, Replaced: 9, Pinned: true}}
		}
		l.Files[id] = f
	}
	return l
}

// encode writes a library as a manifest.
func encode(t testing.TB, l *Library) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, l.Header)
	must(t, err)
	for id, name := range l.Owners {
		must(t, w.Write(Record{Owner: &Owner{ID: id, Name: name}}))
	}
	for _, f := range l.Folders {
		must(t, w.Write(Record{Folder: f}))
	}
	for _, f := range l.Files {
		must(t, w.File(f))
	}
	must(t, w.Close())
	return b.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := sample()
	got, err := Decode(bytes.NewReader(encode(t, want)))
	must(t, err)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Library{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestACutManifestDoesNotCount cuts one everywhere, also where zstd sees nothing wrong.
func TestACutManifestDoesNotCount(t *testing.T) {
	whole := encode(t, sample())
	for n := range whole {
		if _, err := Decode(bytes.NewReader(whole[:n])); !errors.Is(err, ErrCut) && !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d of %d bytes: got %v", n, len(whole), err)
		}
		if _, err := Check(bytes.NewReader(whole[:n])); !errors.Is(err, ErrCut) && !errors.Is(err, ErrFormat) {
			t.Fatalf("checked, cut to %d of %d bytes: got %v", n, len(whole), err)
		}
	}
	packed, err := zstd.NewReader(bytes.NewReader(whole))
	must(t, err)
	plain, err := io.ReadAll(packed)
	must(t, err)
	lines := bytes.SplitAfter(plain, []byte("\n"))
	for skip := range lines[:len(lines)-1] {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b)
		must(t, err)
		for i, line := range lines {
			if i != skip {
				_, _ = w.Write(line)
			}
		}
		must(t, w.Close())
		for how, err := range map[string]error{"read": second(Decode(bytes.NewReader(b.Bytes()))), "checked": second(Check(bytes.NewReader(b.Bytes())))} {
			if !errors.Is(err, ErrCut) && !errors.Is(err, ErrFormat) {
				t.Errorf("without line %d, %s: got %v", skip, how, err)
			}
		}
	}
	if h, err := Check(bytes.NewReader(whole)); err != nil || h.Seq != 7 {
		t.Errorf("a whole one: got %+v %v", h, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestALaterFormatIsRefused(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	must(t, err)
	fmt.Fprintf(w, `{"manifest":{"format":%d}}`+"\n", Format+1)
	must(t, w.Close())
	if _, err := Load(fstest.MapFS{Name(time.Unix(9, 0)): {Data: b.Bytes()}}); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v, want ErrFormat", err)
	}
}

// TestJournalsFollowTheNewestWholeManifest damages the newest: the one before it and both
// journals give the same.
func TestJournalsFollowTheNewestWholeManifest(t *testing.T) {
	first, second := time.Unix(100, 0), time.Unix(200, 0)
	line := func(b []byte, r Record) []byte {
		b, err := AppendLine(b, r)
		must(t, err)
		return b
	}
	old, young := sample(), sample()
	young.Files["file1"].Name = "renamed"
	delete(young.Files, "file2")
	toYoung := line(nil, Record{File: &File{ID: "file1", Folder: "f1", Name: "renamed"}})
	toYoung = line(toYoung, Record{Gone: &Gone{Kind: KindFile, ID: "file2"}})
	toYoung = line(toYoung, Record{Mark: &Mark{Seq: 8}})
	after, err := AppendFile(nil, &File{ID: "new", Name: "new", Versions: []Version{{File: "new", ID: "v", SHA256: "x"}}})
	must(t, err)
	after = line(after, Record{Mark: &Mark{Seq: 9}})
	after = append(after, "rubbish\n\n"...)
	for _, f := range []*Folder{{ID: "g1", Parent: "household"}, {ID: "g2", Parent: "g1"}, {ID: "g3", Parent: "g2"}} {
		after = line(after, Record{Folder: f})
	}
	after = line(after, Record{File: &File{ID: "with its folder", Folder: "g3"}})
	after = line(after, Record{Gone: &Gone{Kind: KindFolder, ID: "g1"}})
	after = append(after, `{"gone":{"kind":"file","id":"ne`...) // torn
	files := fstest.MapFS{
		Name(first): {Data: encode(t, old)}, JournalOf(Name(first)): {Data: toYoung},
		Name(second): {Data: encode(t, young)}, JournalOf(Name(second)): {Data: after},
		"other": {Data: []byte("x")},
	}
	for _, damaged := range []bool{false, true} {
		from := Name(second)
		if damaged {
			files[Name(second)].Data = files[Name(second)].Data[:50]
			from = Name(first)
		}
		l, err := Load(files)
		must(t, err)
		if l.From != from || len(l.Passed) != map[bool]int{false: 0, true: 1}[damaged] || l.Damaged != 1 || l.Header.Seq != 9 {
			t.Errorf("damaged %v: got from %q, passed %v, %d lines, seq %d", damaged, l.From, l.Passed, l.Damaged, l.Header.Seq)
		}
		if f := l.Files["new"]; l.Files["file1"].Name != "renamed" || l.Files["file2"] != nil || l.Folders["f1"] == nil || l.Folders["g3"] != nil || l.Files["with its folder"] != nil || f == nil || len(f.Versions) != 1 {
			t.Errorf("damaged %v: the journals were not followed", damaged)
		}
	}
}

func TestALongLineIsNotRead(t *testing.T) {
	long := append(bytes.Repeat([]byte("x"), 3*maxLine), "\n"...)
	long = append(long, `{"mark":{"seq":3}}`+"\n"...)
	seq := int64(0)
	damaged, err := ReadJournal(bytes.NewReader(long), func(r Record) error { seq = r.Mark.Seq; return nil })
	if err != nil || damaged != 1 || seq != 3 {
		t.Errorf("got %d damaged, seq %d, %v", damaged, seq, err)
	}
}

func TestNames(t *testing.T) {
	at := time.Date(2026, 11, 26, 3, 4, 5, 6, time.UTC)
	if got := Name(at); got != "20261126T030405Z.jsonl.zst" || JournalOf(got) != "20261126T030405Z.journal.jsonl" {
		t.Errorf("got %q, %q", got, JournalOf(got))
	}
	for name, want := range map[string]bool{Name(at): true, JournalOf(Name(at)): true, "x.jsonl.zst": false, ".journal.jsonl": false, "20261126T030405Z": false} {
		if got, ok := TimeOf(name); ok != want || want && !got.Equal(at.Truncate(time.Second)) {
			t.Errorf("%q: got %v %v", name, got, ok)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(encode(f, sample()))
	f.Add([]byte(`{"manifest":{"format":1}}` + "\n"))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00"))
	for _, plain := range []string{"", "{}\n", `{"manifest":{"format":1}}` + "\n" + `{"end":{"records":0,"sha256":""}}` + "\n", `{"manifest":{"format":1,"at":-9223372036854775808}}` + "\n{\n"} {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b)
		must(f, err)
		_, _ = w.Write([]byte(plain))
		must(f, w.Close())
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		_, _ = Check(bytes.NewReader(data))
		again, err := Decode(bytes.NewReader(encode(t, l)))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if diff := cmp.Diff(l.Folders, again.Folders); diff != "" {
			t.Errorf("-first +second:\n%s", diff)
		}
	})
}

func FuzzJournal(f *testing.F) {
	whole, err := AppendFile(nil, &File{ID: "a", Name: "b", Versions: []Version{{File: "a", ID: "v"}}})
	must(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte("\n\n{}\nnull\n[]\n" + `{"file":null}` + "\n"))
	f.Add([]byte(strings.Repeat(`{"file":`, 99) + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLibrary()
		damaged, err := ReadJournal(bytes.NewReader(data), l.apply)
		if err != nil || damaged > bytes.Count(data, []byte("\n")) {
			t.Errorf("got %d damaged lines, %v", damaged, err)
		}
	})
}
