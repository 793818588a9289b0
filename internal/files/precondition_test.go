package files

import (
	"fmt"
	"testing"

	"homeserver/internal/platform/errs"
)

func TestIfMatch(t *testing.T) {
	row := &File{Name: "a", Revision: 3, SHA256: "abc"}
	for value, want := range map[string]string{
		"": "yes", "*": "yes", " * ": "yes", `"r3"`: "yes", `"r2", "r3"`: "yes", `"r2","r3"`: "yes", `"abc"`: "yes", "\"x\"\t,\t\"abc\"": "yes",
		`"r2"`: "no", `W/"r3"`: "no", `W/"r3", "r2"`: "no", `"r3x"`: "no", `"a,b"`: "no", `""`: "no", `"r2",`: "no", `"r2", , "r3"`: "yes",
		"r3": "bad", `"r3`: "bad", `"r2" "r3"`: "bad", `*, "r3"`: "bad", `"r 3"`: "bad", `w/"r3"`: "bad", `,"r3"`: "bad",
	} {
		m, err := parseIfMatch(value)
		got := "yes"
		switch {
		case errs.Is(err, errs.Malformed):
			got = "bad"
		case err != nil:
			got = fmt.Sprint(err)
		case errs.TypeOf(m.file(row)) == "changed":
			got = "no"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
	if m, _ := parseIfMatch(`"abc"`); m.folder("a", 3) == nil {
		t.Error("a folder has no content to be told by")
	}
	for value, want := range map[string]bool{`"r3"`: true, `W/"r3"`: true, `"r2", "r3"`: true, "*": true, "": false, `"r2"`: false, "r3": false} {
		if got := noneMatch(value, revisionETag(row.Revision)); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

// TestIfMatchOfSeveral: one that is no longer what the client saw stops them all.
func TestIfMatchOfSeveral(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.put("a", "1", ""), h.put("b", "2", "")
		d := h.folderAt("household", "d")
		for _, c := range []struct{ method, path, rest string }{
			{"PATCH", "/tags", `,"add":["x"]`}, {"PATCH", "/share", `,"shared":true`}, {"POST", "/delete", fmt.Sprintf(`,"folders":[%q]`, d)},
		} {
			body := func(match string) string {
				return fmt.Sprintf(`{"ids":[%q,%q]%s,"if_match":{%s}}`, a.ID, b.ID, c.rest, match)
			}
			for match, status := range map[string]int{fmt.Sprintf(`%q:"\"r1\"",%q:"\"r9\""`, a.ID, b.ID): 412, fmt.Sprintf(`%q:"r1"`, a.ID): 400, fmt.Sprintf(`%q:"\"r9\""`, d): map[string]int{"/delete": 412}[c.path]} {
				if status != 0 {
					h.want(h.send(c.method, c.path, body(match)), status)
				}
			}
		}
		if got := h.list(""); got.Total != 2 || got.Files[0].Revision != 1 || got.Files[1].Revision != 1 {
			t.Errorf("got %+v", got)
		}
		w := h.send("PATCH", "/tags", fmt.Sprintf(`{"ids":[%q],"add":["x"],"if_match":{%q:"\"r1\""}}`, a.ID, a.ID))
		h.want(w, 200)
		if w := h.send("PATCH", "/"+a.ID, `{"filename":"c"}`); w.Header().Get("ETag") != `"r3"` {
			t.Errorf("got %v", w.Header())
		}
		h.want(h.send("POST", "/delete", fmt.Sprintf(`{"ids":[%q],"folders":[%q],"if_match":{%q:"\"r3\"",%q:"\"r1\""}}`, a.ID, d, a.ID, d)), 200)
		h.counted()
	})
}
