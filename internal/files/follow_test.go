package files

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"homeserver/internal/files/export"
	"homeserver/internal/files/manifest"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// written is what the manifests in the storage say.
func (h *house) written() *manifest.Library {
	h.t.Helper()
	l, err := manifest.Load(os.DirFS(h.manifests()))
	h.must(err)
	return l
}

// follows compares what is written down with the database.
func (h *house) follows(when string) {
	h.t.Helper()
	h.must(h.KeepManifest(h.t.Context()))
	var b bytes.Buffer
	h.must(h.writeManifest(h.t.Context(), h.store.db, &b, manifest.Header{}))
	want, err := manifest.Decode(&b)
	h.must(err)
	got := h.written()
	for _, l := range []*manifest.Library{want, got} {
		for id, f := range l.Folders { // roots are known without a word
			if f.Parent == "" {
				delete(l.Folders, id)
			}
		}
	}
	ignored := cmp.Options{cmpopts.IgnoreFields(manifest.Library{}, "Header", "From", "Passed", "Damaged", "Owners"), cmpopts.IgnoreFields(manifest.File{}, "Shared"), cmpopts.IgnoreUnexported(manifest.Library{})}
	if diff := cmp.Diff(want, got, ignored, cmpopts.EquateEmpty()); diff != "" {
		h.t.Fatalf("%s: the manifest does not say what the database says: -want +got:\n%s", when, diff)
	}
	for _, f := range got.Files {
		if f.Owner != household && got.Owners[f.Owner] != "Name of "+f.Owner {
			h.t.Errorf("%s: the owner %q is called %q", when, f.Owner, got.Owners[f.Owner])
		}
	}
}

// TestTheManifestFollows does this and that, now and then with a new day, a crash in the middle
// of a line, a damaged manifest, or another process at work.
func TestTheManifestFollows(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := rand.New(rand.NewPCG(4, 5))
		other := &house{Files: New(h.store.db, h.blobs, h.config, nil, h.clock.now, h.lent), t: t, root: h.root, clock: h.clock, audit: h.audit}
		var ids []string
		for step := range 120 {
			h.act(r, &ids, step)
			switch r.IntN(8) {
			case 0:
				h.clock.advance(25 * time.Hour)
			case 1:
				if names, err := filepath.Glob(filepath.Join(h.manifests(), "*.journal.jsonl")); err == nil && len(names) > 0 {
					f, err := os.OpenFile(names[len(names)-1], os.O_APPEND|os.O_WRONLY, 0)
					h.must(err)
					_, err = f.WriteString(`{"file":{"id":"torn`)
					h.must(err)
					f.Close()
				}
			case 2:
				other.follows(fmt.Sprint("step ", step, ", the other process"))
			case 3:
				h.follows(fmt.Sprint("step ", step))
			case 4:
				if names, err := h.manifestNames(); err == nil && len(names) > 2 && r.IntN(3) == 0 {
					h.spoil(filepath.Join(h.manifests(), names[len(names)-1]))
					h.journal.name = "" // as after a restart
				}
			}
		}
		h.follows("at the end")
		if l := h.written(); l.Header.Seq == 0 || l.From == "" {
			t.Errorf("got %+v, from %q", l.Header, l.From)
		}
	})
}

// TestTheManifestFollowsATree has several people change trees at once while it is written down.
func TestTheManifestFollowsATree(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		shared := &plants{folders: []string{rootFolder, "ada", "ann"}}
		for _, who := range []identity.Principal{ada(), administrator(), apiKey()} {
			shared.add(&shared.folders, h.as(who).mkdir("mine", "first"))
			shared.add(&shared.files, into[FileBody](h, h.as(who).upload("first", "1")).ID)
		}
		h.must(h.KeepManifest(t.Context()))
		for round := range 4 {
			var all sync.WaitGroup
			for i, who := range []identity.Principal{ada(), administrator(), apiKey()} {
				g := &gardener{h: h.as(who), random: rand.New(rand.NewPCG(uint64(round), uint64(i))), shared: shared}
				all.Go(func() {
					for range treeSteps / 4 {
						g.step()
					}
				})
			}
			all.Go(func() {
				for range 10 {
					if err := h.KeepManifest(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
			all.Wait()
			h.follows(fmt.Sprint("round ", round))
			h.clock.advance(time.Duration(round) * 10 * time.Hour)
		}
	})
}

// TestWithoutTheDatabaseFilesHaveNames deletes the database, so to say.
func TestWithoutTheDatabaseFilesHaveNames(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.put("before.txt", "before", "")
		h.must(h.KeepManifest(t.Context()))
		h.put("after.txt", "after", "")
		into[FileBody](h, h.as(ada()).upload("hers.txt", "hers"))
		gone := h.put("deleted.txt", "deleted", "")
		h.want(h.do("DELETE", prefix+"/"+gone.ID, "", nil), 200)
		h.must(h.KeepManifest(t.Context()))
		h.put("too late.txt", "nobody wrote its name down", "")
		target := filepath.Join(t.TempDir(), "target")
		report, err := export.Run(t.Context(), export.Options{Storage: h.root, Target: target})
		h.must(err)
		want := map[string]string{"Household/before.txt": "before", "Household/after.txt": "after", "Name of ada/hers.txt": "hers", "Trash/Household/deleted.txt": "deleted"}
		got := map[string]string{}
		unnamed := 0
		h.must(filepath.WalkDir(target, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			name, _ := filepath.Rel(target, path)
			if strings.HasPrefix(name, "Unnamed") {
				unnamed++
			} else {
				got[filepath.ToSlash(name)] = string(text)
			}
			return err
		}))
		if diff := cmp.Diff(want, got); diff != "" || unnamed != 1 || !report.OK() {
			t.Errorf("%d unnamed, %+v, -want +got:\n%s", unnamed, report, diff)
		}
	})
}

// TestAdoptionIsWrittenDown: where the content of the original's files lies is in no feed.
func TestAdoptionIsWrittenDown(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		original(t, db, root, []legacyRow{{id: id(1), name: "one", path: "00/" + id(1), content: "content one"}})
		h := furnish(t, db, root, nil)
		for _, when := range []string{"before", "after"} {
			h.follows(when)
			target := filepath.Join(t.TempDir(), "target")
			if report, err := export.Run(t.Context(), export.Options{Storage: root, Target: target}); err != nil || report.Files != 1 || report.Unnamed != 0 || !report.OK() {
				t.Errorf("%s: got %+v %v", when, report, err)
			}
			h.must(h.Adopt(t.Context()))
			h.clock.advance(time.Minute)
		}
	})
}

// TestManifestsAreThinned lives through 100 days with a change each.
func TestManifestsAreThinned(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		var names []string
		for day := range 100 {
			h.put(fmt.Sprint("day ", day), "content", "")
			h.must(h.KeepManifest(t.Context()))
			h.clock.advance(24*time.Hour + time.Minute)
			var err error
			if names, err = h.manifestNames(); err != nil || len(names) > 4*manifestsKept {
				t.Fatalf("day %d: %d manifests, %v", day, len(names), err)
			}
		}
		first, _ := manifest.TimeOf(names[0])
		if age := h.now().Sub(first); age < 30*24*time.Hour {
			t.Errorf("the oldest of %v is only %v old", names, age)
		}
		h.follows("at the end")
		if f := h.written(); len(f.Files) != 100 {
			t.Errorf("got %d files, want 100", len(f.Files))
		}
		before, err := h.manifestNames()
		h.must(err)
		h.clock.advance(100 * time.Hour)
		h.must(h.KeepManifest(t.Context())) // nothing changed since: nothing is written
		if after, _ := h.manifestNames(); len(after) > 0 && !slices.Equal(before, after) {
			t.Errorf("a quiet house wrote %v over %v", after, before)
		}
	})
}

// TestNothingIsWrittenWhileTheStorageIsAway unplugs the drive.
func TestNothingIsWrittenWhileTheStorageIsAway(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		h.put("a", "a", "")
		h.must(os.Rename(h.root, h.root+".unplugged"))
		h.clock.advance(time.Minute)
		if err := h.KeepManifest(t.Context()); err == nil {
			t.Error("the job did not notice")
		}
		if _, err := os.Stat(h.root); err == nil {
			t.Error("the storage was made anew")
		}
	})
}
