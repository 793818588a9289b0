package files

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"homeserver/internal/platform/identity"
)

// api sends JSON to a path of the whole house.
func (h *house) api(method, path, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.do(method, "/api/v1"+path, "application/json", strings.NewReader(body))
}

// folderAt makes the folders of a path below a root, "mine" or "household".
func (h *house) folderAt(root, path string) string {
	h.t.Helper()
	return into[FolderBody](h, h.api("POST", "/folders/path", fmt.Sprintf(`{"parent":%q,"path":["%s"]}`, root, strings.ReplaceAll(path, "/", `","`)))).ID
}

// putIn uploads into a folder.
func (h *house) putIn(folder, name, content, tags string, shared bool) string {
	h.t.Helper()
	id := into[FileBody](h, h.upload(name, content, "tags", tags, "shared", fmt.Sprint(shared))).ID
	w := h.api("POST", "/files/move", fmt.Sprintf(`{"files":[{"id":%q}],"to":%q,"on_conflict":"keep"}`, id, folder))
	if moved := into[transferredBody](h, w); len(moved.Done) != 1 {
		h.t.Fatalf("got %s", w.Body)
	}
	return id
}

// emptyTrash destroys what is in the trash.
func (h *house) emptyTrash() {
	h.t.Helper()
	_, err := h.EmptyTrash(identity.With(h.t.Context(), h.who), "9999")
	h.must(err)
}

// trashNow lists the trash.
func (h *house) trashNow() trashBody {
	h.t.Helper()
	return into[trashBody](h, h.api("GET", "/trash", ""))
}

// tree is what lies in a folder and below, as paths.
func (h *house) tree(folder, path string, all map[string]string) map[string]string {
	h.t.Helper()
	page := into[folderEntriesBody](h, h.api("GET", "/folders/"+folder+"/entries?limit=1000", ""))
	for _, d := range page.Folders {
		all[path+d.Name+"/"] = fmt.Sprint(d.Files, d.Bytes, d.Folders)
		h.tree(d.ID, path+d.Name+"/", all)
	}
	for _, f := range page.Files {
		all[path+f.Filename] = fmt.Sprintf("%s %d %v %t", f.ID, f.Size, f.Tags, f.Shared)
	}
	return all
}

// counted compares the totals of folders, spaces and the trash with the rows.
func (h *house) counted() {
	h.t.Helper()
	h.consistent()
	h.wholeTree()
	for what, query := range map[string]string{
		"folders whose files do not add up": `WITH RECURSIVE up (id, file_id, size) AS (
				SELECT folder_id, id, size FROM file_metadata WHERE deleted_at IS NULL
				UNION ALL SELECT d.parent_id, up.file_id, up.size FROM up JOIN folders d ON d.id = up.id WHERE d.parent_id IS NOT NULL)
			SELECT count(*) FROM folders d LEFT JOIN (SELECT id, count(*) AS n, sum(size) AS bytes FROM up GROUP BY id) s ON s.id = d.id
			WHERE d.deleted_at IS NULL AND (d.files <> coalesce(s.n, 0) OR d.bytes <> coalesce(s.bytes, 0))`,
		"live things in folders that are not": `SELECT (SELECT count(*) FROM file_metadata f JOIN folders d ON d.id = f.folder_id WHERE f.deleted_at IS NULL AND (d.deleted_at IS NOT NULL OR d.owner_id <> f.owner_id))
			+ (SELECT count(*) FROM folders f JOIN folders d ON d.id = f.parent_id WHERE f.deleted_at IS NULL AND (d.deleted_at IS NOT NULL OR d.owner_id <> f.owner_id))`,
		"spaces that do not add up": `SELECT count(*) FROM spaces s WHERE s.files <> (SELECT count(*) FROM file_metadata f WHERE f.owner_id = s.owner_id AND f.deleted_at IS NULL)
			OR s.bytes <> (SELECT coalesce(sum(f.size), 0) FROM file_metadata f WHERE f.owner_id = s.owner_id AND f.deleted_at IS NULL)
			OR s.trash_bytes <> (SELECT coalesce(sum(f.size), 0) FROM file_metadata f WHERE f.owner_id = s.owner_id AND f.deleted_at IS NOT NULL)
			OR s.version_bytes <> (SELECT coalesce(sum(v.size), 0) FROM file_versions v JOIN file_metadata f ON f.id = v.file_id WHERE f.owner_id = s.owner_id)`,
		"things in the trash that do not add up": `SELECT count(*) FROM trash t WHERE t.files <> (SELECT count(*) FROM file_metadata f WHERE f.trash_id = t.id) OR t.bytes <> (SELECT coalesce(sum(f.size), 0) FROM file_metadata f WHERE f.trash_id = t.id)`,
		"hidden files without trash":             `SELECT count(*) FROM file_metadata f WHERE f.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.id = f.trash_id)`,
		"live files of the trash":                `SELECT count(*) FROM file_metadata f WHERE f.deleted_at IS NULL AND f.trash_id IS NOT NULL`,
	} {
		var n int64
		if err := h.store.db.QueryRow(h.t.Context(), query).Scan(&n); err != nil || n != 0 {
			h.t.Errorf("%s: %d, %v", what, n, err)
		}
	}
}

// TestTrashOfFiles: who, when and where from; and back, whatever has become of the place.
func TestTrashOfFiles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.as(ada())
		deep := a.folderAt("mine", "a/b")
		one, two := a.putIn(deep, "one", "1", "x", false), a.putIn(deep, "two", "22", "", true)
		gone := into[deletedBody](a, a.do("DELETE", prefix+"/"+one, "", nil))
		h.clock.advance(1)
		into[deletedBody](h, h.do("DELETE", prefix+"/"+two, "", nil)) // an administrator
		list := a.trashNow()
		if list.Total != 2 || list.Bytes != 3 || len(list.Items) != 2 || list.Items[1].ID != gone.Trash {
			t.Fatalf("got %+v", list)
		}
		if got := list.Items[0]; got.ItemID != two || got.DeletedBy != "" || fmt.Sprint(got.Path) != "[a b]" || got.Owner != "ada" || got.Kind != "file" || got.Files != 1 {
			t.Errorf("got %+v", got)
		}
		if got := list.Items[1]; got.ItemID != one || got.DeletedBy != "ada" || got.DeletedByName != "Name of ada" || got.Name != "one" || !got.ExpiresAt.Equal(gone.UndoUntil.Add(got.DeletedAt.Sub(got.DeletedAt.Truncate(1e9)))) {
			t.Errorf("got %+v, gone until %s", got, gone.UndoUntil)
		}
		for who, want := range map[*house]int64{h: 2, h.as(bob()): 1, h.as(guest()): 1, h.as(administrator()): 2} {
			if got := who.trashNow(); got.Total != want || len(got.Items) != int(want) {
				t.Errorf("%s sees %+v, want %d", who.who.Name, got, want)
			}
		}
		h.counted()
		if got := h.spaceOf("ada"); got != (spaceCounts{counts{}, 3, 0}) {
			t.Errorf("got %+v", got)
		}
		a.want(a.do("DELETE", "/api/v1/folders/"+a.folderAt("mine", "a"), "", nil), 200)
		h.as(guest()).want(h.as(guest()).api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q]}`, gone.Trash)), 403)
		strange := into[restoredTrashBody](h, h.as(bob()).api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q,"nobody"]}`, gone.Trash)))
		if len(strange.Restored) != 0 || len(strange.Failed) != 2 || strange.Failed[0].Status != 404 || strange.Failed[1].Status != 404 {
			t.Errorf("got %+v", strange)
		}
		back := into[restoredTrashBody](a, a.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q,%q]}`, gone.Trash, list.Items[0].ID)))
		if len(back.Restored) != 2 || back.Restored[0].ItemID != one || back.Restored[1].FolderID != back.Restored[0].FolderID || back.Restored[0].FolderID == deep {
			t.Errorf("got %+v", back)
		}
		want := map[string]string{"a/": "2 3 1", "a/b/": "2 3 0", "a/b/one": one + " 1 [x] false", "a/b/two": two + " 2 [] true"}
		if got := a.tree("ada", "", map[string]string{}); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		h.counted()
		// And the old folder besides: its name is taken.
		folder := a.trashNow().Items[0]
		if got := into[restoredTrashBody](a, a.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q]}`, folder.ID))); len(got.Restored) != 1 || got.Restored[0].Name != "a (2)" || got.Restored[0].Kind != "folder" {
			t.Errorf("got %+v", got)
		}
		h.counted()
		h.sound()
	})
}

// TestTrashOfFolders: a whole tree goes and comes back as it was, with tags and counts.
func TestTrashOfFolders(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.as(ada()), h.as(bob())
		top, deep := a.folderAt("mine", "photos"), a.folderAt("mine", "photos/2026/sea")
		early := a.putIn(top, "early", "0", "", false)
		a.putIn(top, "one", "1", "x,y", false)
		inside := a.putIn(deep, "two", "22", "x", true)
		a.putIn("ada", "outside", "333", "x", false)
		into[deletedBody](a, a.do("DELETE", prefix+"/"+early, "", nil)) // before its folder
		before := a.tree("ada", "", map[string]string{})
		start := h.cursor()

		gone := into[deletedManyBody](a, a.api("DELETE", "/folders/"+top, ""))
		if len(gone.Deleted) != 1 || gone.Deleted[0] != top || len(gone.Trash) != 1 {
			t.Fatalf("got %+v", gone)
		}
		h.counted()
		for _, path := range []string{"/folders/" + top, "/folders/" + deep + "/entries", "/files/" + inside + "/metadata", "/files/" + inside + "/download", "/files/" + inside + "/versions"} {
			a.want(a.api("GET", path, ""), 404)
		}
		if got := a.list("?tag=x"); got.Total != 1 || b.list("").Total != 0 {
			t.Errorf("got %+v", got)
		}
		a.want(a.api("DELETE", "/folders/"+top, ""), 404)
		if list := a.trashNow(); list.Total != 2 || list.Items[0].Files != 2 || list.Items[0].Bytes != 3 || list.Items[0].Kind != "folder" || b.trashNow().Total != 0 {
			t.Errorf("got %+v", list)
		}
		into[restoredTrashBody](a, a.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q]}`, gone.Trash[0])))
		if got := a.tree("ada", "", map[string]string{}); !maps.Equal(got, before) {
			t.Errorf("got %v, want %v", got, before)
		}
		h.counted()
		mine, _ := a.since(start)
		others, _ := b.since(start)
		if inShort(mine) != "trashed two, trashed photos, restored photos, restored two" || inShort(others) != "trashed two, restored two" {
			t.Errorf("feed: got %s; others got %s", inShort(mine), inShort(others))
		}
		h.sound()
	})
}

// TestRestoreOfOneFileOfAFolder by the original's API: it comes back alone.
func TestRestoreOfOneFileOfAFolder(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		deep := h.folderAt("household", "a/b")
		one, two := h.putIn(deep, "one", "1", "x", true), h.putIn(deep, "two", "22", "y", true)
		gone := into[deletedManyBody](h, h.api("POST", "/files/delete", fmt.Sprintf(`{"folders":[%q,"nobody"]}`, h.folderAt("household", "a"))))
		if fmt.Sprint(gone.Missing) != "[nobody]" {
			t.Errorf("got %+v", gone)
		}
		back := into[FileBody](h, h.send("POST", "/"+one+"/restore", ""))
		h.counted()
		if back.FolderID == deep || into[FolderBody](h, h.api("GET", "/folders/"+back.FolderID, "")).Path[2].Name != "b" {
			t.Errorf("got %+v", back)
		}
		if list := h.trashNow(); list.Items[0].Files != 1 || list.Items[0].Bytes != 2 {
			t.Errorf("got %+v", list)
		}
		into[restoredTrashBody](h, h.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q]}`, gone.Trash[0])))
		h.counted()
		want := map[string]string{"a/": "1 1 1", "a/b/": "1 1 0", "a/b/one": one + " 1 [x] true", "a (2)/": "1 2 1", "a (2)/b/": "1 2 0", "a (2)/b/two": two + " 2 [y] true"}
		if got := h.tree("household", "", map[string]string{}); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		h.sound()
	})
}

// TestRestoreConflicts: what is done when the name is taken by then.
func TestRestoreConflicts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		in := h.folderAt("household", "in")
		for _, c := range []struct{ onConflict, want string }{
			{"", "x (2) old, x new"},
			{"rename", "x (2) old, x new"},
			{"keep", "x new, x old"},
			{"fail", "x new"},
			{"replace", "x old"},
		} {
			old := h.putIn(in, "x.txt", "old", "", true)
			trash := into[deletedBody](h, h.do("DELETE", prefix+"/"+old, "", nil)).Trash
			h.putIn(in, "x.txt", "new", "", true)
			body := fmt.Sprintf(`{"ids":[%q],"on_conflict":%q}`, trash, c.onConflict)
			got := into[restoredTrashBody](h, h.api("POST", "/trash/restore", strings.Replace(body, `,"on_conflict":""`, "", 1)))
			if c.onConflict == "fail" && (len(got.Failed) != 1 || got.Failed[0].Status != 409 || got.Failed[0].Type != "urn:homeserver:exists") {
				t.Errorf("got %+v", got)
			}
			var names []string
			for _, f := range into[folderEntriesBody](h, h.api("GET", "/folders/"+in+"/entries", "")).Files {
				names = append(names, strings.Replace(f.Filename, ".txt", "", 1)+" "+h.content(f.ID+"/download"))
				h.want(h.do("DELETE", prefix+"/"+f.ID, "", nil), 200)
			}
			slices.Sort(names)
			if got := strings.Join(names, ", "); got != c.want {
				t.Errorf("%s: got %q, want %q", c.onConflict, got, c.want)
			}
			h.counted()
		}
		h.want(h.api("POST", "/trash/restore", `{"ids":["x"],"on_conflict":"often"}`), 422)
	})
}

// TestSecondWord: very much at once, or half of a tree, asks for its number.
func TestSecondWord(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		half, rest := h.folderAt("household", "half"), h.folderAt("household", "rest")
		var ids []string
		for i := range 9 {
			ids = append(ids, fmt.Sprintf("%q", h.putIn(half, fmt.Sprint(i), "x", "", true)))
		}
		nine := into[deletedManyBody](h, h.api("POST", "/files/delete", `{"ids":[`+strings.Join(ids, ",")+`]}`)) // nine may go, also when they are all
		into[restoredTrashBody](h, h.api("POST", "/trash/restore", `{"ids":["`+strings.Join(nine.Trash, `","`)+`"]}`))
		ids = append(ids, fmt.Sprintf("%q", h.putIn(half, "ten", "x", "", true)))
		for i := range 10 {
			h.putIn(rest, fmt.Sprint(i), "x", "", true)
		}
		for _, body := range []string{`{"ids":[` + strings.Join(ids, ",") + `]`, fmt.Sprintf(`{"folders":[%q]`, half), fmt.Sprintf(`{"ids":[%s],"folders":[%q]`, ids[0], half)} {
			w := h.want(h.api("POST", "/files/delete", body+`}`), 409)
			if !strings.Contains(w.Body.String(), `"type":"urn:homeserver:confirm"`) || !strings.Contains(w.Body.String(), `"confirm":"10"`) {
				t.Errorf("%s: got %s", body, w.Body)
			}
			h.want(h.api("POST", "/files/delete", body+`,"confirm":"9"}`), 409)
			h.want(h.api("POST", "/files/delete", body+`,"confirm":"yes"}`), 409)
		}
		h.want(h.api("DELETE", "/folders/"+half, ""), 409)
		other := h.folderAt("household", "other/half")
		w := h.api("POST", "/files/move", fmt.Sprintf(`{"folders":[{"id":%q}],"to":"household","on_conflict":"replace"}`, other))
		if moved := into[transferredBody](h, w); len(moved.Failed) != 1 || moved.Failed[0].Type != "urn:homeserver:confirm" {
			t.Errorf("got %s", w.Body)
		}
		h.putIn(rest, "one more", "x", "", true)
		trash := into[deletedManyBody](h, h.api("DELETE", "/folders/"+half, "")).Trash // ten of 21 are less than half
		into[restoredTrashBody](h, h.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q]}`, trash[0])))
		h.want(h.do("DELETE", prefix+"/"+into[FileBody](h, h.upload("x", "x")).ID, "", nil), 200)
		h.putIn(half, "eleven", "x", "", true)
		h.want(h.api("DELETE", "/folders/"+half+"?confirm=11", ""), 200)
		h.counted()
		h.want(h.api("DELETE", "/folders/household?confirm=1000", ""), 422)
		h.want(h.api("POST", "/files/delete", `{}`), 422)

		// More than a thousand ask although there is much more.
		by, all := map[string]int64{"": 1001}, map[string]int64{"": 1_000_000}
		if err := confirm(by, all, ""); err == nil || confirm(map[string]int64{"": 1000}, all, "") != nil || confirm(map[string]int64{"": 600, "ada": 401}, all, "") == nil || confirm(by, all, "1001") != nil {
			t.Errorf("got %v", err)
		}
	})
}

// TestDeleteIfMatch: what has changed since one saw it stays.
func TestDeleteIfMatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a", "1", "")
		h.want(h.request("DELETE", "/"+f.ID, nil, "If-Match", `"r7"`), 412)
		h.want(h.request("DELETE", "/"+f.ID, nil, "If-Match", `r1`), 400)
		h.want(h.request("DELETE", "/"+f.ID, nil, "If-Match", `"`+*f.SHA256+`"`), 200)
		d := "/../folders/" + h.folderAt("household", "d")
		h.want(h.request("DELETE", d, nil, "If-Match", `"r9"`), 412)
		h.want(h.request("DELETE", d, nil, "If-Match", `"r1"`), 200)
	})
}

// TestRestoreIfMatch: what is no longer as one saw it stays in the trash.
func TestRestoreIfMatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f, other := h.put("a", "1", ""), h.put("b", "2", "")
		d := h.folderAt("household", "d")
		gone := into[deletedManyBody](h, h.api("POST", "/files/delete", fmt.Sprintf(`{"ids":[%q,%q],"folders":[%q]}`, f.ID, other.ID, d)))
		h.want(h.request("POST", "/"+f.ID+"/restore", nil, "If-Match", f.ETag), 412)
		h.want(h.request("POST", "/"+f.ID+"/restore", nil, "If-Match", "r2"), 400)
		several := func(tag string) string {
			return fmt.Sprintf(`{"ids":[%q,%q],"if_match":{%q:%q}}`, f.ID, other.ID, other.ID, tag)
		}
		h.want(h.api("POST", "/files/restore", several(other.ETag)), 412)
		h.want(h.api("POST", "/files/restore", several("r2")), 400)
		trash := into[trashBody](h, h.api("GET", "/trash", ""))
		in := map[string]string{} // the trash, by what it was
		for _, item := range trash.Items {
			in[item.ItemID] = item.ID
			if item.ETag != `"r2"` {
				t.Errorf("got %+v, want the etag that it has since", item)
			}
		}
		if len(gone.Trash) != 3 || len(in) != 3 {
			t.Fatalf("got %+v, then %+v", gone, trash)
		}
		body := fmt.Sprintf(`{"ids":[%q,%q,%q],"if_match":{%q:%q,%q:%q}}`, in[f.ID], in[other.ID], in[d], in[f.ID], `"r2"`, in[d], `"r1"`)
		got := into[restoredTrashBody](h, h.api("POST", "/trash/restore", body))
		if len(got.Restored) != 2 || len(got.Failed) != 1 || got.Failed[0].ID != in[d] || got.Failed[0].Status != 412 || got.Failed[0].Type != "urn:homeserver:changed" {
			t.Errorf("got %+v, want the files back and the folder refused", got)
		}
		h.want(h.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q],"if_match":{%q:"r2"}}`, in[d], in[d])), 400)
		h.want(h.request("POST", "/"+f.ID+"/restore", nil, "If-Match", `"`+*f.SHA256+`"`), 200)
		h.want(h.request("POST", "/"+f.ID+"/restore", nil, "If-Match", `"r9"`), 412) // not in the trash
		if got := into[restoredTrashBody](h, h.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q],"if_match":{%q:%q}}`, in[d], in[d], `"r2"`))); len(got.Restored) != 1 {
			t.Errorf("got %+v", got)
		}
		h.counted()
	})
}

// TestRestoreOfAFolderThatWasOnceDeep: what comes back is as deep as it is, not as it ever was.
func TestRestoreOfAFolderThatWasOnceDeep(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		names := func(n int) string { return strings.TrimSuffix(strings.Repeat("d/", n), "/") }
		top := h.folderAt("household", "top")
		h.folderAt(top, names(maxDepth-1))
		first := h.folderAt(top, "d")
		h.want(h.api("DELETE", "/folders/"+first, ""), 200) // now it is flat
		flat := h.folderAt(top, "flat")
		// It lies at the end of a long path, in which it may lie for all it holds.
		home := h.folderAt("household", "home/"+names(maxDepth-3))
		moved := into[transferredBody](h, h.api("POST", "/files/move", fmt.Sprintf(`{"folders":[{"id":%q}],"to":%q}`, top, home)))
		if len(moved.Failed) != 0 {
			t.Fatalf("got %+v", moved)
		}
		gone := into[deletedManyBody](h, h.api("DELETE", "/folders/"+top, ""))
		got := into[restoredTrashBody](h, h.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q]}`, gone.Trash[0])))
		if len(got.Failed) != 0 || len(got.Restored) != 1 {
			t.Errorf("got %+v, want it back", got)
		}
		h.want(h.api("GET", "/folders/"+flat, ""), 200)
		h.wholeTree()
		h.counted()
	})
}

// TestDestroy: what is deleted from the trash is gone for good, and much of it asks for its number.
func TestDestroy(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.as(ada())
		top := a.folderAt("mine", "top/deep")
		var ids []string
		for i := range 8 {
			ids = append(ids, a.putIn(top, fmt.Sprint(i), fmt.Sprint("content ", i), "x", i%2 == 0))
		}
		a.want(a.replaceWith(ids[0], "other"), 200)
		others := h.as(bob())
		strange := into[deletedBody](others, others.do("DELETE", prefix+"/"+into[FileBody](others, others.upload("b", "b")).ID, "", nil)).Trash
		one := into[deletedBody](a, a.do("DELETE", prefix+"/"+ids[0], "", nil)).Trash
		start := a.cursor()
		got := into[destroyedBody](a, a.api("POST", "/trash/delete", fmt.Sprintf(`{"ids":[%q,%q,"nobody",%q]}`, one, strange, one)))
		if !slices.Equal(got.Deleted, []string{one}) || !slices.Equal(got.Missing, []string{strange, "nobody"}) || got.Files != 1 || got.Bytes != int64(len("content 0")+len("other")) {
			t.Errorf("got %+v", got)
		}
		if list, _ := a.since(start); inShort(list) != "removed 0" {
			t.Errorf("feed: got %s", inShort(list))
		}
		a.want(a.send("POST", "/"+ids[0]+"/restore", ""), 404)
		h.counted()
		a.want(a.api("DELETE", "/folders/"+a.folderAt("mine", "top")+"?confirm=8", ""), 200)
		for i := range 3 {
			a.want(a.do("DELETE", prefix+"/"+into[FileBody](a, a.upload(fmt.Sprint("late ", i), "x")).ID, "", nil), 200)
		}
		if w := a.want(a.api("POST", "/trash/empty", `{}`), 409); !strings.Contains(w.Body.String(), `"confirm":"10"`) {
			t.Errorf("got %s", w.Body)
		}
		a.want(a.api("POST", "/trash/empty", `{"confirm":"9"}`), 409)
		if got := into[destroyedBody](a, a.api("POST", "/trash/empty", `{"confirm":"10"}`)); got.Files != 10 {
			t.Errorf("got %+v", got)
		}
		if a.trashNow().Total != 0 || h.trashNow().Total != 1 {
			t.Errorf("got %+v and %+v; want what is bob's to stay", a.trashNow(), h.trashNow())
		}
		h.counted()
		h.collect(t)
		if report := h.sound(); report.Blobs != 1 || report.Waiting != 0 {
			t.Errorf("got %+v", report)
		}
	})
}

// TestTrashPages walks the trash.
func TestTrashPages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var want, got []string
		for i := range 7 {
			id := h.put(fmt.Sprint(i), "x", "").ID
			h.want(h.do("DELETE", prefix+"/"+id, "", nil), 200)
			want = append([]string{id}, want...)
		}
		for cursor := ""; ; {
			page := into[trashBody](h, h.api("GET", "/trash?limit=3&cursor="+cursor, ""))
			for _, it := range page.Items {
				got = append(got, it.ItemID)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for _, query := range []string{"?cursor=x", "?cursor=AAAA", "?limit=0"} {
			h.want(h.api("GET", "/trash"+query, ""), 422)
		}
	})
}
