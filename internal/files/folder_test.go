package files

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/sqldb"
)

// ask sends JSON to a path outside the prefix.
func (h *house) ask(method, path, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.do(method, path, "application/json", strings.NewReader(body))
}

// folder makes a folder in another and returns its id.
func (h *house) mkdir(parent, name string) string {
	h.t.Helper()
	w := h.want(h.ask("POST", folderPrefix, fmt.Sprintf(`{"parent":%q,"name":%q}`, parent, name)), 201)
	var d FolderBody
	h.must(json.Unmarshal(w.Body.Bytes(), &d))
	return d.ID
}

// putInto uploads into a folder.
func (h *house) putInto(folder, name, content, onConflict string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.upload(name, content, "folder", folder, "on_conflict", onConflict)
}

func (h *house) folderOf(id string) FolderBody {
	h.t.Helper()
	return into[FolderBody](h, h.get(folderPrefix+"/"+id))
}

func (h *house) entriesOf(id, query string) folderEntriesBody {
	h.t.Helper()
	return into[folderEntriesBody](h, h.get(folderPrefix+"/"+id+"/entries"+query))
}

// names are what lies in a folder: folders with a slash, then files.
func (h *house) names(id string) string {
	h.t.Helper()
	e := h.entriesOf(id, "?limit=1000")
	var names []string
	for _, d := range e.Folders {
		names = append(names, d.Name+"/")
	}
	for _, f := range e.Files {
		names = append(names, f.Filename)
	}
	return strings.Join(names, " ")
}

// transferItems moves or copies; folders begin with /.
func (h *house) transferItems(what, to, onConflict string, ids ...string) transferredBody {
	h.t.Helper()
	body := transferBody{To: to, OnConflict: onConflict}
	for _, id := range ids {
		if folder, ok := strings.CutPrefix(id, "/"); ok {
			body.Folders = append(body.Folders, item{ID: folder})
		} else {
			body.Files = append(body.Files, item{ID: id})
		}
	}
	encoded, err := json.Marshal(body)
	h.must(err)
	return into[transferredBody](h, h.ask("POST", prefix+"/"+what, string(encoded)))
}

// problem is a refusal with a type.
func (h *house) problem(w *httptest.ResponseRecorder, status int, kind string) {
	h.t.Helper()
	h.want(w, status)
	var p httpd.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Type != kind || !strings.HasSuffix(p.Detail, ".") {
		h.t.Errorf("got %s, want the type %s and a sentence", w.Body, kind)
	}
}

const exists = "urn:homeserver:exists"

// treeRow is a folder as the tree test counts it.
type treeRow struct {
	id, owner, parent, name, nfc string
	files, bytes, folders        int64
	hidden                       bool
}

// wholeTree compares every total of folders and spaces with the rows, and the shape of the trees
// with what a tree must be.
func (h *house) wholeTree() {
	h.t.Helper()
	ctx := h.t.Context()
	rows, err := h.store.db.Query(ctx, `SELECT id, owner_id, coalesce(parent_id, ''), name, name_nfc, files, bytes, folders, deleted_at IS NOT NULL FROM folders`)
	h.must(err)
	folders := map[string]*treeRow{}
	for rows.Next() {
		var r treeRow
		h.must(rows.Scan(&r.id, &r.owner, &r.parent, &r.name, &r.nfc, &r.files, &r.bytes, &r.folders, &r.hidden))
		folders[r.id] = &r
	}
	h.must(rows.Err())
	h.must(rows.Close())
	totals, spaces := map[string]folderCounts{}, map[string]spaceCounts{}
	up := func(id string, by folderCounts) {
		for n := 0; id != ""; n++ {
			d := folders[id]
			if d == nil || n > maxDepth+1 {
				h.t.Fatalf("the way up from %s does not end at a root", id)
			}
			t := totals[id]
			t.add(by.counts)
			t.folders += by.folders
			totals[id], id = t, d.parent
		}
	}
	siblings := map[string]string{}
	for id, d := range folders {
		if d.hidden {
			continue
		}
		if d.parent == "" {
			if id != rootOf(d.owner) {
				h.t.Errorf("%s of %q has no parent and is no root", id, d.owner)
			}
			continue
		}
		up(d.parent, folderCounts{folders: 1})
		parent := folders[d.parent]
		if parent.hidden || parent.owner != d.owner || d.nfc != sameName(d.name) {
			h.t.Errorf("%+v lies in %+v", d, parent)
		}
		if other, taken := siblings[d.parent+"/"+d.nfc]; taken {
			h.t.Errorf("%s and %s bear one name in one folder", id, other)
		}
		siblings[d.parent+"/"+d.nfc] = id
	}
	list, err := h.store.files(ctx, h.store.db, `SELECT `+fileColumns+` FROM file_metadata f`)
	h.must(err)
	for _, f := range list {
		s := spaces[f.Owner]
		if f.hidden {
			s.trash += f.Size
			spaces[f.Owner] = s
			continue
		}
		d := folders[f.Folder]
		if d == nil || d.hidden || d.owner != f.Owner {
			h.t.Errorf("%s of %q lies in %+v", f.ID, f.Owner, d)
			continue
		}
		up(f.Folder, folderCounts{counts: counts{1, f.Size}})
		s.add(counts{1, f.Size})
		spaces[f.Owner] = s
	}
	for id, d := range folders {
		got := folderCounts{counts{d.files, d.bytes}, d.folders}
		if !d.hidden && got != totals[id] {
			h.t.Errorf("totals of %s (%s): got %+v, want %+v", id, d.name, got, totals[id])
		}
	}
	h.spacesAre(spaces)
}

// spacesAre compares the use of every tree but for what only the trash knows.
func (h *house) spacesAre(want map[string]spaceCounts) {
	h.t.Helper()
	ctx := h.t.Context()
	rows, err := h.store.db.Query(ctx, `SELECT f.owner_id, CAST(sum(v.size) AS bigint) FROM file_versions v JOIN file_metadata f ON f.id = v.file_id GROUP BY f.owner_id`)
	h.must(err)
	for rows.Next() {
		var owner string
		var n int64
		h.must(rows.Scan(&owner, &n))
		s := want[owner]
		s.versions = n
		want[owner] = s
	}
	h.must(rows.Err())
	h.must(rows.Close())
	h.must(h.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		owners, err := sqldb.Texts(ctx, tx, `SELECT owner_id FROM spaces`)
		h.must(err)
		spaces, err := h.store.readSpaces(ctx, tx, owners)
		for owner, s := range spaces {
			if s.spaceCounts != want[owner] {
				h.t.Errorf("space of %q: got %+v, want %+v", owner, s.spaceCounts, want[owner])
			}
		}
		return err
	}))
}

func TestFolders(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		photos := h.mkdir("", "Photos")
		year := h.mkdir(photos, "2026")
		h.want(h.putInto(year, "beach.jpg", "12345", "fail"), 200)
		h.want(h.putInto(photos, "a.jpg", "123", ""), 200)
		if got := h.folderOf(photos); got.Files != 2 || got.Bytes != 8 || got.Folders != 1 || *got.ParentID != rootFolder || fmt.Sprint(got.Path) != fmt.Sprintf("[{household } {%s Photos}]", photos) || got.ETag != `"r1"` {
			t.Errorf("got %+v", got)
		}
		if got := h.names(photos); got != "2026/ a.jpg" {
			t.Errorf("got %s", got)
		}
		usage := into[folderUsageBody](h, h.get(folderPrefix+"/mine/usage"))
		if len(usage.Folders) != 1 || usage.Folders[0].Bytes != 8 || usage.FilesHere != 0 {
			t.Errorf("got %+v", usage)
		}
		found := into[resolvedBody](h, h.get(folderPrefix+"/resolve?path=/Photos/2026/beach.jpg"))
		if found.Kind != "file" || found.File.Filename != "beach.jpg" || found.File.FolderID != year {
			t.Errorf("got %+v", found)
		}
		if found := into[resolvedBody](h, h.get(folderPrefix+"/resolve?root=household&path=Photos/")); found.Folder == nil || found.Folder.ID != photos {
			t.Errorf("got %+v", found)
		}
		h.want(h.get(folderPrefix+"/resolve?path=Photos/nothing"), 404)
		h.want(h.get(folderPrefix+"/resolve?path=Photos/a.jpg/b"), 404)

		path := into[FolderBody](h, h.ask("POST", folderPrefix+"/path", `{"path":["Photos","2025","summer"]}`))
		again := into[FolderBody](h, h.ask("POST", folderPrefix+"/path", `{"parent":"household","path":["Photos","2025","summer"]}`))
		if path.ID != again.ID || len(path.Path) != 4 || path.Path[1].ID != photos {
			t.Errorf("got %+v and %+v", path, again)
		}
		renamed := into[FolderBody](h, h.ask("PATCH", folderPrefix+"/"+year, `{"name":"Year"}`))
		if renamed.Name != "Year" || renamed.Revision != 2 || renamed.Path[2].Name != "Year" || renamed.Files != 1 {
			t.Errorf("got %+v", renamed)
		}
		h.want(h.ask("PATCH", folderPrefix+"/household", `{"name":"x"}`), 422)
		h.want(h.get(folderPrefix+"/nothing"), 404)
		if roots := into[rootsBody](h, h.get(folderPrefix)); len(roots.Roots) != 1 || roots.Roots[0].ID != rootFolder || roots.Roots[0].Files != 2 {
			t.Errorf("got %+v", roots)
		}
		h.wholeTree()
		h.sound()
	})
}

func TestFolderNames(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, name := range []string{"", ".", "..", "a/b", `a\b`, "a\x00b", "a\nb", "\u0085", strings.Repeat("ä", 128)} {
			body, err := json.Marshal(createFolderBody{Name: name})
			h.must(err)
			h.want(h.ask("POST", folderPrefix, string(body)), 422)
		}
		composed, apart := "caf\u00e9", "cafe\u0301"
		id := h.mkdir("", composed)
		h.problem(h.ask("POST", folderPrefix, fmt.Sprintf(`{"name":%q}`, apart)), 409, exists)
		kept := into[FolderBody](h, h.ask("POST", folderPrefix, fmt.Sprintf(`{"name":%q,"on_conflict":"keep"}`, apart)))
		if kept.ID != id || kept.Name != composed {
			t.Errorf("got %+v, want the one that is there", kept)
		}
		var numbered FolderBody
		w := h.want(h.ask("POST", folderPrefix, fmt.Sprintf(`{"name":%q,"on_conflict":"rename"}`, apart)), 201)
		h.must(json.Unmarshal(w.Body.Bytes(), &numbered))
		if numbered.Name != apart+" (2)" {
			t.Errorf("got %q, want the bytes kept and a number", numbered.Name)
		}
		w = h.want(h.ask("POST", folderPrefix, `{"name":"CAFÉ"}`), 201) // other case is another name
		if !strings.Contains(w.Body.String(), `"warnings":["There is also \"caf`) {
			t.Errorf("got %s, want a warning", w.Body)
		}
		deep := ""
		for range maxDepth {
			deep = h.mkdir(deep, "x")
		}
		h.want(h.ask("POST", folderPrefix, fmt.Sprintf(`{"parent":%q,"name":"x"}`, deep)), 422)
		got := h.transferItems("move", deep, "", "/"+id)
		if len(got.Failed) != 1 || got.Failed[0].Status != 422 {
			t.Errorf("got %+v, want a refusal", got)
		}
		h.wholeTree()
	})
}

func TestConflictsOfUploads(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.mkdir("", "d")
		first := into[FileBody](h, h.putInto(d, "a.txt", "1", "fail"))
		h.problem(h.putInto(d, "a.txt", "2", "fail"), 409, exists)
		if second := into[FileBody](h, h.putInto(d, "a.txt", "2", "rename")); second.Filename != "a (2).txt" {
			t.Errorf("got %+v", second)
		}
		if other := into[uploadBody](h, h.putInto(d, "A.txt", "3", "fail")); len(other.Warnings) != 1 {
			t.Errorf("got %+v, want a warning of a.txt", other)
		}
		replaced := into[FileBody](h, h.putInto(d, "a.txt", "four", "replace"))
		if replaced.ID != first.ID || replaced.Size != 4 || replaced.Revision != 2 {
			t.Errorf("got %+v, want a version of %+v", replaced, first)
		}
		h.want(h.putInto(d, "a.txt", "5", "keep"), 200)
		h.mkdir(d, "sub")
		h.problem(h.putInto(d, "sub", "6", "replace"), 409, exists)
		h.want(h.putInto(d, "sub", "6", ""), 200)
		if got := h.names(d); got != "sub/ a (2).txt a.txt a.txt A.txt sub" && got != "sub/ a (2).txt A.txt a.txt a.txt sub" && got != "sub/ a (2).txt a.txt A.txt a.txt sub" {
			t.Errorf("got %s", got)
		}
		h.want(h.putInto("nothing", "a", "1", ""), 404)
		h.want(h.putInto(d, "a", "1", "nonsense"), 422)
		h.wholeTree()
		h.sound()
	})
}

// TestEntriesPages walks folders in pages of every size, order and direction.
func TestEntriesPages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.mkdir("", "d")
		for i := range 5 {
			h.want(h.putInto(h.mkdir(d, fmt.Sprint("sub ", i*3%5)), "f", strings.Repeat("x", i), ""), 200)
			h.want(h.putInto(d, fmt.Sprint("File ", i*3%5), strings.Repeat("x", i*2%5), ""), 200)
			h.want(h.putInto(d, "same", "x", "keep"), 200)
		}
		for _, query := range []string{"", "sort=name&order=desc", "sort=date", "sort=date&order=asc", "sort=size", "sort=size&order=asc", "q=FILE", "q=sub&sort=size", "q=nothing"} {
			whole := h.entriesOf(d, "?limit=1000&"+query)
			if whole.TotalFolders != int64(len(whole.Folders)) || whole.TotalFiles != int64(len(whole.Files)) || whole.NextCursor != "" {
				t.Errorf("%s: got totals %d, %d of %d, %d", query, whole.TotalFolders, whole.TotalFiles, len(whole.Folders), len(whole.Files))
			}
			for limit := 1; limit <= 16; limit++ {
				var got folderEntriesBody
				for cursor := ""; ; {
					page := h.entriesOf(d, fmt.Sprintf("?limit=%d&%s&cursor=%s", limit, query, cursor))
					if n := len(page.Folders) + len(page.Files); n > limit || page.NextCursor != "" && n != limit || page.TotalFiles != whole.TotalFiles || page.TotalFolders != whole.TotalFolders {
						t.Fatalf("%s, limit %d: got a page of %d with next %q, totals %d, %d", query, limit, n, page.NextCursor, page.TotalFolders, page.TotalFiles)
					}
					got.Folders, got.Files = append(got.Folders, page.Folders...), append(got.Files, page.Files...)
					if cursor = page.NextCursor; cursor == "" {
						break
					}
				}
				if a, b := entryIDs(got), entryIDs(whole); !slices.Equal(a, b) {
					t.Fatalf("%s, limit %d: got %v, want %v", query, limit, a, b)
				}
			}
		}
		h.want(h.get(folderPrefix+"/"+h.mkdir("", "other")+"/entries?cursor="+h.entriesOf(d, "?limit=1").NextCursor), 422)
	})
}

func entryIDs(e folderEntriesBody) (ids []string) {
	for _, d := range e.Folders {
		ids = append(ids, d.ID)
	}
	for _, f := range e.Files {
		ids = append(ids, f.ID)
	}
	return ids
}

// TestMoveIntoEachOther: of two folders that go into each other at once, one stays.
func TestMoveIntoEachOther(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 20 {
			base := h.mkdir("", fmt.Sprint(i))
			a, b := h.mkdir(base, "a"), h.mkdir(base, "b")
			h.want(h.putInto(h.mkdir(a, "inner"), "f", "1", ""), 200)
			var wg sync.WaitGroup
			var got [2]transferredBody
			for i, pair := range [][2]string{{a, b}, {b, a}} {
				wg.Go(func() { got[i] = h.transferItems("move", pair[1], "", "/"+pair[0]) })
			}
			wg.Wait()
			if len(got[0].Done)+len(got[1].Done) != 1 || len(got[0].Failed)+len(got[1].Failed) != 1 {
				t.Fatalf("got %+v", got)
			}
			if left := h.folderOf(base); left.Folders != 3 || left.Files != 1 || len(h.entriesOf(base, "").Folders) != 1 {
				t.Fatalf("got %+v, want one folder in the other", left)
			}
		}
		h.wholeTree()
	})
}
