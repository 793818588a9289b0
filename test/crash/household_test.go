package crash

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"homeserver/test/server"
)

// household is a server and what its clients were promised.
type household struct {
	*server.Server
	t testing.TB

	mu      sync.Mutex
	facts   map[string]*fact  // by the file's id
	gone    map[string]bool   // ids of files that were deleted for good
	folders []string          // where files are put
	pending []*begun          // resumable uploads that a death interrupted
	seen    map[string]string // the digests of files whose content was looked at
	acked   map[string]int    // how many operations of each kind were answered
	backups string            // the directory of backups
	counter uint64
}

// orphans is how many contents nothing refers to, whether the collector has seen them or not.
func (h *household) orphans() int {
	h.t.Helper()
	r := h.report()
	return len(r.Orphaned) + r.Waiting
}

// check runs `homeserver check`, which must find nothing but perhaps orphans.
func (h *household) check(clean bool) {
	h.t.Helper()
	r := h.report()
	if len(r.Missing)+len(r.WrongSize)+len(r.WrongContent) > 0 || clean && len(r.Orphaned)+r.Waiting > 0 {
		h.t.Errorf("check: got %+v, want nothing missing or wrong", r)
	}
}

// problem is one entry of a report.
type problem struct {
	ID, Path, SHA256 string
}

// report is what `homeserver check --json` prints.
type report struct {
	Missing      []problem
	WrongSize    []problem `json:"wrong_size"`
	WrongContent []problem `json:"wrong_content"`
	Orphaned     []problem
	Waiting      int `json:"waiting_for_collection"`
}

func (h *household) report() report {
	h.t.Helper()
	out, errOut, code := h.CLI("check", "--json")
	var r report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		h.t.Fatalf("check --json: code %d, %v: %s%s", code, err, out, errOut)
	}
	return r
}

// ageIncoming makes unfinished uploads look a day and more old, and counts them.
func (h *household) ageIncoming() int {
	h.t.Helper()
	paths, err := filepath.Glob(filepath.Join(h.StoragePath(), "incoming", "*"))
	if err != nil {
		h.t.Fatal(err)
	}
	past := time.Now().Add(-25 * time.Hour)
	for _, path := range paths {
		if err := os.Chtimes(path, past, past); err != nil {
			h.t.Fatal(err)
		}
	}
	return len(paths)
}
