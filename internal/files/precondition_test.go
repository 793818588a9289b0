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
