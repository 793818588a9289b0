package files

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/identity"
)

// only returns what a request to move or copy says of its only item.
func (h *house) only(b transferredBody) string {
	h.t.Helper()
	switch {
	case len(b.Done) == 1 && len(b.Failed) == 0:
		return "done as " + b.Done[0].Name
	case len(b.Failed) == 1 && len(b.Done) == 0:
		return fmt.Sprint(b.Failed[0].Status, " ", strings.TrimPrefix(b.Failed[0].Type, "urn:homeserver:"))
	}
	return fmt.Sprintf("%+v", b)
}

// TestMoveConflicts meets every way out of a conflict with files and folders, moved and copied.
func TestMoveConflicts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i, c := range []struct{ what, kind, onConflict, want, there string }{
			{"move", "file", "", "409 exists", "n/ n n"},
			{"move", "file", "keep", "done as n", "n/ n n n"},
			{"move", "file", "rename", "done as n (2)", "n/ n n n (2)"},
			{"move", "file", "replace", "409 exists", "n/ n n"}, // there is a folder of the name, too
			{"move", "folder", "", "409 exists", "n/ n n"},
			{"move", "folder", "keep", "done as n (2)", "n/ n (2)/ n n"},
			{"move", "folder", "rename", "done as n (2)", "n/ n (2)/ n n"},
			{"move", "folder", "replace", "409 exists", "n/ n n"},
			{"copy", "file", "", "409 exists", "n/ n n"},
			{"copy", "file", "keep", "done as n", "n/ n n n"},
			{"copy", "file", "rename", "done as n (2)", "n/ n n n (2)"},
			{"copy", "folder", "", "409 exists", "n/ n n"},
			{"copy", "folder", "rename", "done as n (2)", "n/ n (2)/ n n"},
		} {
			from, to := h.mkdir("", fmt.Sprint("from ", i)), h.mkdir("", fmt.Sprint("to ", i))
			for _, folder := range []string{from, to} {
				h.mkdir(folder, "n")
				h.want(h.putInto(folder, "n", folder, "keep"), 200)
			}
			h.want(h.putInto(to, "n", "another", "keep"), 200)
			e := h.entriesOf(from, "")
			id := e.Files[0].ID
			if c.kind == "folder" {
				id = "/" + e.Folders[0].ID
			}
			got := h.only(h.transferItems(c.what, to, c.onConflict, id))
			if there := h.names(to); got != c.want || there != c.there {
				t.Errorf("%+v: got %s and %s", c, got, there)
			}
		}
		h.wholeTree()
		h.replayed()
	})
}

// TestReplaceByMoving: the file that is there gets a version and keeps its id, the folder that
// is there goes to the trash, and nothing replaces what it lies in.
func TestReplaceByMoving(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		to, from := h.mkdir("", "to"), h.mkdir("", "from")
		present := into[FileBody](h, h.putInto(to, "f", "old", ""))
		mover := into[FileBody](h, h.putInto(from, "f", "newer", ""))
		got := h.transferItems("move", to, "replace", mover.ID)
		if len(got.Done) != 1 || got.Done[0].ID != present.ID || got.Done[0].Replaced != present.ID || got.Done[0].From != from {
			t.Errorf("got %+v", got)
		}
		h.want(h.get(prefix+"/"+mover.ID+"/metadata"), 404)
		if w := h.get(prefix + "/" + present.ID + "/download"); w.Body.String() != "newer" {
			t.Errorf("got %q", w.Body)
		}
		old, mine := h.mkdir(to, "d"), h.mkdir(from, "d")
		h.want(h.putInto(h.mkdir(old, "in"), "x", "1", ""), 200)
		got = h.transferItems("move", to, "replace", "/"+mine)
		if len(got.Done) != 1 || got.Done[0].Replaced != old || h.names(to) != "d/ f" {
			t.Errorf("got %+v and %s", got, h.names(to))
		}
		h.want(h.get(folderPrefix+"/"+old), 404)
		inner := h.mkdir(h.mkdir(mine, "between"), "d")
		if got := h.only(h.transferItems("move", to, "replace", "/"+inner)); got != "409 about:blank" {
			t.Errorf("got %s, want a refusal: it lies in what it would replace", got)
		}
		for _, target := range []string{mine, inner} {
			if got := h.only(h.transferItems("move", target, "", "/"+mine)); got != "409 about:blank" {
				t.Errorf("got %s, want a refusal: into itself", got)
			}
			if got := h.only(h.transferItems("copy", target, "", "/"+mine)); got != "409 about:blank" {
				t.Errorf("got %s, want a refusal: a copy into itself", got)
			}
		}
		for _, what := range []string{"move", "copy"} {
			if got := h.only(h.transferItems(what, to, "", "/"+rootFolder)); got != "422 about:blank" {
				t.Errorf("%s of a root: got %s", what, got)
			}
		}
		h.wholeTree()
		h.replayed()
		h.sound()
	})
}

// TestMoveUnderAnotherName: what comes under a new name meets what bears that name, and nothing
// that bears its old one.
func TestMoveUnderAnotherName(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		to := h.mkdir("", "to")
		bystander := into[FileBody](h, h.putInto(to, "a", "bystander", ""))
		target := into[FileBody](h, h.putInto(to, "b", "old", ""))
		source := h.put("a", "new", "")
		ask := func(what, kind, id, name, to, onConflict string) string {
			body := fmt.Sprintf(`{%q:[{"id":%q,"name":%q}],"to":%q,"on_conflict":%q}`, kind, id, name, to, onConflict)
			return h.only(into[transferredBody](h, h.ask("POST", prefix+"/"+what, body)))
		}
		for _, c := range []struct{ what, kind, id, name, to, onConflict, want string }{
			{"move", "files", source.ID, "b", to, "fail", "409 exists"},
			{"move", "files", source.ID, "x/y", to, "replace", "422 about:blank"},
			{"move", "files", source.ID, "..", to, "replace", "422 about:blank"},
			{"copy", "files", source.ID, "c", to, "fail", "done as c"},
			{"copy", "files", source.ID, "c", to, "rename", "done as c (2)"},
			{"move", "files", source.ID, "b", to, "replace", "done as b"},
			{"move", "files", target.ID, "d", to, "fail", "done as d"}, // stays in its folder
			{"copy", "folders", to, "twin", rootFolder, "fail", "done as twin"},
			{"move", "folders", to, "twin", rootFolder, "fail", "409 exists"},
			{"move", "folders", to, "there", rootFolder, "fail", "done as there"},
		} {
			if got := ask(c.what, c.kind, c.id, c.name, c.to, c.onConflict); got != c.want {
				t.Errorf("%+v: got %s", c, got)
			}
		}
		if got := h.names(to); got != "a c c (2) d" {
			t.Errorf("got %s", got)
		}
		if got := h.get(prefix + "/" + target.ID + "/download").Body.String(); got != "new" || len(h.versionsOf(target.ID)) != 1 {
			t.Errorf("got %q, want the new content and a version", got)
		}
		if got := h.get(prefix + "/" + bystander.ID + "/download").Body.String(); got != "bystander" || len(h.versionsOf(bystander.ID)) != 0 {
			t.Errorf("got %q of a file that nobody named", got)
		}
		h.wholeTree()
		h.replayed()
		h.sound()
	})
}

// TestRenameReplaces: a file takes another's name, and that goes to the trash.
func TestRenameReplaces(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.put("a", "a", "t"), h.put("b", "b", "")
		got := into[FileBody](h, h.want(h.ask("PATCH", prefix+"/"+a.ID, `{"filename":"b","on_conflict":"replace"}`), 200))
		if got.ID != a.ID || got.Filename != "b" || h.names(rootFolder) != "b" {
			t.Errorf("got %+v and %s", got, h.names(rootFolder))
		}
		h.want(h.get(prefix+"/"+b.ID+"/metadata"), 404)
		h.want(h.ask("POST", prefix+"/"+b.ID+"/restore", ""), 200)
		h.mkdir("", "folder")
		h.problem(h.ask("PATCH", prefix+"/"+a.ID, `{"filename":"folder","on_conflict":"replace"}`), 409, exists)
		h.wholeTree()
		h.replayed()
		h.sound()
	})
}

// TestGivingAway takes a folder with tagged, shared and replaced files from one owner to another
// and back: all counters follow.
func TestGivingAway(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, boss := h.as(ada()), h.as(administrator())
		d := a.mkdir("", "d")
		sub := a.mkdir(d, "sub")
		for i, shared := range []string{"true", "false"} {
			a.want(a.upload(fmt.Sprint("f", i), "content", "folder", sub, "shared", shared, "tags", "t,u"), 200)
			a.want(a.upload(fmt.Sprint("f", i), "other", "folder", sub, "on_conflict", "replace"), 200)
		}
		file := into[FileBody](a, a.upload("single", "1", "tags", "t"))
		a.want(a.upload("single", "22", "on_conflict", "replace"), 200)
		check := func(owner string, shared bool) {
			t.Helper()
			h.wholeTree()
			h.consistent()
			h.replayed()
			for _, f := range boss.entriesOf(sub, "").Files {
				if f.Owner != owner || owner != "" && f.Shared != (shared && f.Filename == "f0") {
					t.Errorf("got %+v, want it %q's", f, owner)
				}
			}
		}
		check("ada", true)
		if got := h.as(bob()).want(h.as(bob()).ask("POST", prefix+"/move", fmt.Sprintf(`{"folders":[{"id":%q}],"to":"household"}`, d)), 200); !strings.Contains(got.Body.String(), `"status":404`) {
			t.Errorf("got %s", got.Body)
		}
		if got := boss.only(boss.transferItems("move", "bob", "", "/"+d)); got != "done as d" {
			t.Errorf("got %s", got)
		}
		check("bob", true)
		boss.transferItems("move", "ada", "", "/"+d)
		check("ada", true)
		if got := a.only(a.transferItems("move", rootFolder, "", "/"+d)); got != "done as d" { // a present for the household
			t.Errorf("got %s", got)
		}
		check("", true)
		if got := a.only(a.transferItems("move", "mine", "", "/"+d)); got != "403 about:blank" {
			t.Errorf("got %s", got)
		}
		if got := a.only(a.transferItems("copy", "mine", "", "/"+d)); got != "done as d" {
			t.Errorf("got %s", got)
		}
		boss.transferItems("move", "ada", "rename", "/"+d)
		check("ada", false)
		if got := a.only(a.transferItems("move", rootFolder, "", file.ID)); got != "done as single" {
			t.Errorf("got %s", got)
		}
		check("ada", false)
		h.sound()
	})
}

// TestCopyIsRows: a copy has the content, tags and names of what it is copied from, a life of
// its own, and no bytes of its own.
func TestCopyIsRows(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.mkdir("", "d")
		inner := h.mkdir(h.mkdir(d, "a"), "b")
		h.want(h.upload("f", "content", "folder", inner, "tags", "t"), 200)
		h.want(h.upload("f", "more", "folder", inner, "tags", "t"), 200)
		got := h.transferItems("copy", "mine", "rename", "/"+d)
		if h.only(got) != "done as d (2)" {
			t.Fatalf("got %+v", got)
		}
		twin := h.folderOf(got.Done[0].ID)
		if twin.Files != 2 || twin.Folders != 2 || twin.Bytes != 11 || h.list("?tag=t").Total != 4 {
			t.Errorf("got %+v", twin)
		}
		f := into[resolvedBody](h, h.get(folderPrefix+"/resolve?path=d%20(2)/a/b/f")).File
		if f == nil || fmt.Sprint(f.Tags) != "[t]" || h.get(prefix+"/"+f.ID+"/download").Body.String() != "more" {
			t.Errorf("got %+v", f)
		}
		h.wholeTree()
		h.replayed()
		if report := h.sound(); report.Blobs != 2 {
			t.Errorf("got %d blobs, want the two there were", report.Blobs)
		}
	})
}

// TestOnlyWhatWasSeen: If-Match keeps one from changing what somebody else has changed.
func TestOnlyWhatWasSeen(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const changed = "urn:homeserver:changed"
		patch := func(path, match, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(identity.With(t.Context(), h.who), "PATCH", path, strings.NewReader(body))
			r.Host = "localhost"
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("If-Match", match)
			w := httptest.NewRecorder()
			h.http.ServeHTTP(w, r)
			return w
		}
		d, f := h.mkdir("", "d"), h.put("f", "1", "")
		h.want(patch(folderPrefix+"/"+d, `"r1"`, `{"name":"e"}`), 200)
		h.problem(patch(folderPrefix+"/"+d, `"r1"`, `{"name":"g"}`), 412, changed)
		h.want(patch(prefix+"/"+f.ID, `"r1"`, `{"filename":"g"}`), 200)
		h.problem(patch(prefix+"/"+f.ID, `"r1"`, `{"filename":"h"}`), 412, changed)
		h.want(patch(prefix+"/"+f.ID, `"`+*f.SHA256+`"`, `{"filename":"h"}`), 200)
		moved := into[transferredBody](h, h.send("POST", "/move", fmt.Sprintf(`{"to":%q,"files":[{"id":%q,"if_match":"\"r1\""}]}`, d, f.ID)))
		if got := h.only(moved); got != "412 changed" {
			t.Errorf("got %s", got)
		}
		moved = into[transferredBody](h, h.send("POST", "/move", fmt.Sprintf(`{"to":%q,"files":[{"id":%q,"if_match":"\"r3\""}]}`, d, f.ID)))
		if got := h.only(moved); got != "done as h" {
			t.Errorf("got %s", got)
		}
	})
}

// TestNamesInTheFlatList: a new name collides only if the client asks.
func TestNamesInTheFlatList(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.put("taken", "1", "")
		f := h.put("free", "2", "")
		rename := func(rest string) *httptest.ResponseRecorder {
			return h.send("PATCH", "/"+f.ID, `{"filename":"taken"`+rest+`}`)
		}
		h.problem(rename(`,"on_conflict":"fail"`), 409, exists)
		h.want(rename(`,"on_conflict":"perhaps"`), 422) // replace: TestRenameReplaces
		if got := into[FileBody](h, rename(`,"on_conflict":"rename"`)); got.Filename != "taken (2)" {
			t.Errorf("got %+v", got)
		}
		if got := into[FileBody](h, rename(``)); got.Filename != "taken" {
			t.Errorf("got %+v", got)
		}
		h.wholeTree()
	})
}

// TestBatchOfOneName commits several uploads of one name together.
func TestBatchOfOneName(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := identity.With(t.Context(), h.who)
		var batch []*upload
		for i, c := range []conflict{keepBoth, failOnOld, renameNew, keepBoth, renameNew, replaceOld, renameNew} {
			item := blobtest.Stage(t, h.blobs, fmt.Sprint("in", i), fmt.Append(nil, "content ", i))
			name := map[int]string{3: "n (3)"}[i]
			if name == "" {
				name = "n"
			}
			u := &upload{staged: item, File: File{ID: fmt.Sprint("id", i), Name: name, key: nameKey(name), ContentType: "a/b", Size: item.Size, SHA256: item.SHA256, Uploaded: h.clock.now(), path: blob.Path(item.SHA256)}}
			u.Modified = u.Uploaded
			h.must(h.aim(ctx, u, destination{onConflict: c}))
			h.must(h.blobs.Publish(ctx, []blob.Staged{item}))
			batch = append(batch, u)
		}
		for i, err := range h.commitBatch(ctx, batch) {
			if (err != nil) != (i == 1) {
				t.Errorf("upload %d: got %v", i, err)
			}
		}
		if got := h.names("mine"); got != "n n (2) n (3) n (4) n (5)" {
			t.Errorf("got %s", got)
		}
		if batch[5].ID != "id0" || batch[5].Revision != 2 {
			t.Errorf("got %+v, want a version of the first", batch[5].File)
		}
		h.wholeTree()
	})
}

// TestReplaceWhatJustCame copies two folders of one name in one request: the second puts the
// first, whose rows are only just there, into the trash.
func TestReplaceWhatJustCame(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var ids []string
		for _, parent := range []string{"a", "b"} {
			d := h.mkdir(h.mkdir("", parent), "d")
			h.want(h.upload("f", parent, "folder", d, "tags", "t"), 200)
			ids = append(ids, "/"+d)
		}
		to := h.mkdir("", "to")
		got := h.transferItems("copy", to, "replace", ids...)
		if len(got.Done) != 2 || got.Done[1].Replaced != got.Done[0].ID || h.names(to) != "d/" || h.folderOf(to).Files != 1 {
			t.Errorf("got %+v", got)
		}
		h.wholeTree()
		h.replayed()
		h.sound()
	})
}
