package files

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDeleteRestorePurgeCollect(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b, other := h.put("a", "same", "x"), h.put("b", "same", "x,y"), h.put("c", "other", "")
		answer := into[deletedBody](h, h.do("DELETE", prefix+"/"+a.ID, "", nil))
		if answer.ID != a.ID || answer.Message != "File deleted successfully" || !answer.UndoUntil.After(h.clock.now()) {
			t.Errorf("got %+v", answer)
		}
		h.want(h.get(prefix+"/"+a.ID+"/metadata"), 404)
		h.want(h.get(prefix+"/"+a.ID+"/download"), 404)
		h.want(h.do("DELETE", prefix+"/"+a.ID, "", nil), 404)
		h.consistent()
		if got := into[FileBody](h, h.do("POST", prefix+"/"+a.ID+"/restore", "", nil)); got.ID != a.ID || fmt.Sprint(got.Tags) != "[x]" {
			t.Errorf("restored: got %+v", got)
		}
		into[FileBody](h, h.do("POST", prefix+"/"+a.ID+"/restore", "", nil)) // and again
		h.consistent()

		many := into[deletedManyBody](h, h.do("POST", prefix+"/delete", "application/json", strings.NewReader(fmt.Sprintf(`{"ids":[%q,%q,"nobody",%q]}`, a.ID, b.ID, a.ID))))
		if len(many.Deleted) != 2 || fmt.Sprint(many.Missing) != "[nobody]" {
			t.Errorf("got %+v", many)
		}
		h.must(h.Retain(t.Context())) // too early
		back := into[restoredManyBody](h, h.do("POST", prefix+"/restore", "application/json", strings.NewReader(fmt.Sprintf(`{"ids":[%q,%q,"nobody"]}`, b.ID, other.ID))))
		if len(back.Restored) != 2 || fmt.Sprint(back.Missing) != "[nobody]" {
			t.Errorf("got %+v", back)
		}
		h.emptyTrash()
		h.want(h.do("POST", prefix+"/"+a.ID+"/restore", "", nil), 404)
		// b still refers to the content: nothing is collected.
		h.collect(t)
		h.want(h.get(prefix+"/"+b.ID+"/download"), 200)

		h.do("DELETE", prefix+"/"+b.ID, "", nil)
		h.emptyTrash()
		if report := h.sound(); report.Waiting != 1 {
			t.Errorf("got %d blobs waiting for collection, want 1", report.Waiting)
		}
		h.must(h.Collect(t.Context()))
		if report := h.sound(); report.Waiting != 1 {
			t.Errorf("first look: got %d blobs waiting, want 1", report.Waiting)
		}
		h.put("again", "same", "") // revives the content
		h.collect(t)
		if report := h.sound(); report.Waiting != 0 || report.Blobs != 2 {
			t.Errorf("got %+v, want the revived content to stay", report)
		}
		var tags int
		if err := h.store.db.QueryRow(t.Context(), `SELECT count(*) FROM tag_names`).Scan(&tags); err != nil || tags != 0 {
			t.Errorf("got %d tags, %v; want none that nobody bears", tags, err)
		}
	})
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// collect lets the collector look twice, far enough apart.
func (h *house) collect(t *testing.T) {
	t.Helper()
	h.must(h.Collect(t.Context()))
	h.clock.advance(h.config.CollectAfter + time.Minute)
	h.must(h.Collect(t.Context()))
}

func TestCollectorRemovesWhatNobodyKnows(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kept := h.put("kept", "kept", "")
		stage(t, h, "crashed", []byte("published, and then the power went"))
		report, err := h.Check(t.Context(), CheckOptions{})
		if err != nil || len(report.Orphaned) != 1 {
			t.Errorf("got %+v, %v; want one orphan", report, err)
		}
		h.must(h.Collect(t.Context()))
		if report := h.sound(); report.Waiting != 1 || report.Blobs != 2 {
			t.Errorf("after one look: got %+v", report)
		}
		h.clock.advance(h.config.CollectAfter + time.Minute)
		h.must(h.Collect(t.Context()))
		if report := h.sound(); report.Waiting != 0 || report.Blobs != 1 {
			t.Errorf("after two looks: got %+v", report)
		}
		h.want(h.get(prefix+"/"+kept.ID+"/download"), 200)
	})
}

func TestPatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("a.txt", "1", "x,y")
		patch := func(body string) FileBody {
			return into[FileBody](h, h.do("PATCH", prefix+"/"+f.ID, "application/json", strings.NewReader(body)))
		}
		if got := patch(`{"filename":"Neu.txt"}`); got.Filename != "Neu.txt" || fmt.Sprint(got.Tags) != "[x y]" {
			t.Errorf("got %+v", got)
		}
		if got := patch(`{"tags":["y"," z ","y"]}`); got.Filename != "Neu.txt" || fmt.Sprint(got.Tags) != "[y z]" {
			t.Errorf("got %+v", got)
		}
		h.consistent()
		if got := h.list("?tag=z&q=NEU"); got.Total != 1 {
			t.Errorf("got %+v", got)
		}
		for body, status := range map[string]int{`{"filename":"` + strings.Repeat("x", 256) + `"}`: 422, `{"tags":["` + strings.Repeat("x", 101) + `"]}`: 422, `{"filename":"a\u0000"}`: 422, `{"filename":"a/b"}`: 422, `{"filename":".."}`: 422, `{"filename":1}`: 422, `{`: 400} {
			h.want(h.do("PATCH", prefix+"/"+f.ID, "application/json", strings.NewReader(body)), status)
		}
		h.want(h.do("PATCH", prefix+"/nobody", "application/json", strings.NewReader(`{}`)), 404)
		g := h.put("b", "2", "")
		got := into[changedBody](h, h.do("PATCH", prefix+"/tags", "application/json", strings.NewReader(fmt.Sprintf(`{"ids":[%q,%q,"nobody"],"add":["all"],"remove":["y"]}`, f.ID, g.ID))))
		if got.Changed != 2 || fmt.Sprint(got.Missing) != "[nobody]" {
			t.Errorf("got %+v", got)
		}
		tags := into[tagsBody](h, h.get(prefix+"/tags"))
		if fmt.Sprint(tags.Tags) != "[{all 2} {z 1}]" {
			t.Errorf("got %+v", tags)
		}
		h.sound()
	})
}

func TestArchive(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var ids []string
		for _, name := range []string{"a.txt", "A.txt", "a.txt", "a (2).txt", "x/../..", "b:c?.txt", ".profile", ".profile"} {
			ids = append(ids, h.put(name, "content of "+fmt.Sprint(len(ids)), "").ID)
		}
		slices.Reverse(ids)
		w := h.want(h.do("POST", prefix+"/archive", "application/x-www-form-urlencoded", strings.NewReader("ids="+strings.Join(ids, "&ids=")+"&ids=nobody")), 200)
		z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for i, entry := range z.File {
			names = append(names, entry.Name)
			r, err := entry.Open()
			if err != nil {
				t.Fatal(err)
			}
			if data, err := io.ReadAll(r); err != nil || string(data) != fmt.Sprint("content of ", i) {
				t.Errorf("%s: got %q, %v", entry.Name, data, err)
			}
		}
		want := []string{"a.txt", "A (2).txt", "a (3).txt", "a (2) (2).txt", "unnamed", "b_c_.txt", ".profile", ".profile (2)"}
		if !slices.Equal(names, want) {
			t.Errorf("got %q, want %q", names, want)
		}
		if got := w.Header().Get("Content-Disposition"); !strings.Contains(got, `filename="homeserver-2026-11-24.zip"`) {
			t.Errorf("got %q", got)
		}
		for body, status := range map[string]int{`{"ids":[]}`: 422, `{"ids":["nobody"]}`: 404, `{`: 400, ``: 400} {
			h.want(h.do("POST", prefix+"/archive", "application/json", strings.NewReader(body)), status)
		}
		h.want(h.do("POST", prefix+"/archive", "text/plain", strings.NewReader("")), 415)
	})
}
