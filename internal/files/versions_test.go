package files

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"homeserver/internal/platform/identity"
)

// request sends a request with headers, name and value by turns.
func (h *house) request(method, path string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequestWithContext(identity.With(h.t.Context(), h.who), method, strings.Replace(prefix+path, "/files/..", "", 1), body)
	r.Host = "localhost"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.http.ServeHTTP(w, r)
	return w
}

// replaceWith puts content in the place of a file's.
func (h *house) replaceWith(id, content string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.request("PUT", "/"+id+"/content", strings.NewReader(content), headers...)
}

// content downloads.
func (h *house) content(path string) string {
	h.t.Helper()
	return h.want(h.get(prefix+"/"+path), 200).Body.String()
}

func (h *house) versionsOf(id string) []versionBody {
	h.t.Helper()
	return into[versionsBody](h, h.get(prefix+"/"+id+"/versions")).Versions
}

// spaceOf reads what an owner uses.
func (h *house) spaceOf(owner string) (s spaceCounts) {
	h.t.Helper()
	h.must(h.store.db.QueryRow(h.t.Context(), `SELECT files, bytes, trash_bytes, version_bytes FROM spaces WHERE owner_id = $1`, owner).Scan(&s.files, &s.bytes, &s.trash, &s.versions))
	return s
}

func TestReplaceMakesVersions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a.txt", "one", "x")
		start := h.cursor()
		w := h.replaceWith(f.ID, "second", "Content-Type", "text/markdown")
		got := into[FileBody](h, w)
		if got.Size != 6 || got.ContentType != "text/markdown" || got.Revision != 2 || got.ETag != `"r2"` || w.Header().Get("ETag") != `"r2"` || got.Modified == f.Modified || got.UploadDate != f.UploadDate || got.Filename != "a.txt" {
			t.Errorf("got %+v, was %+v", got, f)
		}
		into[FileBody](h, h.replaceWith(f.ID, "second")) // the same again
		into[FileBody](h, h.replaceWith(f.ID, "3"))
		versions := h.versionsOf(f.ID)
		if len(versions) != 2 || versions[0].Size != 6 || versions[1].SHA256 != *f.SHA256 || versions[0].ContentType != "text/markdown" || !versions[0].Created.Equal(versions[1].Replaced) {
			t.Fatalf("got %+v", versions)
		}
		if list, _ := h.since(start); inShort(list) != "content a.txt, content a.txt" {
			t.Errorf("feed: got %s", inShort(list))
		}
		if got := h.spaceOf(""); got != (spaceCounts{counts{1, 1}, 0, 9}) {
			t.Errorf("got %+v", got)
		}
		if h.content(f.ID+"/download") != "3" || h.content(f.ID+"/versions/"+versions[1].ID+"/download") != "one" || h.content(f.ID+"/versions/"+versions[0].ID+"/download") != "second" {
			t.Error("the contents are mixed up")
		}
		part := h.request("GET", "/"+f.ID+"/versions/"+versions[0].ID+"/download", nil, "Range", "bytes=1-2")
		if part.Code != 206 || part.Body.String() != "ec" || part.Header().Get("ETag") != `"`+versions[0].SHA256+`"` || part.Header().Get("Content-Disposition") != `attachment; filename="a.txt"` {
			t.Errorf("got %d %q %v", part.Code, part.Body, part.Header())
		}
		h.sound()

		back := into[FileBody](h, h.send("POST", "/"+f.ID+"/versions/"+versions[1].ID+"/restore", ""))
		if h.content(f.ID+"/download") != "one" || back.Size != 3 || back.ContentType != "text/plain" {
			t.Errorf("got %+v", back)
		}
		now := h.versionsOf(f.ID)
		if len(now) != 2 || now[0].Size != 1 || now[1].ID != versions[0].ID || h.spaceOf("") != (spaceCounts{counts{1, 3}, 0, 7}) {
			t.Errorf("got %+v, %+v", now, h.spaceOf(""))
		}
		h.want(h.send("POST", "/"+f.ID+"/versions/"+versions[1].ID+"/restore", ""), 404)
		h.collect(t)
		h.sound()
	})
}

// TestVersionsArePinnedAndDeleted: a pinned one stays, and what is deleted is collected.
func TestVersionsArePinnedAndDeleted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a", "one", "")
		into[FileBody](h, h.replaceWith(f.ID, "two"))
		v := h.versionsOf(f.ID)[0]
		path := "/" + f.ID + "/versions/" + v.ID
		if got := into[versionBody](h, h.send("PATCH", path, `{"pinned":true}`)); !got.Pinned || !h.versionsOf(f.ID)[0].Pinned {
			t.Errorf("got %+v", got)
		}
		h.want(h.send("DELETE", path, ""), 409)
		h.collect(t)
		into[versionBody](h, h.send("PATCH", path, `{"pinned":false}`))
		if h.content(f.ID+"/versions/"+v.ID+"/download") != "one" {
			t.Error("the collector took a version's content")
		}
		h.want(h.send("DELETE", path, ""), 204)
		h.want(h.send("DELETE", path, ""), 404)
		h.want(h.send("PATCH", path, `{"pinned":true}`), 404)
		h.want(h.get(prefix+path+"/download"), 404)
		if got := h.spaceOf(""); got.versions != 0 {
			t.Errorf("got %+v", got)
		}
		h.collect(t)
		if report := h.sound(); report.Blobs != 1 {
			t.Errorf("got %d blobs, want the present content's alone", report.Blobs)
		}
		other := h.put("b", "x", "")
		for _, request := range []string{"GET /%s/download", "HEAD /%s/download", "POST /%s/restore", "DELETE /%s"} {
			method, path, _ := strings.Cut(request, " ")
			for _, id := range []string{v.ID, "nobody", "%00"} {
				h.want(h.request(method, "/"+other.ID+"/versions"+fmt.Sprintf(path, id), nil), 404)
			}
		}
	})
}

// TestVersionsIfMatch: a version of a file that has changed since one saw it stays as it is.
func TestVersionsIfMatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a", "one", "")
		now := into[FileBody](h, h.replaceWith(f.ID, "two"))
		path := "/" + f.ID + "/versions/" + h.versionsOf(f.ID)[0].ID
		pin := func(pinned, match string, status int) {
			h.want(h.request("PATCH", path, strings.NewReader(`{"pinned":`+pinned+`}`), "Content-Type", "application/json", "If-Match", match), status)
		}
		for match, status := range map[string]int{f.ETag: 412, "r2": 400} {
			pin("true", match, status)
			pin("false", match, status) // what it is already
			h.want(h.request("DELETE", path, nil, "If-Match", match), status)
		}
		if got := h.versionsOf(f.ID); len(got) != 1 || got[0].Pinned {
			t.Errorf("refused, and then got %+v", got)
		}
		pin("true", now.ETag, 200)
		pin("false", `"`+*now.SHA256+`"`, 200)
		h.want(h.request("DELETE", path, nil, "If-Match", now.ETag), 204)
	})
}

// TestWhatNobodySaidOfTheContent: what a client sends of every body by itself is no new type.
func TestWhatNobodySaidOfTheContent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a.txt", "0", "")
		for i, said := range []string{"application/x-www-form-urlencoded", "application/octet-stream", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", ""} {
			if got := into[FileBody](h, h.replaceWith(f.ID, strings.Repeat("x", i+1), "Content-Type", said)); got.ContentType != "text/plain" || got.Size != int64(i+1) {
				t.Errorf("%q: got %+v", said, got)
			}
		}
		if got := into[FileBody](h, h.replaceWith(f.ID, "{}", "Content-Type", "application/json")); got.ContentType != "application/json" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestVersionsOfASharedFile: whom a file is shared with sees what it is, and nothing of what
// it was before; of the household's files all members see that.
func TestVersionsOfASharedFile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.as(ada()), h.as(bob())
		diary := into[FileBody](a, a.upload("diary", "secret"))
		a.want(a.replaceWith(diary.ID, "for everybody"), 200)
		a.want(a.send("PATCH", "/"+diary.ID, `{"shared":true}`), 200)
		b.want(b.replaceWith(diary.ID, "bob was here"), 200)
		w := b.want(b.get(prefix+"/"+diary.ID+"/versions"), 403)
		if p := problemIn(b, w.Body); !strings.Contains(p.Detail, "owner") {
			t.Errorf("got %+v, want a sentence that says whose they are", p)
		}
		list := a.versionsOf(diary.ID)
		if len(list) != 2 {
			t.Fatalf("got %+v", list)
		}
		b.want(b.get(prefix+"/"+diary.ID+"/versions/"+list[1].ID+"/download"), 403)
		if got := a.content(diary.ID + "/versions/" + list[1].ID + "/download"); got != "secret" {
			t.Errorf("got %q", got)
		}
		ours := h.put("ours", "1", "")
		b.want(b.replaceWith(ours.ID, "2"), 200)
		if got := a.versionsOf(ours.ID); len(got) != 1 {
			t.Errorf("got %+v", got)
		}
		h.as(guest()).want(h.as(guest()).get(prefix+"/"+ours.ID+"/versions"), 403)
	})
}

// TestReplaceKeepsTheOldContentUntilAllIsThere: a body that ends early changes nothing.
func TestReplaceKeepsTheOldContentUntilAllIsThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a", "one", "")
		for _, failure := range []error{io.ErrUnexpectedEOF, errors.New("connection reset")} {
			w := h.request("PUT", "/"+f.ID+"/content", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(failure)))
			if w.Code < 400 {
				t.Errorf("got %d", w.Code)
			}
		}
		if h.content(f.ID+"/download") != "one" || len(h.versionsOf(f.ID)) != 0 {
			t.Error("half a body changed something")
		}
		if left, _ := filepath.Glob(filepath.Join(h.root, "incoming", "*")); len(left) != 0 {
			t.Errorf("left under incoming: %v", left)
		}
		h.want(h.replaceWith("nobody", "x"), 404)
		h.want(h.replaceWith(f.ID, "x", "Content-Type", strings.Repeat("x", 256)), 422)
		h.sound()
	})
}

// TestReplaceIfMatch: of two who replace what they have both seen the second is told.
func TestReplaceIfMatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a", "one", "")
		h.want(h.replaceWith(f.ID, "x", "If-Match", `"r2"`), 412)
		h.want(h.replaceWith(f.ID, "x", "If-Match", `W/"r1"`), 412)
		h.want(h.replaceWith(f.ID, "x", "If-Match", "r1"), 400)
		into[FileBody](h, h.replaceWith(f.ID, "two", "If-Match", `"`+*f.SHA256+`"`))
		if w := h.replaceWith(f.ID, "x", "If-Match", `"`+*f.SHA256+`"`); w.Code != 412 || !strings.Contains(w.Body.String(), `"type":"urn:homeserver:changed"`) {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		var both sync.WaitGroup
		codes := make([]int, 8)
		for i := range codes {
			both.Go(func() { codes[i] = h.replaceWith(f.ID, fmt.Sprint("by ", i), "If-Match", `"r2"`).Code })
		}
		both.Wait()
		won := 0
		for _, code := range codes {
			if code == 200 {
				won++
			} else if code != 412 {
				t.Errorf("got %d", code)
			}
		}
		if won != 1 || len(h.versionsOf(f.ID)) != 2 {
			t.Errorf("%d of them replaced it, and there are %d versions", won, len(h.versionsOf(f.ID)))
		}
		for i := range codes { // without a condition everybody's counts
			both.Go(func() { h.replaceWith(f.ID, fmt.Sprint("again ", i)) })
		}
		both.Wait()
		if n := len(h.versionsOf(f.ID)); n != 2+len(codes) {
			t.Errorf("got %d versions, want %d", n, 2+len(codes))
		}
		v := h.versionsOf(f.ID)[3]
		h.want(h.request("POST", "/"+f.ID+"/versions/"+v.ID+"/restore", nil, "If-Match", `"r2"`), 412)
		h.sound()
	})
}

// TestMetadataIsTagged: who has the description need not have it again.
func TestMetadataIsTagged(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a", "one", "")
		path := "/" + f.ID + "/metadata"
		if w := h.request("GET", path, nil, "If-None-Match", `"r1"`); w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("ETag") != `"r1"` {
			t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
		}
		if got := into[FileBody](h, h.request("GET", path, nil, "If-None-Match", `"r2"`)); got.ETag != `"r1"` || got.FolderID != "household" || got.Modified != got.UploadDate {
			t.Errorf("got %+v", got)
		}
		if got := h.list("").Files[0]; got.ETag != `"r1"` || got.FolderID != "household" || got.Modified != got.UploadDate {
			t.Errorf("got %+v", got)
		}
	})
}

// TestReplaceOfTheOriginals: a file of the original becomes one of ours before it has a version.
func TestReplaceOfTheOriginals(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		place := "ab/old.txt"
		h.must(os.MkdirAll(filepath.Join(h.root, "ab"), 0o755))
		h.must(os.WriteFile(filepath.Join(h.root, place), []byte("from the old days"), 0o644))
		for id, size := range map[string]int{"old": 17, "short": 3} {
			_, err := h.store.db.Exec(t.Context(), `INSERT INTO file_metadata (id, filename, content_type, size, storage_path, upload_date, tags, name_key) VALUES ($1, 'old.txt', 'text/plain', $2, $3, $4, '[]', 'old.txt')`,
				id, size, map[string]string{"old": place, "short": "ab/missing"}[id], h.store.db.Time(h.clock.now()))
			h.must(err)
		}
		h.want(h.replaceWith("short", "new"), 409)
		into[FileBody](h, h.replaceWith("old", "new"))
		versions := h.versionsOf("old")
		if len(versions) != 1 || h.content("old/download") != "new" || h.content("old/versions/"+versions[0].ID+"/download") != "from the old days" {
			t.Errorf("got %+v", versions)
		}
	})
}
