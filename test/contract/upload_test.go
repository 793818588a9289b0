package contract

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"homeserver/test/server"
)

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func testUpload(t *testing.T, s target) {
	answer, err := s.Post(text("report.txt", "Hello\n"))
	if err != nil {
		t.Fatal(err)
	}
	s.keep(t, answer)
	got := answer.Object(t)
	id, _ := got["id"].(string)
	if !uuid4.MatchString(id) {
		t.Errorf("id: got %q, want a lower-case UUID of version 4", id)
	}
	want := map[string]any{"id": id, "filename": "report.txt", "size": 6.0, "message": "File uploaded successfully"}
	for name := range got {
		if _, fixed := want[name]; !fixed {
			delete(got, name) // more fields are allowed
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Errorf("Content-Type: got %q, want application/json", kind)
	}

	empty := s.uploaded(t, text("empty.txt", ""))
	if meta := s.metadata(t, empty.ID); meta.Size != 0 {
		t.Errorf("empty file: got size %d, want 0", meta.Size)
	}
	if body := s.Download(t, empty.ID).Body; len(body) != 0 {
		t.Errorf("empty file: downloaded %d bytes, want 0", len(body))
	}
	plain := s.uploaded(t, server.Part{Disposition: `name="file"; filename="x.bin"`, Content: []byte{0, 1, 2}})
	if meta := s.metadata(t, plain.ID); meta.ContentType != "application/octet-stream" {
		t.Errorf("without a Content-Type: got %q, want application/octet-stream", meta.ContentType)
	}
	again := s.uploaded(t, text("report.txt", "Hello\n"))
	if again.ID == id || again.Filename != "report.txt" {
		t.Errorf("the same name twice: got %+v, want another file of that name", again)
	}
	binary := bytes.Repeat([]byte("\r\n--"+server.Boundary[:20]+"\x00\xff"), 50_000)
	file := s.uploaded(t, server.FilePart("b.bin", "application/x-test", binary))
	if !bytes.Equal(s.Download(t, file.ID).Body, binary) {
		t.Error("content that looks like boundaries came back changed")
	}
}

func testNames(t *testing.T, s target) {
	for _, c := range []struct{ parameters, want string }{
		{`filename="report.txt"`, "report.txt"},
		{`filename=report.txt`, "report.txt"},
		{`filename=""`, "unnamed"},
		{`filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt`, "naïve €.txt"},
		{`filename="fallback.txt"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt`, "日本.txt"},
		{`filename*=utf-8'en'upper.txt`, "upper.txt"},
		{`filename="日本語 ファイル.txt"`, "日本語 ファイル.txt"},
		{`filename="Ünïcödé 😀.txt"`, "Ünïcödé 😀.txt"},
		{`filename="a%22b.txt"`, `a"b.txt`},
		{`filename="a%0D%0Ab.txt"`, "a\r\nb.txt"},
		{`filename="100%25.txt"`, "100%25.txt"},
		{`filename="50% off.txt"`, "50% off.txt"},
		{`filename="it's.txt"`, "it's.txt"},
		{`filename="a;b.txt"`, "a;b.txt"},
		{`filename="../../etc/passwd"`, "passwd"},
		{`filename="C:\x\passwd"`, "passwd"},
		{`filename="/absolute/passwd"`, "passwd"},
		{`filename*=UTF-8''..%2F..%2Fetc%2Fpasswd`, "passwd"},
	} {
		file := s.uploaded(t, server.Part{Disposition: `name="file"; ` + c.parameters, ContentType: "text/plain", Content: []byte("x")})
		if file.Filename != c.want {
			t.Errorf("%s: got name %q in the answer, want %q", c.parameters, file.Filename, c.want)
		}
		if meta := s.metadata(t, file.ID); meta.Filename != c.want {
			t.Errorf("%s: got name %q in the metadata, want %q", c.parameters, meta.Filename, c.want)
		}
	}
	for _, parameters := range []string{`filename="../.."`, `filename=".."`, `filename="."`, `filename="/"`, `filename="a/"`} {
		answer, err := s.Post(server.Part{Disposition: `name="file"; ` + parameters, Content: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status == 422 {
			isSentence(t, answer)
			continue
		}
		if name := s.keep(t, answer).Filename; name == "" || strings.ContainsAny(name, `/\`) || strings.Trim(name, ".") == "" {
			t.Errorf("%s: got the name %q", parameters, name)
		}
	}
}

func testTags(t *testing.T, s target) {
	file := text("t.txt", "x")
	for name, c := range map[string]struct {
		parts []server.Part
		want  []string
	}{
		"none":         {[]server.Part{file}, []string{}},
		"after":        {[]server.Part{file, server.Field("tags", "a,b")}, []string{"a", "b"}},
		"before":       {[]server.Part{server.Field("tags", "a,b"), file}, []string{"a", "b"}},
		"both":         {[]server.Part{server.Field("tags", "z,a"), file, server.Field("tags", "b,a")}, []string{"z", "a", "b"}},
		"cleaned":      {[]server.Part{file, server.Field("tags", " b , a,, b ,\t,Ä, ä,B")}, []string{"b", "a", "Ä", "ä", "B"}},
		"empty":        {[]server.Part{file, server.Field("tags", "")}, []string{}},
		"inner spaces": {[]server.Part{file, server.Field("tags", "two words,日本,😀")}, []string{"two words", "日本", "😀"}},
		"other fields": {[]server.Part{server.Field("other", "x"), file, server.Field("tags", "a"), server.Field("more", "y")}, []string{"a"}},
	} {
		uploaded := s.uploaded(t, c.parts...)
		if diff := cmp.Diff(c.want, s.metadata(t, uploaded.ID).Tags); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// testFraming sends bodies in the forms that HTTP clients choose.
func testFraming(t *testing.T, s target) {
	body := server.Multipart(text("chunked.txt", strings.Repeat("chunk ", 10_000)), server.Field("tags", "late"))
	request, err := s.Request("POST", server.Files+"/upload", http.Header{"Content-Type": {server.ContentType}}, struct{ io.Reader }{bytes.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Send(request) // the length is not known, so it is sent in chunks
	if err != nil {
		t.Fatal(err)
	}
	if file := s.keep(t, answer); file.Size != 60_000 {
		t.Errorf("chunked: got size %d, want 60000", file.Size)
	}

	conn := s.Dial(t)
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprint(conn, s.Head("POST", server.Files+"/upload", "Content-Type: "+server.ContentType, fmt.Sprint("Content-Length: ", len(body)), "Expect: 100-continue"))
	reader := bufio.NewReader(conn)
	line, err := reader.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("Expect: 100-continue: got %q (%v), want 100", line, err)
	}
	_, _ = reader.ReadString('\n') // the empty line after it
	if _, err := conn.Write(body); err != nil {
		t.Fatal(err)
	}
	s.keep(t, read(t, reader))
}

// read reads one bare answer.
func read(t *testing.T, reader *bufio.Reader) server.Answer {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("reading the answer's body: %v", err)
	}
	return server.Answer{Status: response.StatusCode, Header: response.Header, Body: body}
}

func testMalformed(t *testing.T, s target) {
	tag := unique("malformed")
	field := server.Field("tags", tag)
	for name, parts := range map[string][]server.Part{
		"no file":             {field},
		"file as plain field": {field, server.Field("file", "content")},
		"another name":        {field, {Disposition: `name="files"; filename="x.txt"`, Content: []byte("x")}},
	} {
		answer, err := s.Post(parts...)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status != 422 || !strings.Contains(strings.ToLower(answer.Detail()), "file") {
			t.Errorf("%s: got %d %q, want 422 that speaks of the file", name, answer.Status, answer.Detail())
		}
	}
	whole := server.Multipart(field, text("m.txt", "content"))
	for name, c := range map[string]struct {
		contentType string
		body        []byte
	}{
		"json":                 {"application/json", []byte(`{"file":"x"}`)},
		"form":                 {"application/x-www-form-urlencoded", []byte("file=x")},
		"no content type":      {"", whole},
		"no boundary":          {"multipart/form-data", whole},
		"another boundary":     {"multipart/form-data; boundary=other", whole},
		"multipart/mixed":      {"multipart/mixed; boundary=" + server.Boundary, whole},
		"no end":               {server.ContentType, whole[:len(whole)-len(server.Boundary)-6]},
		"end in the content":   {server.ContentType, before(whole, "tent\r\n")},
		"end in a part's head": {server.ContentType, before(whole, "m.txt")},
		"empty":                {server.ContentType, nil},
		"garbage":              {server.ContentType, []byte("\x00\xff\xfe not multipart")},
	} {
		header := http.Header{}
		if c.contentType != "" {
			header.Set("Content-Type", c.contentType)
		}
		answer := s.Do(t, "POST", server.Files+"/upload", header, bytes.NewReader(c.body))
		if answer.Status < 400 || answer.Status > 499 {
			t.Errorf("%s: got %d, want 4xx", name, answer.Status)
		}
		isSentence(t, answer)
	}
	if list := s.ListFiles(t, "tag="+tag); list.Total != 0 {
		t.Errorf("malformed uploads were stored: %+v", list.Files)
	}
}

// before is what stands before a mark.
func before(whole []byte, mark string) []byte {
	head, _, _ := bytes.Cut(whole, []byte(mark))
	return head
}

// testCut hangs up, or ends the sending side, before the announced length is there.
func testCut(t *testing.T, s target) {
	tag := unique("cut")
	whole := server.Multipart(server.Field("tags", tag), text("cut.txt", strings.Repeat("x", 100_000)))
	for _, keep := range []int{10, 200, 50_000, len(whole) - 3 /* in the closing boundary */} {
		conn := s.Dial(t)
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprint(conn, s.UploadHead(int64(len(whole))))
		if _, err := conn.Write(whole[:keep]); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			continue // the server may hang up on someone who has
		}
		response.Body.Close()
		if response.StatusCode < 400 || response.StatusCode > 499 {
			t.Errorf("cut after %d of %d bytes: got %d, want 4xx", keep, len(whole), response.StatusCode)
		}
	}
	if list := s.ListFiles(t, "tag="+tag); list.Total != 0 {
		t.Errorf("cut uploads were stored: %+v", list.Files)
	}
}
