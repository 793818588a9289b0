package files

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// batchBody makes the form of a batch: plain fields, then files by pairs of name and content.
func batchBody(fields map[string]string, files ...string) (contentType string, body *bytes.Buffer) {
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	for name, value := range fields {
		_ = w.WriteField(name, value)
	}
	for i := 0; i < len(files); i += 2 {
		part, _ := w.CreateFormFile("file", files[i])
		_, _ = io.WriteString(part, files[i+1])
	}
	_ = w.Close()
	return w.FormDataContentType(), body
}

// batchAnswer is the answer to a batch: a line for each file by its index, and the last one.
type batchAnswer struct {
	files map[int]batchLine
	last  batchLine
}

// linesOf reads the lines of an answer, which must have one for each file and a last one.
func (h *house) linesOf(answer io.Reader) batchAnswer {
	h.t.Helper()
	got := batchAnswer{files: map[int]batchLine{}}
	for decoder := json.NewDecoder(answer); ; {
		var line batchLine
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) {
			break
		}
		h.must(err)
		switch {
		case got.last.Stored != nil:
			h.t.Errorf("got a line after the last: %+v", line)
		case line.Stored != nil:
			got.last = line
		case line.Index == nil || got.files[*line.Index].Index != nil:
			h.t.Errorf("got a line of no file or twice: %+v", line)
		default:
			got.files[*line.Index] = line
		}
	}
	stored := 0
	for _, line := range got.files {
		if line.File != nil {
			stored++
		}
	}
	if got.last.Stored == nil || *got.last.Stored != stored || *got.last.Failed != len(got.files)-stored {
		h.t.Fatalf("last line: got %+v with %d lines, %d of them stored", got.last, len(got.files), stored)
	}
	return got
}

// batch sends a batch.
func (h *house) batch(fields map[string]string, files ...string) batchAnswer {
	h.t.Helper()
	kind, body := batchBody(fields, files...)
	return h.linesOf(h.want(h.do("POST", prefix+"/batch", kind, body), 200).Body)
}

func TestBatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		door := h.as(ada())
		var files []string
		want := map[string]string{}
		for i := range 2*groupFiles + 10 {
			name, content := fmt.Sprintf("file %03d.txt", i), fmt.Sprint("content ", i/3)
			files, want[name] = append(files, name, content), content
		}
		got := door.batch(map[string]string{"tags": "a, b", "shared": "true"}, files...)
		if len(got.files) != len(want) || *got.last.Stored != len(want) {
			t.Fatalf("got %d lines and %+v, want %d files stored", len(got.files), got.last, len(want))
		}
		for i, line := range got.files {
			name, content := files[2*i], files[2*i+1]
			f := line.File
			if line.Name != name || line.Status != 200 || f.Filename != name || f.Owner != "ada" || !f.Shared || fmt.Sprint(f.Tags) != "[a b]" || *f.SHA256 != blobtest.Digest([]byte(content)) {
				t.Fatalf("line %d: got %+v %+v, want %s", i, line, f, name)
			}
			if w := h.want(h.get(prefix+"/"+f.ID+"/download"), 200); w.Body.String() != content {
				t.Errorf("%s: got %q, want %q", name, w.Body, content)
			}
		}
		for i, f := range h.list("?sort=date&order=asc").Files {
			if want := fmt.Sprintf("file %03d.txt", i); f.Filename != want {
				t.Errorf("the list has %s in the place of %s", f.Filename, want)
			}
		}
		h.emptyIncoming()
		h.sound()
	})
}

func (h *house) emptyIncoming() {
	h.t.Helper()
	if left, _ := filepath.Glob(filepath.Join(h.root, "incoming", "*")); len(left) != 0 {
		h.t.Errorf("left under incoming: %v", left)
	}
}

// TestBatchRefusesSingleFiles: what is wrong with one file is that file's trouble.
func TestBatchRefusesSingleFiles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		got := h.batch(nil, "a", "1", "bad\xff", "2", strings.Repeat("x", 256), "3", "b", strings.Repeat("large", maxBatchFile/5+1), "c", "4", "empty", "")
		for i, want := range []int{200, 422, 422, 413, 200, 200} {
			line := got.files[i]
			if line.Status != want || want == 200 != (line.File != nil) || want != 200 && (line.Type == "" || !strings.HasSuffix(line.Detail, ".")) {
				t.Errorf("file %d: got %+v, want status %d", i, line, want)
			}
		}
		if got := h.list(""); got.Total != 3 {
			t.Errorf("got %d files, want 3", got.Total)
		}
		h.emptyIncoming()
		h.sound()
	})
}

// TestBatchRefusals: what is wrong with the whole is a problem as with every other request, or, when some
// files were told of already, stands in the last line.
func TestBatchRefusals(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kind, whole := batchBody(nil, "a", "1")
		_, none := batchBody(map[string]string{"tags": "a"})
		_, badShared := batchBody(map[string]string{"shared": "perhaps"}, "a", "1")
		boundary := strings.TrimPrefix(kind, "multipart/form-data; boundary=")
		again := func(body *bytes.Buffer) string { // with the boundary of kind
			text := body.String()
			own := text[2:strings.Index(text, "\r\n")]
			return strings.ReplaceAll(text, own, boundary)
		}
		for name, c := range map[string]struct {
			who        identity.Principal
			kind, body string
			status     int
		}{
			"no form":    {h.who, "application/json", "{}", 400},
			"no files":   {h.who, kind, again(none), 422},
			"bad shared": {h.who, kind, again(badShared), 422},
			"no file":    {h.who, kind, "", 400},
			"a guest":    {guest(), kind, whole.String(), 403},
			"reads only": {token(ada(), identity.ScopeFilesRead), kind, whole.String(), 403},
			"a stranger": {identity.Principal{}, kind, whole.String(), 401},
		} {
			if w := h.as(c.who).do("POST", prefix+"/batch", c.kind, strings.NewReader(c.body)); w.Code != c.status || !strings.Contains(w.Body.String(), `."`) {
				t.Errorf("%s: got %d %s, want %d and a sentence", name, w.Code, w.Body, c.status)
			}
		}
		late := "\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=\"shared\"\r\n\r\ntrue\r\n--" + boundary + "--\r\n"
		for name, end := range map[string]string{"cut": "", "late field": late} {
			body := strings.TrimSuffix(whole.String(), "\r\n--"+boundary+"--\r\n") + end
			w := h.do("POST", prefix+"/batch", kind, strings.NewReader(body))
			if name == "cut" {
				h.want(w, 400)
				continue
			}
			if got := h.linesOf(h.want(w, 200).Body); *got.last.Stored != 1 || got.last.Status != 422 || got.last.Detail != detailLateField {
				t.Errorf("%s: got %+v, want what came before stored and a sentence", name, got)
			}
		}
		h.emptyIncoming()
		h.sound()
	})
}

// TestBatchFolders: paths make folders, once; a taken name is that file's trouble unless the form says
// what to do about it.
func TestBatchFolders(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		door := h.as(ada())
		top := door.mkdir("mine", "Photos")
		into := func(onConflict string) map[string]string {
			return map[string]string{"folder": top, "on_conflict": onConflict}
		}
		got := door.batch(map[string]string{"folder": top}, "2026/May/a.jpg", "1", "2026/b.jpg", "2", "c.jpg", "3", "2026/May/d.jpg", "4", "2026/../e", "5", "/f", "6", "2026/May/a.jpg", "7", "2026/", "8", "a\\b", "9")
		for i, want := range []int{200, 200, 200, 200, 422, 422, 409, 422, 422} {
			if line := got.files[i]; line.Status != want {
				t.Errorf("file %d: got %+v, want status %d", i, line, want)
			}
		}
		year := door.entriesOf(top, "").Folders[0].ID
		may := door.entriesOf(year, "").Folders[0].ID
		for id, want := range map[string]string{top: "2026/ c.jpg", year: "May/ b.jpg", may: "a.jpg d.jpg"} {
			if got := door.names(id); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		if d := door.folderOf(top); d.Files != 4 || d.Folders != 2 {
			t.Errorf("got %+v, want 4 files and 2 folders in it", d)
		}
		if got := door.batch(into("rename"), "2026/May/a.jpg", "10"); got.files[0].File.Filename != "a (2).jpg" {
			t.Errorf("rename: got %+v", got.files[0].File)
		}
		first := got.files[0].File.ID
		if got := door.batch(into("replace"), "2026/May/a.jpg", "11"); got.files[0].File.ID != first || got.files[0].File.Size != 2 {
			t.Errorf("replace: got %+v, want new content of %s", got.files[0].File, first)
		}
		if got := door.batch(into("keep"), "2026/May/a.jpg", "12"); got.files[0].File.ID == first || got.files[0].File.Filename != "a.jpg" {
			t.Errorf("keep: got %+v", got.files[0].File)
		}
		kind, body := batchBody(into("fail"), "a", "13")
		h.as(bob()).want(h.as(bob()).do("POST", prefix+"/batch", kind, body), 404)
		h.consistent()
	})
}

// listen serves the house on a socket.
func (h *house) listen() *httptest.Server {
	h.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.http.ServeHTTP(w, r.WithContext(identity.With(r.Context(), h.who)))
	}))
	h.t.Cleanup(server.Close)
	return server
}

// post begins a batch whose body is written to the pipe.
func (h *house) post(ctx context.Context, server *httptest.Server, kind string) (body *io.PipeWriter, answer chan *http.Response) {
	h.t.Helper()
	r, w := io.Pipe()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+prefix+"/batch", r)
	h.must(err)
	request.Header.Set("Content-Type", kind)
	request.Host = "localhost"
	answer = make(chan *http.Response, 1)
	go func() {
		defer close(answer)
		if got, err := server.Client().Do(request); err == nil {
			answer <- got
		}
	}()
	return w, answer
}

// TestBatchTellsMeanwhile: a line comes while the body still does; a connection that is cut then loses
// nothing that was told, and leaves nothing else behind.
func TestBatchTellsMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		server := h.listen()
		ctx, cut := context.WithCancel(t.Context())
		defer cut()
		kind, form := batchBody(nil, "told", "1", "half", strings.Repeat("x", 200<<10))
		second := bytes.Index(form.Bytes(), []byte("filename=\"half\""))
		body, answers := h.post(ctx, server, kind)
		whole := form.Bytes()
		_, err := body.Write(whole[:second+100<<10])
		h.must(err)
		answer := <-answers
		if answer == nil || answer.StatusCode != 200 {
			t.Fatalf("got %+v", answer)
		}
		line, err := bufio.NewReader(answer.Body).ReadBytes('\n')
		var got batchLine
		if h.must(err); json.Unmarshal(line, &got) != nil || got.File == nil || got.Name != "told" {
			t.Fatalf("got %s, want the first file", line)
		}
		cut()
		server.Close() // waits for the handler
		if list := h.list(""); list.Total != 1 || list.Files[0].ID != got.File.ID {
			t.Errorf("got %+v, want the one that was told", list)
		}
		h.emptyIncoming()
		h.sound()
	})
}

// TestBatchOfSomeoneWhoReadsLater: many clients read nothing before they have sent everything.
func TestBatchOfSomeoneWhoReadsLater(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const files = 8 * groupFiles // answers of some megabytes, more than sockets hold
		server := h.listen()
		var pairs []string
		for i := range files {
			pairs = append(pairs, strings.Repeat("long name ", 24)+fmt.Sprint(i), fmt.Sprint(i%7))
		}
		kind, form := batchBody(map[string]string{"tags": strings.Repeat("t", 100) + "," + strings.Repeat("u", 100) + "," + strings.Repeat("ö", 100)}, pairs...)
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		h.must(err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "POST %s/batch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", prefix, kind, form.Len())
		h.must(err)
		_, err = io.Copy(conn, form)
		h.must(err)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		h.must(err)
		defer answer.Body.Close()
		if got := h.linesOf(answer.Body); *got.last.Stored != files {
			t.Errorf("got %+v, want %d files stored", got.last, files)
		}
		h.consistent()
	})
}

// TestBatchDiskFails: a group that cannot be made durable, or be given its place, is told as such, and
// the next one is not concerned.
func TestBatchDiskFails(t *testing.T) {
	eachFaulty(t, func(t *testing.T, h *house, f *faulty) {
		full := errs.Wrap(errs.StorageFull, "The storage is full.", syscall.ENOSPC)
		for name, at := range map[string]func(*error){
			"write": f.write.Store, "publish": f.publish.Store, "sync": f.sync.Store,
		} {
			at(&full)
			got := h.batch(nil, "a", "1", "b", "2")
			if a, b := got.files[0], got.files[1]; a.Status != 507 || b.Status != 507 || a.Detail != "The storage is full." || *got.last.Failed != 2 {
				t.Errorf("%s: got %+v, want 507 twice", name, got)
			}
			at(nil)
			h.emptyIncoming()
			if got := h.batch(nil, name, name); *got.last.Stored != 1 {
				t.Errorf("%s: afterwards got %+v", name, got)
			}
		}
		h.sound()
	})
}

// faultyGroup is a group that fails where its store is told to.
type faultyGroup struct {
	blob.Group
	f *faulty
}

func (f *faulty) Group(ctx context.Context) (blob.Group, error) {
	g, err := f.Store.Group(ctx)
	return faultyGroup{g, f}, err
}

func (g faultyGroup) Create(ctx context.Context, id string) (blob.Writer, error) {
	w, err := g.Group.Create(ctx, id)
	return faultyWriter{w, g.f}, err
}

func (g faultyGroup) Sync(ctx context.Context, items []blob.Staged) error {
	if err := g.f.sync.Load(); err != nil {
		return *err
	}
	return g.Group.Sync(ctx, items)
}
