// Package hostile sends names and tags that break careless servers. Each must survive upload,
// list, metadata and download unchanged, or be refused with a sentence (422). That none of
// them runs as script in the pages is tested in a browser, under web/.
package hostile

import (
	"mime"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// names are hostile names; the value is what is kept of each, "" where it must be refused, and
// "?" where the server may choose.
func names() map[string]string {
	same := []string{
		`quo"ted.txt`, `it's.txt`, "new\nline.txt", "carriage\rreturn.txt", "crlf\r\nX-Injected: yes.txt", "tab\t.txt",
		strings.Repeat("n", 255), strings.Repeat("ü", 255), strings.Repeat("😀", 255),
		`<img src=x onerror=alert(1)>.png`, `<img onerror>`, `"><script>alert(1)<`, `javascript:alert(1)`, `{{7*7}}`, "${x}", "%s%n%d", "' OR '1'='1", "x'; DROP TABLE file_metadata; --",
		"😀👨‍👩‍👧‍👦.txt", "\u202Egnp.exe", "a\u200Bb", "e\u0301.txt", "日本語", "עברית.txt", "\uFEFFbom", "%00", "%2e%2e%2f", "%zz", "100%", "CON", "nul.txt",
		" leading and trailing ", "...", ".hidden", "~", "-rf", "*", "?", "a:b", "|", ";", "&&", "`id`", "$(id)", "\x01\x1f\x7f", "a,b", "=1+1", "UTF-8''x", "=?utf-8?Q?x?=",
	}
	kept := map[string]string{
		"../../etc/passwd": "passwd", `C:\x\y`: "y", `..\..\boot.ini`: "boot.ini", "/etc/passwd": "passwd", "a/b/c": "c", `<script>alert(1)</script>`: "script>",
		strings.Repeat("n", 256): "", strings.Repeat("n", 300): "", strings.Repeat("😀", 256): "", strings.Repeat("n", 9000): "",
		"nul\x00.txt": "", "invalid\xff\xfe.txt": "", "\xc3": "", "\xed\xa0\x80": "", "over\xc0\xaflong": "",
		".": "?", "..": "?", "/": "?", "a/": "?",
	}
	for _, name := range same {
		kept[name] = name
	}
	return kept
}

func TestNames(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		for name, want := range names() {
			answer, err := s.Post(server.FilePart(name, "text/plain", []byte(name)), server.Field("tags", "names"))
			if err != nil {
				t.Errorf("%.60q: %v", name, err)
				continue
			}
			if want == "" || want == "?" && answer.Status == 422 {
				refused(t, name, answer)
				continue
			}
			if answer.Status != 200 {
				t.Errorf("%.60q: got %d %s, want 200", name, answer.Status, answer.Body)
				continue
			}
			var file server.File
			answer.Decode(t, &file)
			if want == "?" {
				want = file.Filename
				if want == "" || strings.ContainsAny(want, `/\`) {
					t.Errorf("%.60q: kept as %q", name, want)
				}
			}
			survives(t, s, file, want, []byte(name))
		}
		checkAll(t, s)
	})
}

// refused expects 422 with a sentence.
func refused(t *testing.T, what string, answer server.Answer) {
	t.Helper()
	detail := answer.Detail()
	if answer.Status != 422 || len(detail) < 15 || !strings.Contains(detail, " ") {
		t.Errorf("%.60q: got %d %q, want 422 with a sentence", what, answer.Status, detail)
	}
	if kind := answer.Header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("%.60q: got Content-Type %q, want application/problem+json", what, kind)
	}
}

// survives follows one file through metadata, search and download.
func survives(t *testing.T, s *server.Server, file server.File, want string, content []byte) {
	t.Helper()
	path := server.Files + "/" + file.ID
	var meta server.File
	s.Get(t, path+"/metadata").Expect(t, 200).Decode(t, &meta)
	if file.Filename != want || meta.Filename != want {
		t.Errorf("%.60q: got %q in the answer and %q in the metadata", want, file.Filename, meta.Filename)
	}
	answer := s.Get(t, path+"/download").Expect(t, 200)
	disposition := answer.Header.Get("Content-Disposition")
	kind, parameters, err := mime.ParseMediaType(disposition)
	if err != nil || kind != "attachment" || parameters["filename"] != want {
		t.Errorf("%.60q: got Content-Disposition %q (%v), which says %q", want, disposition, err, parameters["filename"])
	}
	if strings.ContainsFunc(disposition, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		t.Errorf("%.60q: Content-Disposition %q is not plain ASCII", want, disposition)
	}
	if diff := cmp.Diff(string(content), string(answer.Body)); diff != "" {
		t.Errorf("%.60q: content (-want +got):\n%s", want, diff)
	}
	if answer.Header.Get("X-Injected") != "" {
		t.Errorf("%.60q injected a header", want)
	}
	found := false
	for _, hit := range s.ListFiles(t, "q="+url.QueryEscape(want)).Files {
		found = found || hit.ID == file.ID && hit.Filename == want
	}
	if !found {
		t.Errorf("%.60q is not found by its own name", want)
	}
}

// checkAll expects every file in the pages of the list, sorted by name, and one archive of all.
func checkAll(t *testing.T, s *server.Server) {
	t.Helper()
	all := s.ListFiles(t, "")
	seen, cursor := map[string]bool{}, ""
	for {
		page := s.ListFiles(t, "sort=name&limit=7&cursor="+url.QueryEscape(cursor))
		for _, file := range page.Files {
			if seen[file.ID] {
				t.Errorf("%q is on two pages", file.Filename)
			}
			seen[file.ID] = true
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(seen) != all.Total || len(all.Files) != all.Total {
		t.Errorf("got %d files in pages and %d at once, total %d", len(seen), len(all.Files), all.Total)
	}
	var ids []string
	for id := range seen {
		ids = append(ids, id)
	}
	checkArchive(t, s, ids)
}

// tags are fields of tags and what is kept of them; nil where they must be refused.
func tags() map[string][]string {
	return map[string][]string{
		`quo"ted`: {`quo"ted`}, "it's": {"it's"}, "new\nline": {"new\nline"}, "<img onerror>": {"<img onerror>"}, `back\slash`: {`back\slash`},
		"../../etc/passwd": {"../../etc/passwd"}, "😀,\u202Ertl": {"😀", "\u202Ertl"}, "%00": {"%00"}, "a%": {"a%"}, "_": {"_"}, "{a}": {"{a}"}, "NULL": {"NULL"}, "null": {"null"},
		"e\u0301,\u00e9": {"e\u0301", "\u00e9"}, `["x"]`: {`["x"]`}, "' OR '1'='1": {"' OR '1'='1"}, strings.Repeat("t", 100): {strings.Repeat("t", 100)},
		"nul\x00": nil, "invalid\xff": nil, strings.Repeat("t", 300): nil, strings.Repeat("ü", 5000): nil, manyTags(): nil,
	}
}

// manyTags are more than anybody gives one file.
func manyTags() string {
	var b strings.Builder
	for i := range 5000 {
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), 1+i/26%50))
		b.WriteString(strings.Repeat("x", i/1300) + ",")
	}
	return b.String()
}

func TestTags(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		for field, want := range tags() {
			answer, err := s.Post(server.Field("tags", field), server.FilePart("t.txt", "text/plain", []byte(field)))
			if err != nil {
				t.Errorf("%.60q: %v", field, err)
				continue
			}
			if want == nil {
				refused(t, field, answer)
				continue
			}
			var file, meta server.File
			answer.Expect(t, 200).Decode(t, &file)
			s.Get(t, server.Files+"/"+file.ID+"/metadata").Expect(t, 200).Decode(t, &meta)
			if diff := cmp.Diff(want, meta.Tags); diff != "" {
				t.Errorf("tags of %.60q (-want +got):\n%s", field, diff)
			}
			for _, tag := range want {
				list := s.ListFiles(t, "tag="+url.QueryEscape(tag))
				if list.Total != 1 || list.Files[0].ID != file.ID {
					t.Errorf("tag %q: got %d files, want the one that has it", tag, list.Total)
				}
			}
		}
		for _, query := range []string{"tag=%ff%fe", "tag=%00", "q=%ff", "q=%00", "q=%25", "q=_", "q=%5c", "tag=" + strings.Repeat("x", 5000), "q=" + strings.Repeat("x", 5000)} {
			answer := s.Get(t, server.Files+"/list?"+query)
			if answer.Status != 200 && answer.Status != 422 {
				t.Errorf("list?%.40s: got %d %s, want 200 or 422", query, answer.Status, answer.Body)
			}
		}
	})
}
