package files

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// fresh are what is made anew for each answer.
var fresh = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.]+Z|"revision":\d+|"instance":"[^"]*"`)

// knocks asks at every door for what lies in the folder, and to put something there.
func (w forest) knocks(uploads []string, version string) string {
	var b strings.Builder
	h := w.a
	file, deep := w.files[1], w.deep
	say := func(what string, code int, body string) {
		fmt.Fprintln(&b, what, code, fresh.ReplaceAllString(body, "~"))
	}
	for _, who := range []*house{h, h.as(administrator()), h.as(bob())} {
		for _, ask := range []struct{ method, path, body string }{
			{"GET", "/files/" + file + "/versions", ""},
			{"GET", "/files/" + file + "/versions/" + version + "/download", ""},
			{"POST", "/files/" + file + "/versions/" + version + "/restore", ""},
			{"PATCH", "/files/" + file + "/versions/" + version, `{"pinned":true}`},
			{"DELETE", "/files/" + file + "/versions/" + version, ""},
			{"PUT", "/files/" + file + "/content", "new"},
			{"PATCH", "/files/" + file, `{"filename":"new"}`},
			{"PATCH", "/files/" + file, `{"shared":true}`},
			{"DELETE", "/files/" + file, ""},
			{"POST", "/files/delete", fmt.Sprintf(`{"ids":[%q,%q]}`, file, w.files[0])},
			{"PATCH", "/files/tags", fmt.Sprintf(`{"ids":[%q],"add":["x"]}`, file)},
			{"PATCH", "/files/share", fmt.Sprintf(`{"ids":[%q],"shared":false}`, file)},
			{"POST", "/files/archive", fmt.Sprintf(`{"ids":[%q]}`, file)},
			{"POST", "/files/move", fmt.Sprintf(`{"files":[{"id":%q}],"folders":[{"id":%q}],"to":%q,"on_conflict":"keep"}`, file, deep, "ada")},
			{"POST", "/files/copy", fmt.Sprintf(`{"files":[{"id":%q}],"folders":[{"id":%q}],"to":%q,"on_conflict":"keep"}`, file, deep, "ada")},
			{"POST", "/files/move", fmt.Sprintf(`{"files":[{"id":%q}],"to":%q,"on_conflict":"keep"}`, w.outside, deep)},
			{"POST", "/files/copy", fmt.Sprintf(`{"files":[{"id":%q}],"to":%q,"on_conflict":"keep"}`, w.outside, w.top)},
			{"GET", "/folders/" + deep, ""},
			{"GET", "/folders/" + deep + "/entries", ""},
			{"GET", "/folders/" + deep + "/usage", ""},
			{"GET", "/folders/resolve?root=ada&path=wood/deep", ""},
			{"PATCH", "/folders/" + deep, `{"name":"new","on_conflict":"rename"}`},
			{"POST", "/folders", fmt.Sprintf(`{"parent":%q,"name":"sub"}`, deep)},
			{"POST", "/folders/path", fmt.Sprintf(`{"parent":%q,"path":["in","deeper"]}`, w.top)},
			{"DELETE", "/folders/" + deep, ""},
			{"POST", "/files/known", fmt.Sprintf(`{"digests":[%q,%q]}`, w.digests[0], w.digests[2])},
			{"POST", "/files/known/create", fmt.Sprintf(`{"files":[{"sha256":%q,"filename":"x","folder":%q}]}`, w.digests[1], w.top)},
			{"POST", "/files/known/create", fmt.Sprintf(`{"files":[{"sha256":%q,"filename":"x"}]}`, w.digests[2])},
			{"GET", "/files/integrity", ""},
		} {
			answer := who.api(ask.method, ask.path, ask.body)
			text := answer.Body.String()
			if strings.Contains(answer.Header().Get("Content-Type"), "zip") {
				text = fmt.Sprint(len(text), " bytes")
			}
			say(ask.method+" "+ask.path, answer.Code, text)
		}
		for _, folder := range []string{w.top, deep} {
			up := who.upload("leaf 1", "into it", "folder", folder, "on_conflict", "replace")
			say("upload", up.Code, up.Body.String())
			status, _, text := who.sendTo("into it", "filename", "leaf 1", "folder", folder)
			say("tus", status, text)
		}
	}
	for _, where := range uploads { // begun while it was there
		answer := h.patch1(where, 0, []byte("into it"))
		say("tus begun before", answer.Code, answer.Body.String())
	}
	return b.String()
}

// TestNoDoorIntoWhatSinks: whatever is asked for of a folder that sinks, or rises, is answered as if
// all of it were marked.
func TestNoDoorIntoWhatSinks(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, now := t.Context(), h.clock.now().UnixMicro()
		w := h.forest()
		w.a.want(w.a.replaceWith(w.files[1], "content 1, again"), 200)
		version := w.a.versionsOf(w.files[1])[0].ID
		for i := range w.files { // damaged, so that the page of that shows them
			h.must(h.noteDamage(ctx, w.digests[i], contentWrong, "", func(_ context.Context) (bool, error) { return true, nil }))
		}
		begun := func() (list []string) {
			for _, folder := range []string{w.top, w.deep} {
				list = append(list, w.a.begin1(7, uploadMetadata, meta("filename", "leaf 1", "folder", folder)))
			}
			return list
		}
		uploads := begun()
		trash := w.fell()
		away := w.knocks(uploads, version)
		w.grow(trash)
		h.store.atOnce = 2
		for steps := range 5 {
			uploads = begun()
			trash = w.fell()
			for range steps {
				_, err := h.store.sinkSome(ctx, trash, now)
				h.must(err)
			}
			compare(t, fmt.Sprint("sunk ", steps), w.knocks(uploads, version), away)
			for range 2 {
				_, err := h.store.riseSome(ctx, trash, now, now+1)
				h.must(err)
			}
			w.grow(trash)
			h.counted()
		}
	})
}

func compare(t *testing.T, when, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, o := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(o)) {
		if g[i] != o[i] {
			t.Errorf("%s: line %d:\ngot  %s\nwant %s", when, i, g[i], o[i])
		}
	}
	if len(g) != len(o) {
		t.Errorf("%s: got %d lines, want %d", when, len(g), len(o))
	}
}

// TestPartOfAFolderIsDestroyed: a folder of which some files are gone for good comes back with what
// is left of it, and is counted as that.
func TestPartOfAFolderIsDestroyed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w := h.forest()
		for _, atOnce := range []int{stepFiles, 2} {
			h.store.atOnce = atOnce
			trash := w.fell()
			h.must(h.Sink(t.Context()))
			one := w.files[0]
			w.files = w.files[1:]
			_, a, err := h.store.destroy(t.Context(), []string{trash}, []string{one}, false, h.clock.now().UnixMicro())
			h.must(err)
			h.done(a)
			h.counted()
			w.grow(trash)
			h.counted()
			h.sound()
		}
	})
}
