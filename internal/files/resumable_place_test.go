package files

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sendTo sends an upload of one piece and returns its last answer's status and file.
func (h *house) sendTo(content string, pairs ...string) (status int, file string, problem string) {
	h.t.Helper()
	created := h.tus("POST", uploadsPrefix, nil, uploadLength, "7", uploadMetadata, meta(pairs...))
	if created.Code != 201 {
		return created.Code, "", created.Body.String()
	}
	w := h.patch1(created.Header().Get("Location"), 0, []byte(content))
	return w.Code, w.Header().Get(uploadFileID), w.Body.String()
}

// pathOfFile is where a file lies, with its name.
func (h *house) pathOfFile(id string) string {
	h.t.Helper()
	row, err := h.store.find(h.t.Context(), id)
	h.must(err)
	steps, err := h.store.pathOf(h.t.Context(), h.store.db, row.Folder)
	h.must(err)
	var names []string
	for _, step := range steps[1:] {
		names = append(names, step.Name)
	}
	return strings.Join(append(names, row.Name), "/")
}

// TestResumablePlaces: an upload goes where it was sent, and to nobody else's place.
func TestResumablePlaces(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.as(ada())
		folder, _, err := a.CreateFolder(identityContext(t, ada()), "", "Photos", failOnOld)
		h.must(err)
		private, _, err := h.CreateFolder(identityContext(t, bob()), "", "Bob's", failOnOld)
		h.must(err)
		for _, c := range []struct {
			pairs []string
			want  string // the path, or the status
		}{
			{[]string{"filename", "a.jpg"}, "a.jpg"},
			{[]string{"filename", "a.jpg", "folder", "mine"}, "a.jpg"},
			{[]string{"filename", "a.jpg", "folder", folder.ID}, "Photos/a.jpg"},
			{[]string{"filename", "b.jpg", "folder", folder.ID, "relativePath", "2026/summer/b.jpg"}, "Photos/2026/summer/b.jpg"},
			{[]string{"folder", folder.ID, "relativePath", "/2026/summer/c.jpg"}, "Photos/2026/summer/c.jpg"},
			{[]string{"name", "d.jpg", "type", "image/jpeg", "relativePath", "null"}, "d.jpg"},
			{[]string{"filename", "e.jpg", "folder", "household"}, "e.jpg"},
			{[]string{"filename", "a.jpg", "folder", private.ID}, "404"},
			{[]string{"filename", "a.jpg", "folder", "nowhere"}, "404"},
			{[]string{"filename", "../a.jpg"}, "422"},
			{[]string{"filename", ".."}, "422"},
			{[]string{"filename", "a.jpg", "relativePath", "../../a.jpg"}, "422"},
			{[]string{"filename", "a.jpg", "relativePath", "x//a.jpg"}, "422"},
			{[]string{"filename", "a.jpg", "relativePath", strings.Repeat("x/", 200) + "a.jpg"}, "422"},
			{[]string{"filename", "a.jpg", "on_conflict", "perhaps"}, "422"},
			{[]string{"filename", "a.jpg", "replaces", "nothing"}, "404"},
		} {
			status, id, problem := a.sendTo("content", c.pairs...)
			got := map[int]string{404: "404", 422: "422"}[status]
			if status == 204 {
				got = h.pathOfFile(id)
			}
			if got != c.want {
				t.Errorf("%q: got %d %q %s, want %q", c.pairs, status, got, problem, c.want)
			}
		}
		h.sound()
	})
}

// TestResumableConflicts: what becomes of a name that is taken is asked when the upload begins, and
// once more at its end.
func TestResumableConflicts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.as(ada())
		_, first, _ := a.sendTo("content", "filename", "a.txt")
		for _, c := range []struct{ onConflict, want string }{{"rename", "a (2).txt"}, {"keep", "a.txt"}, {"rename", "a (3).txt"}} {
			if status, id, problem := a.sendTo("content", "filename", "a.txt", "on_conflict", c.onConflict); status != 204 || h.pathOfFile(id) != c.want {
				t.Errorf("%s: got %d %q %s, want %q", c.onConflict, status, id, problem, c.want)
			}
		}
		for _, onConflict := range []string{"fail", ""} {
			if status, _, problem := a.sendTo("content", "filename", "a.txt", "on_conflict", onConflict); status != 409 || !strings.Contains(problem, "urn:homeserver:exists") {
				t.Errorf("%q: got %d %s, want a conflict at the creation", onConflict, status, problem)
			}
		}
		if status, id, problem := a.sendTo("another", "filename", "a.txt", "replaces", first, "if_match", `"r99"`); status != 412 {
			t.Errorf("replacing what has changed: got %d %q %s, want 412", status, id, problem)
		}
		status, id, problem := a.sendTo("another", "replaces", first, "if_match", `"r1"`)
		if status != 204 || id != first || a.get(prefix+"/"+first+"/download").Body.String() != "another" {
			t.Errorf("replacing: got %d %q %s, want new content of %s", status, id, problem, first)
		}

		// The name is taken while the upload is under way: nothing is lost, and nothing sent again.
		where := a.begin1(7, uploadMetadata, meta("filename", "b.txt", "on_conflict", "fail"))
		_, _, _ = a.sendTo("in time", "filename", "b.txt")
		w := a.patch1(where, 0, []byte("delayed"))
		if w.Code != 409 || !strings.Contains(w.Body.String(), "urn:homeserver:exists") {
			t.Errorf("at the end: got %d %s, want a conflict", w.Code, w.Body)
		}
		list := into[unfinishedListBody](a, a.get(uploadsPrefix)).Uploads
		if !slices.ContainsFunc(list, func(u unfinishedBody) bool { return strings.HasSuffix(where, u.ID) && u.Offset == 7 }) {
			t.Errorf("got %+v, want the upload whole", list)
		}
		a.want(a.tus("HEAD", where, nil), 409)
		done := a.want(a.patch1(where, 7, nil, uploadMetadata, "on_conflict "+encode64("rename")), 204)
		a.became(done, "b (2).txt", []byte("delayed"))

		// The folder is deleted while the upload is under way.
		folder, _, err := a.CreateFolder(identityContext(t, ada()), "", "Gone", failOnOld)
		h.must(err)
		where = a.begin1(7, uploadMetadata, meta("filename", "c.txt", "folder", folder.ID))
		_, err = h.store.db.Exec(t.Context(), `UPDATE folders SET deleted_at = 1 WHERE id = $1`, folder.ID)
		h.must(err)
		a.want(a.patch1(where, 0, []byte("content")), 404)
		_, err = h.store.db.Exec(t.Context(), `UPDATE folders SET deleted_at = NULL WHERE id = $1`, folder.ID)
		h.must(err)
		done = a.want(a.patch1(where, 7, nil, uploadMetadata, "folder "+encode64("mine")), 204)
		a.became(done, "c.txt", []byte("content"))
		h.sound()
	})
}

// TestResumableOverQuota: who has no more room is told when the upload begins, or as soon as it is known;
// what has come stays until there is.
func TestResumableOverQuota(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.as(ada())
		a.put("there", strings.Repeat("x", 1000), "")
		h.quota("ada", "5000", 200)
		a.store507(a.tus("POST", uploadsPrefix, nil, uploadLength, "4001"), "do not fit")
		one, two, data := a.begin1(3000), a.begin1(3000), noise(6000)
		first := a.want(a.patch1(one, 0, data[:3000]), 204)
		a.became(first, unnamed, data[:3000])
		a.store507(a.patch1(two, 0, data[:3000]), "do not fit")
		h.quota("ada", "null", 200)
		a.want(a.patch1(two, 0, data[:2999]), 204)
		h.quota("ada", "5000", 200)
		a.store507(a.patch1(two, 2999, data[2999:3000])) // all of it is there now, and no file yet
		a.store507(a.tus("HEAD", two, nil))
		h.quota("ada", "8000", 200)
		a.became(a.want(a.tus("HEAD", two, nil), 200), unnamed, data[:3000])

		later := a.want(a.tus("POST", uploadsPrefix, nil, uploadDefer, "1"), 201).Header().Get("Location")
		a.want(a.patch1(later, 0, data[:500]), 204)
		a.store507(a.tus("PATCH", later, struct{ io.Reader }{bytes.NewReader(data[500:])}, uploadOffset, "500"), "does not fit")
		if at, err := strconv.Atoi(a.offset(later)); err != nil || at < 500 || at > 1000 {
			t.Errorf("got offset %d, %v", at, err)
		}
		h.quota("ada", "null", 200)
		at, err := strconv.Atoi(a.offset(later))
		h.must(err)
		a.became(a.want(a.patch1(later, at, data[at:], uploadLength, "6000"), 204), unnamed, data)
		h.sound()
	})
}
