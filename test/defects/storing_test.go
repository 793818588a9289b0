package defects

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"homeserver/test/server"
)

// TestDefect03RefusedUploadsLeaveNothing uploads what the original's table could not take.
//
// The original answered a bare 500 to a name of 256 characters, a type of 101, a NUL in the
// name or an absent database, and left the content on disk for ever.
func TestDefect03RefusedUploadsLeaveNothing(t *testing.T) {
	t.Parallel()
	s, proxy, _ := onPostgres(t)
	stored := 0
	for name, part := range map[string]server.Part{
		"name of 256":  server.FilePart(strings.Repeat("n", 256), "text/plain", []byte("1")),
		"name of 5000": server.FilePart(strings.Repeat("n", 5000), "text/plain", []byte("2")),
		"type of 101":  server.FilePart("t.txt", "text/"+strings.Repeat("t", 96), []byte("3")),
		"type of 5000": server.FilePart("t.txt", "text/"+strings.Repeat("t", 4995), []byte("4")),
		"NUL in name":  {Disposition: "name=\"file\"; filename=\"a\x00b.txt\"", Content: []byte("5")},
		"NUL encoded":  {Disposition: `name="file"; filename*=UTF-8''a%00b.txt`, Content: []byte("6")},
		"NUL in type":  {Disposition: `name="file"; filename="c.txt"`, ContentType: "text/\x00", Content: []byte("7")},
	} {
		answer, err := s.Post(part)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case answer.Status == 200:
			stored++
		case answer.Status < 400 || answer.Status > 499 || len(answer.Detail()) < 10:
			t.Errorf("%s: got %d %q, want it stored or a 4xx with a sentence", name, answer.Status, answer.Detail())
		}
	}
	if got := contents(t, s.StoragePath()); len(got) != stored {
		t.Errorf("%d uploads were accepted, but %d files lie in the storage: %v", stored, len(got), got)
	}

	proxy.Cut()
	answer, err := s.Post(server.FilePart("away.txt", "text/plain", []byte("the database is away")))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != 503 || answer.Detail() == "" || answer.Header.Get("Retry-After") == "" {
		t.Errorf("upload without a database: got %d %q, Retry-After %q; want 503 with a sentence", answer.Status, answer.Detail(), answer.Header.Get("Retry-After"))
	}
	if left := contents(t, filepath.Join(s.StoragePath(), "incoming")); len(left) > 0 {
		t.Errorf("the refused upload left %v", left)
	}
}

// marked is zeros with a few letters at the place where 32 bits end.
type marked struct{ at int64 }

const (
	markAt = int64(1)<<31 - 4
	mark   = "2GiB-boundary"
)

func (m *marked) Read(p []byte) (int, error) {
	clear(p)
	for i := range mark {
		if offset := markAt + int64(i) - m.at; offset >= 0 && offset < int64(len(p)) {
			p[offset] = mark[i]
		}
	}
	m.at += int64(len(p))
	return len(p), nil
}

// TestDefect04FilesOver2GiB stores a file whose size needs more than 31 bits.
//
// The original's size column was a 32-bit integer: after 37 s of uploading it answered 500.
func TestDefect04FilesOver2GiB(t *testing.T) {
	t.Parallel()
	const size = int64(1)<<31 + 100<<20
	s := server.Start(t, server.Options{})
	file := upload(t, s.Client, "big.bin", &marked{}, size)
	if file.Size != size {
		t.Errorf("answer: got size %d, want %d", file.Size, size)
	}
	if list := s.ListFiles(t, ""); len(list.Files) != 1 || list.Files[0].Size != size {
		t.Errorf("list: got %+v, want one file of %d bytes", list.Files, size)
	}
	path := server.Files + "/" + file.ID + "/download"
	span := fmt.Sprintf("bytes=%d-%d", markAt, markAt+int64(len(mark))-1)
	if part := s.Do(t, "GET", path, http.Header{"Range": {span}}, nil).Expect(t, 206); string(part.Body) != mark {
		t.Errorf("the bytes around 2 GiB: got %q, want %q", part.Body, mark)
	}
	if head := s.Do(t, "HEAD", path, nil, nil).Expect(t, 200); head.Header.Get("Content-Length") != fmt.Sprint(size) {
		t.Errorf("Content-Length: got %s, want %d", head.Header.Get("Content-Length"), size)
	}
	var storage struct {
		Bytes int64 `json:"total_size_bytes"`
	}
	s.Get(t, "/api/v1/monitoring/storage").Decode(t, &storage)
	if storage.Bytes != size {
		t.Errorf("total_size_bytes: got %d, want %d", storage.Bytes, size)
	}
}

// TestDefect05FailedDeletionKeepsContent lets the transaction of a deletion fail at its end.
//
// The original removed the content first: when the commit then failed, the row stayed and
// the content was lost.
func TestDefect05FailedDeletionKeepsContent(t *testing.T) {
	t.Parallel()
	s, proxy, db := onPostgres(t)
	content := []byte("must survive a failed deletion")
	file := s.Upload(t, "keep.txt", content)
	path := server.Files + "/" + file.ID
	intact := func(when string) {
		t.Helper()
		if diff := cmp.Diff(content, s.Download(t, file.ID).Body); diff != "" {
			t.Errorf("%s: content (-want +got):\n%s", when, diff)
		}
		if list := s.ListFiles(t, ""); list.Total != 1 {
			t.Errorf("%s: got %d files listed, want 1", when, list.Total)
		}
	}
	execute(t, db,
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused at commit'; END $$`,
		`CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE OR DELETE ON file_metadata DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`)
	if answer := s.Do(t, "DELETE", path, nil, nil); answer.Status < 500 {
		t.Errorf("a deletion whose commit fails: got %d, want 5xx", answer.Status)
	}
	execute(t, db, `DROP TRIGGER refuse ON file_metadata`)
	intact("after the failed commit")

	proxy.Cut()
	if answer := s.Do(t, "DELETE", path, nil, nil); answer.Status != 503 {
		t.Errorf("a deletion without a database: got %d, want 503", answer.Status)
	}
	proxy.Mend()
	s.WaitReady(20 * time.Second)
	intact("after the database came back")
}

// TestDefect08ListHasOrderAndPages: the original sent all rows in whatever order.
func TestDefect08ListHasOrderAndPages(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		var newestFirst []string
		for i := range 25 {
			file := s.Upload(t, fmt.Sprintf("f%02d.txt", i), bytes.Repeat([]byte("x"), i+1))
			newestFirst = append([]string{file.ID}, newestFirst...)
		}
		byName := make([]string, 0, len(newestFirst))
		for i := range newestFirst {
			byName = append(byName, newestFirst[len(newestFirst)-1-i])
		}
		for query, want := range map[string][]string{
			"": newestFirst, "sort=name&order=asc": byName, "sort=name&order=desc": newestFirst, "sort=size&order=asc": byName, "sort=date&order=asc": byName,
		} {
			var whole, paged []string
			for _, file := range s.ListFiles(t, query).Files {
				whole = append(whole, file.ID)
			}
			if diff := cmp.Diff(want, whole); diff != "" {
				t.Errorf("%q (-want +got):\n%s", query, diff)
			}
			for cursor := ""; ; {
				page := s.ListFiles(t, query+"&limit=10&cursor="+url.QueryEscape(cursor))
				if page.Total != 25 || len(page.Files) > 10 {
					t.Fatalf("%q: got a page of %d, total %d; want at most 10 and 25", query, len(page.Files), page.Total)
				}
				for _, file := range page.Files {
					paged = append(paged, file.ID)
				}
				if cursor = page.NextCursor; cursor == "" {
					break
				}
			}
			if diff := cmp.Diff(want, paged); diff != "" {
				t.Errorf("%q in pages of 10 (-want +got):\n%s", query, diff)
			}
		}
	})
}

// TestDefect09DownloadsResumeAndAreCached asks for parts and for nothing new.
//
// The original knew no Range, HEAD, ETag, Content-Length or Last-Modified.
func TestDefect09DownloadsResumeAndAreCached(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	content := []byte(strings.Repeat("0123456789", 1000))
	file := s.Upload(t, "range.txt", content)
	path := server.Files + "/" + file.ID + "/download"
	whole := s.Download(t, file.ID)
	etag, modified := whole.Header.Get("ETag"), whole.Header.Get("Last-Modified")
	if etag != `"`+server.Digest(content)+`"` || modified == "" || whole.Header.Get("Accept-Ranges") != "bytes" || whole.Header.Get("Content-Length") != "10000" {
		t.Errorf("headers: got ETag %s, Last-Modified %q, Accept-Ranges %q, Content-Length %q", etag, modified, whole.Header.Get("Accept-Ranges"), whole.Header.Get("Content-Length"))
	}
	for _, c := range []struct {
		method string
		header http.Header
		status int
		body   string
		length string
		span   string
	}{
		{"HEAD", nil, 200, "", "10000", ""},
		{"GET", http.Header{"Range": {"bytes=5-9"}}, 206, "56789", "5", "bytes 5-9/10000"},
		{"GET", http.Header{"Range": {"bytes=-3"}}, 206, "789", "3", "bytes 9997-9999/10000"},
		{"GET", http.Header{"Range": {"bytes=9998-"}}, 206, "89", "2", "bytes 9998-9999/10000"},
		{"GET", http.Header{"Range": {"bytes=9999-10000000"}}, 206, "9", "1", "bytes 9999-9999/10000"},
		{"GET", http.Header{"Range": {"bytes=10000-"}}, 416, "*", "", "bytes */10000"},
		{"GET", http.Header{"Range": {"bytes=5-9"}, "If-Range": {etag}}, 206, "56789", "5", "bytes 5-9/10000"},
		{"GET", http.Header{"Range": {"bytes=5-9"}, "If-Range": {`"other"`}}, 200, string(content), "10000", ""},
		{"GET", http.Header{"Range": {"bytes=5-9"}, "If-Range": {modified}}, 206, "56789", "5", "bytes 5-9/10000"},
		{"GET", http.Header{"If-None-Match": {etag}}, 304, "", "", ""},
		{"GET", http.Header{"If-Modified-Since": {modified}}, 304, "", "", ""},
		{"GET", http.Header{"If-None-Match": {`"other"`}}, 200, string(content), "10000", ""},
		{"HEAD", http.Header{"If-None-Match": {etag}}, 304, "", "", ""},
	} {
		got := s.Do(t, c.method, path, c.header, nil)
		if got.Status != c.status || c.body != "*" && string(got.Body) != c.body || c.length != "" && got.Header.Get("Content-Length") != c.length || got.Header.Get("Content-Range") != c.span {
			t.Errorf("%s %v: got %d, %d bytes, Content-Length %q, Content-Range %q; want %d, %d bytes, %q, %q", c.method, c.header,
				got.Status, len(got.Body), got.Header.Get("Content-Length"), got.Header.Get("Content-Range"), c.status, len(c.body), c.length, c.span)
		}
	}
}

// TestDefect13MigrationsApplyThemselves starts on an empty database.
//
// Nothing applied the original's migrations: its first start answered 500 to everything.
func TestDefect13MigrationsApplyThemselves(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.New(t, server.Options{Env: env})
		s.Setenv("AUTO_MIGRATE", "false")
		s.Launch()
		if code := s.WaitExit(30 * time.Second); code <= 0 || !strings.Contains(s.Log(), "migrate up") {
			t.Errorf("AUTO_MIGRATE=false on an empty database: got exit code %d, want a refusal that names `migrate up`", code)
		}
		if out, errOut, code := s.CLI("migrate", "up"); code != 0 {
			t.Fatalf("migrate up: code %d, %s%s", code, out, errOut)
		}
		if out, errOut, code := s.CLI("migrate", "status"); code != 0 || strings.Contains(out, "pending") || !strings.Contains(out, "files") {
			t.Errorf("migrate status: code %d, %s%s", code, out, errOut)
		}
		s.Start()
		s.Upload(t, "a.txt", []byte("a"))
		s.Stop()
	})
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		s := server.Start(t, server.Options{Env: env})
		if list := s.ListFiles(t, ""); list.Total != 0 {
			t.Errorf("a new server: got %d files, want none", list.Total)
		}
		content := []byte("kept over a restart")
		file := s.Upload(t, "a.txt", content, "kept")
		s.Stop()
		s.Start()
		if got := s.Download(t, file.ID).Body; !bytes.Equal(got, content) {
			t.Errorf("after a restart: got %q, want %q", got, content)
		}
	})
}

// TestDefect15VanishedDriveIsNoticed takes the storage directory away.
//
// The original made an empty directory on the system disk in the place of an unplugged drive
// and went on.
func TestDefect15VanishedDriveIsNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	drive, unplugged := filepath.Join(dir, "drive"), filepath.Join(dir, "unplugged")
	mustMkdir(t, drive)
	storage := filepath.Join(drive, "storage")
	s := server.Start(t, server.Options{Env: map[string]string{"STORAGE_PATH": storage}})
	content := []byte("on the drive")
	file := s.Upload(t, "drive.txt", content)
	s.Stop()

	mustRename(t, drive, unplugged)
	refuses := func(what string) {
		t.Helper()
		s.Launch()
		if code := s.WaitExit(30 * time.Second); code <= 0 || !strings.Contains(s.Log(), storage) {
			t.Errorf("%s: got exit code %d, want a refusal that names %s; log:\n%s", what, code, storage, s.Log())
		}
	}
	refuses("without the drive")
	if exists(drive) {
		t.Error("the server made a directory in the place of the drive")
	}
	mustMkdir(t, drive)
	refuses("with an empty mount point")
	mustMkdir(t, storage)
	refuses("with an empty directory in the place of the storage")
	if got := contents(t, drive); len(got) > 0 {
		t.Errorf("the server wrote %v in the place of the drive", got)
	}
	mustRemoveAll(t, drive)
	mustRename(t, unplugged, drive)
	s.Start()
	if got := s.Download(t, file.ID).Body; !bytes.Equal(got, content) {
		t.Errorf("with the drive back: got %q, want %q", got, content)
	}
}
