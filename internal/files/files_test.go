package files

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/diskblob"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// clock is a time that tests move by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Microsecond) // no two moments are the same
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// house is the room on a database and a directory, with an HTTP front.
type house struct {
	*Files
	t     testing.TB
	root  string
	clock *clock
	http  http.Handler
	who   identity.Principal // who sends the requests
	audit *[]string          // what was recorded
}

// as is the same house with somebody else at the door.
func (h *house) as(who identity.Principal) *house {
	visited := *h
	visited.who = who
	return &visited
}

// furnish migrates db and puts the room on it. wrap, if given, stands between room and disk.
func furnish(t testing.TB, db *sqldb.DB, root string, wrap func(blob.Store) blob.Store) *house {
	t.Helper()
	h, err := tryFurnish(t, db, root, wrap)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// tryFurnish is furnish on a storage that may refuse.
func tryFurnish(t testing.TB, db *sqldb.DB, root string, wrap func(blob.Store) blob.Store) (*house, error) {
	t.Helper()
	h := &house{t: t, root: root, who: identity.Household(), audit: new([]string), clock: &clock{t: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)}}
	var store blob.Store = diskblob.New(root)
	if wrap != nil {
		store = wrap(store)
	}
	h.Files = New(db, store, Config{CollectAfter: 24 * time.Hour}, slog.New(slog.DiscardHandler), h.clock.now, Lent{DisplayName: nameOf, Record: h.record})
	service := h.Service()
	if err := db.Migrate(t.Context(), service.Name, service.Migrations); err != nil {
		t.Fatal(err)
	}
	err := h.Prepare(t.Context())
	router := httpd.NewRouter("HomeServer", "test")
	service.Routes(router)
	h.http = httpd.NewServer(httpd.Config{Host: "127.0.0.1"}, router, httpd.Recognise(func(r *http.Request) identity.Principal {
		return identity.From(r.Context())
	}), slog.New(slog.DiscardHandler)).Handler()
	return h, err
}

// nameOf is the name of an account; no account has the id nothing, or one as folders have.
func nameOf(id string) string {
	if id == "nothing" || len(id) == maxID {
		return ""
	}
	return "Name of " + id
}

// tables are the room's, ready to be copied: making them for each test anew takes longer than
// most tests do.
var tables = func() *sqldbtest.Template {
	room := New(nil, nil, Config{}, nil, nil, Lent{}).Service()
	return sqldbtest.NewTemplate(room.Name, room.Migrations)
}()

// each runs test on both databases.
func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		test(t, furnish(t, db, filepath.Join(sqldbtest.Memory(t), "storage"), nil))
	})
}

// do sends a request and returns the answer.
func (h *house) do(method, path, contentType string, body io.Reader) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(method, path, body)
	r = r.WithContext(identity.With(r.Context(), h.who))
	r.Host = "localhost"
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.http.ServeHTTP(w, r)
	return w
}

func (h *house) get(path string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.do("GET", path, "", nil)
}

// want fails unless the answer has the status.
func (h *house) want(w *httptest.ResponseRecorder, status int) *httptest.ResponseRecorder {
	h.t.Helper()
	if w.Code != status {
		h.t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	return w
}

// into decodes a JSON answer with status 200.
func into[T any](h *house, w *httptest.ResponseRecorder) T {
	h.t.Helper()
	h.want(w, 200)
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		h.t.Fatalf("%v in %.300s", err, w.Body)
	}
	return v
}

// formOf makes an upload's body.
func formOf(name string, data []byte, tags string) (contentType string, body *bytes.Buffer) {
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	if tags != "" {
		_ = w.WriteField("tags", tags)
	}
	part, _ := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename="%s"`, strings.NewReplacer("\\", "\\\\", `"`, "%22", "\r", "%0D", "\n", "%0A").Replace(name))}, "Content-Type": {"text/plain"}})
	_, _ = part.Write(data)
	_ = w.Close()
	return w.FormDataContentType(), body
}

// put uploads and returns the metadata.
func (h *house) put(name, content, tags string) FileBody {
	h.t.Helper()
	kind, body := formOf(name, []byte(content), tags)
	return into[FileBody](h, h.do("POST", prefix+"/upload", kind, body))
}

// list fetches a list.
func (h *house) list(query string) listBody {
	h.t.Helper()
	return into[listBody](h, h.get(prefix+"/list"+query))
}

// record is the audit log.
func (h *house) record(ctx context.Context, action, target, detail string) {
	h.clock.mu.Lock()
	defer h.clock.mu.Unlock()
	*h.audit = append(*h.audit, fmt.Sprintf("%s %s %s %s", identity.From(ctx).UserID, action, target, detail))
}

// consistent compares every counter and index table with the rows they speak of.
func (h *house) consistent() {
	h.t.Helper()
	ctx := context.Background()
	rows, err := h.store.files(ctx, h.store.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.deleted_at IS NULL`)
	h.must(err)
	views := map[view]bool{{all: true}: true, {}: true, {own: "stranger"}: true}
	for _, row := range rows {
		views[view{own: row.Owner}] = true
		if row.audience != household && row.audience != row.Owner {
			h.t.Errorf("%s: got audience %q, want nobody's or its owner's, %q", row.ID, row.audience, row.Owner)
		}
	}
	for v := range views {
		h.countsOf(v, rows)
	}
	type tagging struct{ tag, id, audience string }
	want, got := map[tagging]bool{}, map[tagging]bool{}
	for _, row := range rows {
		for _, tag := range row.Tags {
			want[tagging{tagKey(tag), row.ID, row.audience}] = true
		}
	}
	list, err := h.store.db.Query(ctx, `SELECT n.tag_key, t.file_id, t.audience FROM file_tags t JOIN tag_names n ON n.id = t.tag_id`)
	h.must(err)
	defer list.Close()
	for list.Next() {
		var t tagging
		h.must(list.Scan(&t.tag, &t.id, &t.audience))
		got[t] = true
	}
	if h.must(list.Err()); !maps.Equal(got, want) {
		h.t.Errorf("file_tags: got %v, want %v", got, want)
	}
}

// countsOf compares the counters that a view shows with the rows.
func (h *house) countsOf(v view, rows []File) {
	h.t.Helper()
	ctx := context.Background()
	var want counts
	wantTags, gotTags := map[string]int64{}, map[string]int64{}
	for _, row := range rows {
		if !v.all && row.audience != household && row.audience != v.own {
			continue
		}
		want.add(counts{1, row.Size})
		for _, tag := range row.Tags {
			wantTags[tag]++
		}
	}
	if c, err := h.store.usage(ctx, v); err != nil || c != want {
		h.t.Errorf("counters of %+v: got %+v, %v; want %+v", v, c, err, want)
	}
	if files, bytes := h.Usage(); v.all && (counts{files, bytes}) != want {
		h.t.Errorf("Usage: got %d, %d; want %+v", files, bytes, want)
	}
	tags, err := h.store.mostUsedTags(ctx, v, 1_000_000)
	h.must(err)
	for _, tag := range tags {
		gotTags[tag.Tag] = tag.Files
	}
	if !maps.Equal(gotTags, wantTags) {
		h.t.Errorf("tags of %+v: got %v, want %v", v, gotTags, wantTags)
	}
	for tag, n := range wantTags {
		if _, files, err := h.store.tagUsage(ctx, v, tag); err != nil || files != n {
			h.t.Errorf("tag %s of %+v: got %d, %v; want %d", tag, v, files, err, n)
		}
	}
}

// sound runs Check and wants it clean.
func (h *house) sound() Report {
	h.t.Helper()
	h.consistent()
	report, err := h.Check(context.Background(), CheckOptions{})
	if err != nil || !report.OK() {
		h.t.Fatalf("check: got %+v, %v", report, err)
	}
	return report
}

func TestUploadAndDownload(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.put("report.txt", "hello\n", " a, b ,a,,Ä")
		if f.Filename != "report.txt" || f.Size != 6 || fmt.Sprint(f.Tags) != "[a b Ä]" || f.SHA256 == nil || f.ContentType != "text/plain" {
			t.Errorf("got %+v", f)
		}
		if got := into[FileBody](h, h.get(prefix+"/"+f.ID+"/metadata")); fmt.Sprint(got.Tags, got.UploadDate, got.Size) != fmt.Sprint(f.Tags, f.UploadDate, f.Size) {
			t.Errorf("metadata: got %+v, want %+v", got, f)
		}
		w := h.want(h.get(prefix+"/"+f.ID+"/download"), 200)
		for name, want := range map[string]string{
			"Content-Type": "text/plain; charset=utf-8", "Content-Disposition": `attachment; filename="report.txt"`, "Content-Length": "6",
			"ETag": `"` + *f.SHA256 + `"`, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if w.Body.String() != "hello\n" {
			t.Errorf("got %q", w.Body)
		}
		r := httptest.NewRequestWithContext(identity.With(t.Context(), h.who), "GET", prefix+"/"+f.ID+"/download?inline=1", nil)
		r.Host = "localhost"
		r.Header.Set("Range", "bytes=1-3")
		part := httptest.NewRecorder()
		h.http.ServeHTTP(part, r)
		if part.Code != 206 || part.Body.String() != "ell" || !strings.HasPrefix(part.Header().Get("Content-Disposition"), "inline") {
			t.Errorf("range: got %d %q %q", part.Code, part.Body, part.Header().Get("Content-Disposition"))
		}
		h.sound()
	})
}

func TestHostileIDs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, id := range []string{"not-a-uuid", "%00", "..%2f", "..%2f..%2fetc%2fpasswd", strings.Repeat("a", 10_000), "%ff%fe", "ä", "'%20OR%201=1", "00000000-0000-0000-0000-000000000000"} {
			for _, request := range []string{"GET /metadata", "GET /download", "HEAD /download", "DELETE ", "POST /restore"} {
				method, path, _ := strings.Cut(request, " ")
				w := h.do(method, prefix+"/"+id+path, "", nil)
				if w.Code != 404 || method != "HEAD" && !strings.Contains(w.Body.String(), `"detail":"File not found"`) {
					t.Errorf("%s of %.30s: got %d %.200s", request, id, w.Code, w.Body)
				}
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		long, tags := strings.Repeat("x", 256), make([]string, 51)
		for i := range tags {
			tags[i] = fmt.Sprint("tag", i)
		}
		head := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n"
		for name, c := range map[string]struct {
			kind, body string
			status     int
		}{
			"no form":          {"application/json", "{}", 400},
			"no boundary":      {"multipart/form-data", "x", 400},
			"empty":            {"multipart/form-data; boundary=b", "", 400},
			"cut in header":    {"multipart/form-data; boundary=b", head, 400},
			"cut in content":   {"multipart/form-data; boundary=b", head + "\r\nabc", 400},
			"cut in delimiter": {"multipart/form-data; boundary=b", head + "\r\nabc\r\n--", 400},
			"no closing":       {"multipart/form-data; boundary=b", head + "\r\nabc\r\n--b\r\n", 400},
			"no file":          {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\na\r\n--b--\r\n", 422},
			"plain field":      {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\na\r\n--b--\r\n", 422},
			"two files":        {"multipart/form-data; boundary=b", head + "\r\na\r\n" + head + "\r\nb\r\n--b--\r\n", 422},
			"long name":        {"multipart/form-data; boundary=b", strings.Replace(head, `"a"`, `"`+long+`"`, 1) + "\r\nabc\r\n--b--\r\n", 422},
			"NUL in name":      {"multipart/form-data; boundary=b", strings.Replace(head, `"a"`, "\"a\x00b\"", 1) + "\r\nabc\r\n--b--\r\n", 422},
			"invalid UTF-8":    {"multipart/form-data; boundary=b", strings.Replace(head, `"a"`, "\"a\xffb\"", 1) + "\r\nabc\r\n--b--\r\n", 422},
			"long type":        {"multipart/form-data; boundary=b", head + "Content-Type: " + long + "\r\n\r\nabc\r\n--b--\r\n", 422},
			"many tags":        {"multipart/form-data; boundary=b", head + "\r\nabc\r\n--b\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\n" + strings.Join(tags, ",") + "\r\n--b--\r\n", 422},
			"long tag":         {"multipart/form-data; boundary=b", head + "\r\nabc\r\n--b\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\n" + long + "\r\n--b--\r\n", 422},
			"NUL in tag":       {"multipart/form-data; boundary=b", head + "\r\nabc\r\n--b\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\na\x00b\r\n--b--\r\n", 422},
			"huge field":       {"multipart/form-data; boundary=b", head + "\r\nabc\r\n--b\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\n" + strings.Repeat(long, 300) + "\r\n--b--\r\n", 422},
		} {
			w := h.do("POST", prefix+"/upload", c.kind, strings.NewReader(c.body))
			var problem httpd.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != c.status || !strings.HasSuffix(problem.Detail, ".") {
				t.Errorf("%s: got %d %s, want %d and a sentence", name, w.Code, w.Body, c.status)
			}
		}
		if got := h.list(""); got.Total != 0 {
			t.Errorf("got %d files, want none", got.Total)
		}
		if left, _ := filepath.Glob(filepath.Join(h.root, "incoming", "*")); len(left) != 0 {
			t.Errorf("left under incoming: %v", left)
		}
		h.sound()
	})
}

func TestHostileNamesSurvive(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for sent, want := range map[string]string{
			"../../etc/passwd": "passwd", `C:\x\passwd`: "passwd", "": "unnamed", "..": "unnamed", "dir/": "unnamed",
			`say "hi".txt`: `say "hi".txt`, "two\nlines": "two\nlines", "<img src=x onerror=alert(1)>.svg": "<img src=x onerror=alert(1)>.svg",
			"it's; a=b.txt": "it's; a=b.txt", "😀 \u202efdp.exe": "😀 \u202efdp.exe", "100%25.txt": "100%25.txt", "日本語.txt": "日本語.txt", "\x01\x7f": "\x01\x7f",
		} {
			f := h.put(sent, "content of "+sent, sent)
			if f.Filename != want {
				t.Errorf("%q: got %q, want %q", sent, f.Filename, want)
			}
			w := h.want(h.get(prefix+"/"+f.ID+"/download"), 200)
			if w.Body.String() != "content of "+sent {
				t.Errorf("%q: got %q", sent, w.Body)
			}
			d, ok := parseDisposition(w.Header().Get("Content-Disposition"))
			if !ok || d.filename != want || strings.ContainsAny(w.Header().Get("Content-Disposition"), "\r\n") {
				t.Errorf("%q: got disposition %q, read back as %q", sent, w.Header().Get("Content-Disposition"), d.filename)
			}
		}
		h.sound()
	})
}

func newDisk(root string) blob.Store { return diskblob.New(root) }
