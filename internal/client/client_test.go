package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"": "/", "/": "/", ".": "/", "a": "/a", "/a//b/": "/a/b", "a/../b": "/b", "../..": "/", "household:": "household:/", "household:a/b": "household:/a/b",
		"mine:/a": "/a", "./a:b": "/a:b", "/a:b": "/a:b", ":a": "/:a", "0197c1f4-5d3e-7b6a-9f21-4c8d2e6a1b90:x": "0197c1f4-5d3e-7b6a-9f21-4c8d2e6a1b90:/x",
	} {
		p, err := ParsePlace(text)
		if err != nil || p.String() != want {
			t.Errorf("%q: got %s, %v; want %s", text, p, err, want)
		}
	}
	if _, err := ParsePlace("a\x00b"); err == nil {
		t.Error("a NUL character passed")
	}
}

// TestLocalPaths: nothing that a server says leaves the folder that was named.
func TestLocalPaths(t *testing.T) {
	for rel, ok := range map[string]bool{"a": true, "a/b c": true, "..": false, "../a": false, "a/../../b": false, "/etc/passwd": false, "": false, "a//b": false, ".": false, "a/.": false, "...": true} {
		if _, err := localPath(rel); (err == nil) != ok {
			t.Errorf("%q: got %v", rel, err)
		}
	}
}

func TestWalkFindsEmptyFolders(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"full/deep", "none/at/all"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "full/deep/file"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(root, "circle")); err != nil {
		t.Fatal(err)
	}
	files, empty, leftOut, err := walk(root, "base")
	if err != nil || len(files) != 1 || files[0].rel != "base/full/deep/file" || files[0].size != 1 || leftOut != 1 {
		t.Errorf("got %+v, %d left out, %v", files, leftOut, err)
	}
	if !slices.Equal(empty, []string{"base/none", "base/none/at", "base/none/at/all"}) {
		t.Errorf("got %q", empty)
	}
}

// TestTokenStaysWithItsServer: a redirect to another machine is not followed.
func TestTokenStaysWithItsServer(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/x", http.StatusTemporaryRedirect))
	defer server.Close()
	c, err := New(Config{URL: server.URL, Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	var problem *Problem
	if err := c.once(t.Context(), "GET", "/", nil, nil); !errors.As(err, &problem) || problem.Status != http.StatusTemporaryRedirect || asked {
		t.Errorf("got %v; the other was asked: %v", err, asked)
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		status  int
		body    string
		want    string
		passing bool
	}{
		{404, `{"detail":"Not here."}`, "Not here.", false},
		{502, `<html>`, "the server answered 502 Bad Gateway", true},
		{503, `{"detail":"Away."}`, "Away.", true},
		{423, `{}`, "the server answered 423 Locked", true},
		{409, `{"detail":"Sure?","confirm":"12","type":"urn:homeserver:confirm"}`, "Sure?", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		}))
		made, err := New(Config{URL: server.URL + "/"})
		if err != nil {
			t.Fatal(err)
		}
		err = made.once(t.Context(), "GET", "/x", nil, nil)
		if err == nil || err.Error() != c.want || passing(err) != c.passing || Missing(err) != (c.status == 404) {
			t.Errorf("%d: got %v, passing %v", c.status, err, passing(err))
		}
		server.Close()
	}
	for _, url := range []string{"", "home", "ftp://home", "https://", "://"} {
		if _, err := New(Config{URL: url}); err == nil {
			t.Errorf("%q passed for an address", url)
		}
	}
}
