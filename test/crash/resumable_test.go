package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"homeserver/test/server"
)

// resumablePoints are the steps of a resumable upload at which the server dies, and up to which
// time they are passed it lets through.
func resumablePoints() map[string]int {
	return map[string]int{
		"after-append": 4, "mid-append": 4, "before-append-sync": 3, "after-append-sync": 3, "after-offset": 3,
		"mid-write": 4, "before-fsync": 1, "after-fsync": 1, "after-rename": 1, "after-dirsync": 1, "after-blob-row": 1, "before-commit": 1, "after-commit": 1,
	}
}

// TestResumable kills the server at every step of resumable uploads. Each goes on at least where
// it was acknowledged to be, and becomes one file, with its bytes.
func TestResumable(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			h := newHousehold(t, database)
			contents := map[string]string{}
			for point, most := range resumablePoints() {
				contents[point] = server.Digest(h.resumable(point, fmt.Sprintf("%s:%d", point, 1+rand.IntN(most))))
			}
			h.Setenv("HOMESERVER_FAILPOINT", "")
			h.Start()
			found := map[string]bool{}
			for _, file := range h.ListFiles(t, "").Files {
				if found[file.Filename] || file.SHA256 == nil || *file.SHA256 != contents[file.Filename] || server.Digest(h.Download(t, file.ID).Body) != contents[file.Filename] {
					t.Errorf("got %+v, want %q once with digest %s", file, file.Filename, contents[file.Filename])
				}
				found[file.Filename] = true
			}
			if len(found) != len(contents) {
				t.Errorf("got %d files, want %d", len(found), len(contents))
			}
			h.Stop()
			h.check(false)
		})
	}
}

// resumable sends an upload, in pieces, by which the server dies at point, and goes on with it
// after a new start.
func (h *household) resumable(name, point string) []byte {
	h.t.Helper()
	content := make([]byte, 400_000)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	h.Setenv("HOMESERVER_FAILPOINT", point)
	h.Launch()
	h.WaitListening(patience)
	u := h.NewResumable(h.t, content, http.Header{"Upload-Metadata": {server.Metadata("filename", name)}})
	u.Piece = func(_, left int) (int, http.Header) { return min(left, 90_000), http.Header{} }
	for {
		_, err := u.Step()
		if err == nil && u.FileID == "" {
			continue
		}
		if err != nil && strings.Contains(err.Error(), "status") {
			h.t.Errorf("%s at %s: %v", name, point, err)
		}
		break
	}
	if h.WaitExit(patience) != -1 {
		h.t.Fatalf("the server did not come to failpoint %s", point)
	}
	h.CloseIdle()
	h.check(false)
	h.Setenv("HOMESERVER_FAILPOINT", "")
	h.Start()
	u.Finish(h.t)
	if u.FileID == "" {
		h.t.Errorf("%s was acknowledged whole and is no file", name)
	}
	h.Stop()
	return content
}
