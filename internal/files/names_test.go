package files

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseDisposition(t *testing.T) {
	for header, want := range map[string]disposition{
		`form-data; name="file"; filename="a.txt"`:                                      {kind: "form-data", name: "file", filename: "a.txt", hasFile: true},
		`form-data; name=file; filename=a.txt`:                                          {kind: "form-data", name: "file", filename: "a.txt", hasFile: true},
		`form-data; name="tags"`:                                                        {kind: "form-data", name: "tags"},
		`form-data; name="file"; filename=""`:                                           {kind: "form-data", name: "file", hasFile: true},
		`form-data; name="file"; filename="say \"hi\" \\ C:\dir"`:                       {kind: "form-data", name: "file", filename: `say "hi" \ C:\dir`, hasFile: true},
		`form-data; name="file"; filename="a%22b%0D%0Ac%0a%20%41"`:                      {kind: "form-data", name: "file", filename: "a\"b\r\nc\n%20%41", hasFile: true},
		`form-data; name="file"; filename="naïve; x=y.txt"`:                             {kind: "form-data", name: "file", filename: "naïve; x=y.txt", hasFile: true},
		`form-data; name="file"; filename*=UTF-8''%e2%82%ac.txt; filename="e.txt"`:      {kind: "form-data", name: "file", filename: "€.txt", hasFile: true},
		`form-data; name="file"; filename="e.txt"; filename*=utf-8'en'%E2%82%AC%22.txt`: {kind: "form-data", name: "file", filename: `€".txt`, hasFile: true},
		`form-data; name="file"; filename="e.txt"; filename*=UTF-8''%zz`:                {kind: "form-data", name: "file", filename: "e.txt", hasFile: true},
		`form-data; name="file"; filename="e.txt"; filename*=UTF-8''%ff`:                {kind: "form-data", name: "file", filename: "e.txt", hasFile: true},
		`form-data; name="file"; filename*=iso-8859-1''na%efve`:                         {kind: "form-data", name: "file", filename: "naïve", hasFile: true},
		`Form-Data;NAME="file";FileName="a"`:                                            {kind: "form-data", name: "file", filename: "a", hasFile: true},
	} {
		if got, ok := parseDisposition(header); !ok || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", header, got, ok, want)
		}
	}
	for _, header := range []string{"", ";", `form-data; name="file`, `form-data; name="file\"`} {
		if got, ok := parseDisposition(header); ok {
			t.Errorf("%s: got %+v, want a refusal", header, got)
		}
	}
}

func TestMakeDisposition(t *testing.T) {
	for name, want := range map[string]string{
		"a b.txt": `attachment; filename="a b.txt"`,
		`a"b`:     `attachment; filename="a_b"; filename*=UTF-8''a%22b`,
		"ä.txt":   `attachment; filename="_.txt"; filename*=UTF-8''%C3%A4.txt`,
		"a\nb":    `attachment; filename="a_b"; filename*=UTF-8''a%0Ab`,
		"50%.txt": `attachment; filename="50_.txt"; filename*=UTF-8''50%25.txt`,
	} {
		if got := makeDisposition("attachment", name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestNameKey(t *testing.T) {
	for _, pair := range [][2]string{{"ABC.txt", "abc.TXT"}, {"É", "e\u0301"}, {"STRASSE", "straße"}, {"Σίσυφος", "ΣΊΣΥΦΟΣ"}} {
		if a, b := nameKey(pair[0]), nameKey(pair[1]); a != b {
			t.Errorf("got keys %q and %q for %q, want the same", a, b, pair)
		}
	}
	if longest := nameKey(strings.Repeat("\u0390", maxName)); len(longest) > 2600 {
		t.Errorf("got a key of %d bytes, more than an index entry of PostgreSQL holds", len(longest))
	}
}

func TestServedType(t *testing.T) {
	for stored, want := range map[string]string{
		"text/plain": "text/plain; charset=utf-8", "text/html; charset=latin1": "text/html; charset=latin1", "image/png": "image/png", "TEXT/CSV": "TEXT/CSV; charset=utf-8",
		"": anyContentType, "nonsense": anyContentType, "a/b/c": anyContentType, "text/plain\r\nX: y": anyContentType, "<script>": anyContentType, "image/ä": anyContentType,
	} {
		if got := servedType(stored); got != want {
			t.Errorf("%q: got %q, want %q", stored, got, want)
		}
	}
	for kind, want := range map[string]bool{"image/png": true, "image/svg+xml": false, "text/html; charset=utf-8": false, "text/plain; charset=utf-8": true, "video/mp4": true, "application/pdf": true, "application/xhtml+xml": false} {
		if got := mayShowInline(kind); got != want {
			t.Errorf("%s inline: got %v, want %v", kind, got, want)
		}
	}
}

func TestTags(t *testing.T) {
	got, err := cleanTags(append(splitTags(" a ,b,, a,B"), splitTags("b, c\u00e9 ")...))
	if want := []string{"a", "b", "B", "cé"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	for column, want := range map[string][]string{`["", "a", "a", " b ", null]`: {"a", " b "}, `[]`: {}, `broken`: {}, `["x\"y\n<\u2028"]`: {"x\"y\n<\u2028"}} {
		if got := decodeTags(column); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", column, got, want)
		}
	}
	if key := tagKey(strings.Repeat("x", 5000)); len(key) > maxTagKey {
		t.Errorf("got a key of %d bytes", len(key))
	}
}

func TestCursor(t *testing.T) {
	l, err := parseList("tag", "Q", "name", "desc", 10, "")
	if err != nil {
		t.Fatal(err)
	}
	p := position{text: "a name", id: "some-id"}
	again, err := parseList("tag", "q", "name", "desc", 500, l.encode(p))
	if err != nil || *again.after != p {
		t.Errorf("got %+v, %v; want %+v", again.after, err, p)
	}
	for _, other := range [][4]string{{"", "q", "name", "desc"}, {"tag", "", "name", "desc"}, {"tag", "q", "date", "desc"}, {"tag", "q", "name", "asc"}} {
		if _, err := parseList(other[0], other[1], other[2], other[3], 10, l.encode(p)); err == nil {
			t.Errorf("%v: got no error for the cursor of another list", other)
		}
	}
}

func TestEncodeFile(t *testing.T) {
	for _, hostile := range []string{"plain", "\"\\\n\t\x00\x1f\x7f", "</script><!--&", "\u2028\u2029", "\xff\xfe", "😀\u202e", "é"} {
		f := File{ID: hostile, Name: hostile, ContentType: hostile, Tags: []string{hostile}, Owner: hostile}
		var got FileBody
		if err := json.Unmarshal(appendFile(nil, &f, hostile), &got); err != nil {
			t.Errorf("%q: %v in %s", hostile, err, appendFile(nil, &f, hostile))
		}
		if want := strings.ToValidUTF8(hostile, "\ufffd"); utf8.ValidString(hostile) && (got.Filename != want || got.Tags[0] != want || got.Owner != want || got.OwnerName != want) {
			t.Errorf("got %q, want %q", got.Filename, want)
		}
	}
}

func FuzzDisposition(f *testing.F) {
	for _, seed := range []string{`form-data; name="file"; filename="a%22.txt"`, `form-data; name=x; filename*=UTF-8''%e2%82%ac`, `attachment; filename="\"\\"`, `;=;"`, `a; b="`, "form-data; name=\"file\"; filename=\"\x00\xff\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		parseDisposition(header)
		// What we write for a name, we read back as that name.
		name, err := cleanName(header)
		if err != nil {
			return
		}
		written := makeDisposition("attachment", name)
		if strings.ContainsAny(written, "\r\n\x00") {
			t.Fatalf("%q contains a line end", written)
		}
		if d, ok := parseDisposition(written); !ok || d.filename != name {
			t.Errorf("%q: got %q, %v; want %q", written, d.filename, ok, name)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"a.txt", "../../etc/passwd", `C:\x`, "..", "", "\x00", "\xff", strings.Repeat("ΐ", 300), "a\u0301", "CON", "name."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if entry := safeEntry(name); entry == "" || entry == ".." || strings.ContainsAny(entry, "/\\\x00") {
			t.Errorf("entry %q of %q", entry, name)
		}
		clean, err := cleanName(name)
		if err != nil {
			return
		}
		if clean == "" || strings.ContainsAny(clean, "/\\\x00") || !utf8.ValidString(clean) || utf8.RuneCountInString(clean) > maxName {
			t.Errorf("got %q for %q", clean, name)
		}
		if again, err := cleanName(clean); err != nil || again != clean {
			t.Errorf("cleaning twice: got %q, want %q", again, clean)
		}
		if !json.Valid(appendString(nil, name)) {
			t.Errorf("got invalid JSON for %q", name)
		}
		nameKey(clean)
	})
}

func FuzzCursor(f *testing.F) {
	l, _ := parseList("", "", "name", "", 1, "")
	f.Add(l.encode(position{text: "a", id: "b"}), "", "name")
	f.Add("AAAA", "x", "date")
	f.Add("", "", "size")
	f.Fuzz(func(t *testing.T, cursor, q, sort string) {
		l, err := parseList("", q, sort, "", 1, cursor)
		if err != nil || l.after == nil {
			return
		}
		if again, err := l.decode(l.encode(*l.after)); err != nil || fmt.Sprint(*again) != fmt.Sprint(*l.after) {
			t.Errorf("got %+v, %v; want %+v", again, err, l.after)
		}
	})
}
