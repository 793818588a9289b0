package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"homeserver/internal/files/manifest"
	"homeserver/internal/platform/blob"
)

// place is a storage directory being made.
type place struct {
	t       testing.TB
	dir     string
	records []manifest.Record
}

func newPlace(t testing.TB) *place {
	return &place{t: t, dir: filepath.Join(t.TempDir(), "storage")}
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// blob stores content under its digest.
func (p *place) blob(text string) string {
	p.t.Helper()
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	name := filepath.Join(p.dir, filepath.FromSlash(blob.Path(digest)))
	p.must(os.MkdirAll(filepath.Dir(name), 0o700))
	p.must(os.WriteFile(name, []byte(text), 0o600))
	return digest
}

func (p *place) folder(id, parent, name, owner string) *manifest.Folder {
	f := &manifest.Folder{ID: id, Parent: parent, Name: name, Owner: owner}
	p.records = append(p.records, manifest.Record{Folder: f})
	return f
}

// file adds a file whose content is its id.
func (p *place) file(id, folder, name, owner string) *manifest.File {
	f := &manifest.File{ID: id, Folder: folder, Name: name, Owner: owner, SHA256: p.blob(id), Size: int64(len(id)), Uploaded: int64(len(p.records))}
	p.records = append(p.records, manifest.Record{File: f})
	return f
}

// write makes the manifest.
func (p *place) write() {
	p.t.Helper()
	var b bytes.Buffer
	w, err := manifest.NewWriter(&b, manifest.Header{Storage: "x"})
	p.must(err)
	for _, r := range p.records {
		if r.File != nil {
			p.must(w.File(r.File))
		} else {
			p.must(w.Write(r))
		}
	}
	p.must(w.Close())
	p.must(os.MkdirAll(filepath.Join(p.dir, "manifests"), 0o700))
	p.must(os.WriteFile(filepath.Join(p.dir, "manifests", manifest.Name(time.Unix(1, 0))), b.Bytes(), 0o600))
}

// export runs and returns the files of the target with their content.
func (p *place) export(o Options) (Report, map[string]string) {
	p.t.Helper()
	o.Storage, o.Target = p.dir, filepath.Join(p.t.TempDir(), "target")
	report, err := Run(context.Background(), o)
	p.must(err)
	files := map[string]string{}
	p.must(filepath.WalkDir(o.Target, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(o.Target, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	}))
	return report, files
}

func TestATreeComesBack(t *testing.T) {
	p := newPlace(t)
	p.records = append(p.records, manifest.Record{Owner: &manifest.Owner{ID: "u1", Name: "Ada"}}, manifest.Record{Owner: &manifest.Owner{ID: "u2", Name: "Trash"}})
	p.folder("household", "", "", "")
	p.folder("h1", "household", "Photos", "")
	p.folder("h2", "h1", "2026", "")
	p.folder("u1", "", "", "u1")
	gone := p.folder("h3", "household", "Old", "")
	gone.Trashed = true
	p.folder("h4", "h3", "Inner", "")
	p.file("first", "h2", "a.jpg", "").Modified = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC).UnixMicro()
	p.file("second", "h2", "a.jpg", "")
	p.file("third", "h2", "a (2).jpg", "")
	p.file("top", "household", "..", "")
	p.file("slash", "household", "../../etc/passwd\x00", "")
	p.file("hers", "u1", "diary", "u1")
	p.file("his", "u2", "note", "u2")
	p.file("in trash", "h4", "x", "")
	p.file("trashed", "h1", "y", "").Trashed = true
	p.file("stray", "nowhere", "z", "u1")
	p.blob("nobody's")
	replaced := p.file("now", "household", "doc.txt", "")
	replaced.Versions = []manifest.Version{{File: "now", ID: "v", SHA256: p.blob("before"), Size: 6, Replaced: 1_600_000_000_000_000}}
	p.write()
	report, got := p.export(Options{})
	nobodys := sha256.Sum256([]byte("nobody's"))
	want := map[string]string{
		"Household/Photos/2026/a.jpg": "first", "Household/Photos/2026/a (2).jpg": "second", "Household/Photos/2026/a (2) (2).jpg": "third",
		"Household/unnamed": "top", "Household/.._.._etc_passwd_": "slash", "Household/doc.txt": "now",
		"Ada/diary": "hers", "Ada/Without a folder/z": "stray", "Trash (2)/note": "his",
		"Trash/Household/y": "trashed", "Trash/Household/Old/Inner/x": "in trash",
		"Unnamed/" + hex.EncodeToString(nobodys[:]): "nobody's",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !report.OK() || report.Files != 11 || report.Unnamed != 1 || report.Manifest == "" {
		t.Errorf("got %+v", report)
	}
	_, got = p.export(Options{Owner: "ada", Versions: true})
	if diff := cmp.Diff(map[string]string{"Ada/diary": "hers", "Ada/Without a folder/z": "stray"}, got); diff != "" {
		t.Errorf("ada's: -want +got:\n%s", diff)
	}
	_, got = p.export(Options{Owner: "household", Versions: true})
	if got["Versions/Household/2020-09-13 12.26.40 doc.txt"] != "before" || got["Ada/diary"] != "" {
		t.Errorf("the household's: got %v", got)
	}
}

func TestTimesAreKept(t *testing.T) {
	p := newPlace(t)
	want := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	p.file("x", "household", "x", "").Modified = want.UnixMicro()
	p.write()
	target := filepath.Join(t.TempDir(), "target")
	_, err := Run(t.Context(), Options{Storage: p.dir, Target: target})
	p.must(err)
	info, err := os.Stat(filepath.Join(target, "Household", "x"))
	p.must(err)
	if !info.ModTime().Equal(want) {
		t.Errorf("got %v, want %v", info.ModTime(), want)
	}
}

func TestDamageIsReportedAndPutAside(t *testing.T) {
	p := newPlace(t)
	bad, lost := p.file("bad", "household", "bad.txt", ""), p.file("lost", "household", "lost.txt", "")
	p.file("good", "household", "good.txt", "")
	at := func(digest string) string { return filepath.Join(p.dir, filepath.FromSlash(blob.Path(digest))) }
	p.must(os.WriteFile(at(bad.SHA256), []byte("bit rot"), 0o600))
	p.must(os.Remove(at(lost.SHA256)))
	p.write()
	report, got := p.export(Options{})
	if diff := cmp.Diff(map[string]string{"Household/good.txt": "good", "Damaged/bad.txt": "bit rot"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if report.OK() || len(report.Problems) != 2 || report.Problems[0].MovedTo != "Damaged/bad.txt" || report.Files != 1 {
		t.Errorf("got %+v", report)
	}
}

// TestNothingLeavesTheTarget has links where files should be, circles of folders and depths
// that nobody made.
func TestNothingLeavesTheTarget(t *testing.T) {
	p := newPlace(t)
	secret := filepath.Join(t.TempDir(), "secret")
	p.must(os.WriteFile(secret, []byte("secret"), 0o600))
	linked := p.file("linked", "household", "link", "")
	name := filepath.Join(p.dir, filepath.FromSlash(blob.Path(linked.SHA256)))
	p.must(os.Remove(name))
	p.must(os.Symlink(secret, name))
	old := p.file("old", "household", "old", "")
	p.must(os.Remove(filepath.Join(p.dir, filepath.FromSlash(blob.Path(old.SHA256)))))
	old.SHA256, old.Path = "", "../../"+filepath.Base(filepath.Dir(secret))+"/secret"
	p.folder("c1", "c2", "a", "")
	p.folder("c2", "c1", "b", "")
	p.file("in a circle", "c1", "c", "")
	for i := range 3 * maxDepth {
		p.folder(fmt.Sprint("d", i), map[bool]string{true: "household", false: fmt.Sprint("d", i-1)}[i == 0], "d", "")
	}
	p.file("deep", fmt.Sprint("d", 3*maxDepth-1), "deep", "")
	p.write()
	report, got := p.export(Options{})
	if diff := cmp.Diff(map[string]string{"Household/Without a folder/c": "in a circle", "Household/Without a folder/deep": "deep"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(report.Problems) != 2 {
		t.Errorf("got %+v", report.Problems)
	}
}

func TestATargetThatIsNotEmptyIsRefused(t *testing.T) {
	p := newPlace(t)
	p.write()
	target := t.TempDir()
	p.must(os.WriteFile(filepath.Join(target, "mine"), nil, 0o600))
	for _, target := range []string{target, p.dir, filepath.Join(p.dir, "new"), filepath.Join(target, "mine", "x")} {
		if _, err := Run(t.Context(), Options{Storage: p.dir, Target: target}); err == nil {
			t.Errorf("%s was taken", target)
		}
	}
	if _, err := os.Stat(filepath.Join(p.dir, "new")); err == nil {
		t.Error("a refused target was made")
	}
}

func TestAThousandOfOneName(t *testing.T) {
	p := newPlace(t)
	for i := range 1000 {
		p.file(fmt.Sprint(i), "household", strings.Repeat("ä", 200)+".jpeg", "")
	}
	p.write()
	report, got := p.export(Options{})
	if report.Files != 1000 || len(got) != 1000 {
		t.Errorf("got %d files, %d names", report.Files, len(got))
	}
}

func TestPortableNames(t *testing.T) {
	for label, want := range map[string]string{
		"2026": "2026", "com1.txt": "_com1.txt", "NUL": "_NUL", "COM0": "COM0", "a:b?.txt": "a_b_.txt", "end. ": "end", "...": "_", "con ": "_con", "\U0001F600.jpg": "_.jpg", "ok.jpg": "ok.jpg",
	} {
		if got := portable(label); got != want {
			t.Errorf("%q: got %q, want %q", label, got, want)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, name := range []string{"", ".", "..", "a/b", "a\x00b", "CON", "com1.txt", "x. ", strings.Repeat("é", 300) + ".tar.gz", "\xff\xfe", ".profile", "a" + strings.Repeat(".b", 200), "C:\\x"} {
		f.Add(name, 2)
	}
	f.Fuzz(func(t *testing.T, label string, n int) {
		n &= 0xffffff
		for form, make := range map[string]func(string) string{"harmless": harmless, "portable": portable} {
			base := make(label)
			for _, name := range []string{base, numbered(base, n, true), numbered(base, n, false)} {
				if name == "" || name == "." || name == ".." || len(name) > maxName || strings.ContainsAny(name, "/\x00") || !utf8.ValidString(name) || !filepath.IsLocal(name) {
					t.Errorf("%s form of %q, number %d: got %q", form, label, n, name)
				}
			}
			if again := make(base); again != base {
				t.Errorf("%s form of %q is %q, and of that %q", form, label, base, again)
			}
		}
		if n > 1 && slices.Contains([]string{numbered(harmless(label), n+1, true), harmless(label)}, numbered(harmless(label), n, true)) {
			t.Errorf("%q: number %d changes nothing", label, n)
		}
	})
}
