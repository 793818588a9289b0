package hostile

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"strings"
	"testing"

	"homeserver/test/server"
)

// checkArchive downloads all files as one zip and expects names that stay inside the folder
// they are unpacked in, each once.
func checkArchive(t *testing.T, s *server.Server, ids []string) {
	t.Helper()
	answer := s.JSON(t, "POST", server.Files+"/archive", map[string]any{"ids": ids}).Expect(t, 200)
	archive, err := zip.NewReader(bytes.NewReader(answer.Body), int64(len(answer.Body)))
	if err != nil {
		t.Fatalf("archive of %d bytes: %v", len(answer.Body), err)
	}
	if len(archive.File) != len(ids) {
		t.Errorf("archive: got %d files, want %d", len(archive.File), len(ids))
	}
	seen := map[string]bool{}
	for _, file := range archive.File {
		clean := path.Clean(file.Name)
		if file.Name == "" || strings.ContainsAny(file.Name, "/\\\x00") || clean == "." || clean == ".." || seen[strings.ToLower(file.Name)] {
			t.Errorf("archive: got the name %q, want plain ones, each once", file.Name)
		}
		seen[strings.ToLower(file.Name)] = true
		content, err := file.Open()
		if err != nil {
			t.Errorf("archive: %q: %v", file.Name, err)
			continue
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			t.Errorf("archive: %q: %v", file.Name, err)
		}
		content.Close()
	}
}
