package contract

import (
	"encoding/json"
	"mime"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"homeserver/test/server"
)

func testList(t *testing.T, s target) {
	tag := unique("list")
	if diff := cmp.Diff(map[string]any{"files": []any{}, "total": 0.0}, s.Get(t, server.Files+"/list?tag="+tag).Expect(t, 200).Object(t)); diff != "" {
		t.Errorf("a list without a match (-want +got):\n%s", diff)
	}
	var want []string
	for _, name := range []string{"first.txt", "second.txt", "third.txt"} {
		file := s.uploaded(t, text(name, name), server.Field("tags", tag))
		want = append([]string{file.ID}, want...) // newest first
	}
	list := s.ListFiles(t, "tag="+tag)
	var got []string
	for _, file := range list.Files {
		got = append(got, file.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" || list.Total != 3 {
		t.Errorf("total %d, want 3; ids newest first (-want +got):\n%s", list.Total, diff)
	}

	everything := s.ListFiles(t, "")
	if len(everything.Files) != everything.Total {
		t.Errorf("without limit: got %d files and total %d, want all of them", len(everything.Files), everything.Total)
	}
	found := 0
	for _, file := range everything.Files {
		for _, id := range want {
			if file.ID == id {
				found++
			}
		}
	}
	if found != len(want) {
		t.Errorf("without a filter: got %d of the %d files", found, len(want))
	}

	page := s.ListFiles(t, "limit=2&tag="+tag)
	if len(page.Files) != 2 || page.Total != 3 || page.NextCursor == "" {
		t.Fatalf("limit=2: got %d files, total %d, cursor %q; want 2, 3 and a cursor", len(page.Files), page.Total, page.NextCursor)
	}
	rest := s.ListFiles(t, "limit=2&tag="+tag+"&cursor="+url.QueryEscape(page.NextCursor))
	if len(rest.Files) != 1 || rest.Total != 3 || rest.NextCursor != "" || rest.Files[0].ID != want[2] {
		t.Errorf("second page: got %+v, want the oldest file alone, total 3, no cursor", rest)
	}
	for _, query := range []string{"sort=color", "order=up", "limit=0", "limit=-1", "limit=1001", "limit=x", "cursor=x&limit=2"} {
		isSentence(t, s.Get(t, server.Files+"/list?"+query).Expect(t, 422))
	}
}

func testFilter(t *testing.T, s target) {
	word := unique("photo")
	exact := s.uploaded(t, text("1", "1"), server.Field("tags", word+","+word+" and more"))
	others := []string{strings.ToUpper(word), word + "s", "my" + word, "é" + word}
	s.uploaded(t, text("2", "2"), server.Field("tags", strings.Join(others, ",")))
	for tag, want := range map[string]int{
		word: 1, word + " and more": 1, strings.ToUpper(word): 1, "é" + word: 1,
		" " + word: 0, word + " ": 0, word + ",": 0, word[:8]: 0, "%" + word: 0, "_" + word[1:]: 0, word + "%": 0,
		word + "' OR '1'='1": 0, word + "\x00": 0, "e\u0301" + word: 0, "*": 0, word + "\\": 0,
	} {
		list := s.ListFiles(t, "tag="+url.QueryEscape(tag))
		if list.Total != want || len(list.Files) != want {
			t.Errorf("tag %q: got %d files, total %d, want %d", tag, len(list.Files), list.Total, want)
		}
	}
	if list := s.ListFiles(t, "tag="+word); len(list.Files) == 1 && list.Files[0].ID != exact.ID {
		t.Errorf("tag %s: got %s, want %s", word, list.Files[0].ID, exact.ID)
	}
	all, none := s.ListFiles(t, "tag=&limit=1"), s.ListFiles(t, "limit=1")
	if all.Total < 2 || none.Total < 2 {
		t.Errorf("an empty tag: got total %d, without %d, want no filter", all.Total, none.Total)
	}
}

func testMetadata(t *testing.T, s target) {
	before := time.Now().Add(-2 * time.Minute) // clocks of two machines may differ
	file := s.uploaded(t, server.FilePart("meta.txt", "text/x-test; charset=utf-8", []byte("12345")), server.Field("tags", "b,a"))
	answer := s.Get(t, server.Files+"/"+file.ID+"/metadata").Expect(t, 200)
	got := answer.Object(t)
	fields(t, got, map[string]string{"id": "string", "filename": "string", "content_type": "string", "size": "number", "upload_date": "string", "tags": "array"})
	date, _ := got["upload_date"].(string)
	uploaded, err := time.Parse(time.RFC3339Nano, date)
	if _, offset := uploaded.Zone(); err != nil || offset != 0 || uploaded.Before(before) || uploaded.After(time.Now().Add(2*time.Minute)) {
		t.Errorf("upload_date: got %q (%v), want now in UTC, RFC 3339", date, err)
	}
	want := map[string]any{"id": file.ID, "filename": "meta.txt", "content_type": "text/x-test; charset=utf-8", "size": 5.0, "upload_date": date, "tags": []any{"b", "a"}}
	for name := range got {
		if _, fixed := want[name]; !fixed {
			delete(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	var whole map[string]any
	if err := json.Unmarshal(answer.Body, &whole); err != nil {
		t.Fatal(err)
	}
	tag := unique("row")
	other := s.uploaded(t, text("row.txt", "x"), server.Field("tags", tag))
	var list struct{ Files []map[string]any }
	s.Get(t, server.Files+"/list?tag="+tag).Expect(t, 200).Decode(t, &list)
	if len(list.Files) != 1 {
		t.Fatalf("got %d files of the tag, want 1", len(list.Files))
	}
	if diff := cmp.Diff(s.Get(t, server.Files+"/"+other.ID+"/metadata").Object(t), list.Files[0]); diff != "" {
		t.Errorf("a row of the list differs from the metadata (-metadata +row):\n%s", diff)
	}
}

func testDownload(t *testing.T, s target) {
	for contentType, want := range map[string]string{
		"text/plain":                   "text/plain; charset=utf-8",
		"text/plain; charset=latin1":   "text/plain; charset=latin1",
		"text/html":                    "text/html; charset=utf-8",
		"image/png":                    "image/png",
		"application/json":             "application/json",
		"application/octet-stream":     "application/octet-stream",
		"application/vnd.x-test+thing": "application/vnd.x-test+thing",
	} {
		content := []byte("content of " + contentType)
		file := s.uploaded(t, server.FilePart("naïve \"file\".txt", contentType, content))
		answer := s.Download(t, file.ID)
		if got := answer.Header.Get("Content-Type"); got != want {
			t.Errorf("uploaded as %q: got Content-Type %q, want %q", contentType, got, want)
		}
		if diff := cmp.Diff(string(content), string(answer.Body)); diff != "" {
			t.Errorf("content (-want +got):\n%s", diff)
		}
		kind, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
		if err != nil || kind != "attachment" || parameters["filename"] != "naïve \"file\".txt" {
			t.Errorf("Content-Disposition: got %q (%v), want an attachment with the name", answer.Header.Get("Content-Disposition"), err)
		}
	}
}

func testDelete(t *testing.T, s target) {
	tag := unique("delete")
	file := s.uploaded(t, text("gone.txt", tag), server.Field("tags", tag))
	path := server.Files + "/" + file.ID
	got := s.Do(t, "DELETE", path, nil, nil).Expect(t, 200).Object(t)
	if got["id"] != file.ID || got["message"] != "File deleted successfully" {
		t.Errorf("answer: got %v", got)
	}
	for _, request := range []string{"GET " + path + "/metadata", "GET " + path + "/download", "DELETE " + path} {
		method, path, _ := strings.Cut(request, " ")
		answer := s.Do(t, method, path, nil, nil)
		if answer.Status != 404 || answer.Detail() != "File not found" {
			t.Errorf(`%s after deletion: got %d %q, want 404 "File not found"`, request, answer.Status, answer.Detail())
		}
	}
	if list := s.ListFiles(t, "tag="+tag); list.Total != 0 {
		t.Errorf("the deleted file is still listed")
	}
}

func testHostileIDs(t *testing.T, s target) {
	for _, id := range []string{
		"00000000-0000-4000-8000-000000000000", "not-a-uuid", "%00", "..%2f", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fx", "x%0d%0ay",
		strings.Repeat("a", 10_000), "'%20OR%20'1'='1", "%ff%fe", "*", "%25", "null", "-1", "a%5cb", "%F0%9F%98%80", "00000000-0000-4000-8000-000000000000%00",
		"00000000-0000-4000-8000-00000000000g", "{00000000-0000-4000-8000-000000000000}", "urn:uuid:00000000-0000-4000-8000-000000000000",
	} {
		for _, request := range []string{"GET /metadata", "GET /download", "DELETE "} {
			method, tail, _ := strings.Cut(request, " ")
			answer := s.Do(t, method, server.Files+"/"+id+tail, nil, nil)
			if answer.Status != 404 || answer.Detail() != "File not found" {
				t.Errorf(`%s of id %.60q: got %d %q, want 404 "File not found"`, request, id, answer.Status, answer.Detail())
			}
		}
	}
}
