package crash

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
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

	mu           sync.Mutex
	acknowledged map[string]string // id -> digest of uploads that were answered 200
	deleted      map[string]string // the same of deletions
	doubtful     map[string]string // deletions that were not answered
	verified     map[string]bool   // ids whose content was looked at
	counter      uint64
}

// load has clients upload and delete, and one of them send batches, until the server is gone. The returned function waits
// for the last of them.
func (h *household) load(clients int) (wait func()) {
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for {
				send := h.upload
				if client == 1 {
					send = h.batch
				}
				if !send() {
					return
				}
				if client == 0 && rand.IntN(4) == 0 && !h.deleteOne() {
					return
				}
			}
		})
	}
	return all.Wait
}

// content makes small files mostly, sometimes 1 MiB, sometimes one that others upload too.
func (h *household) content() []byte {
	h.mu.Lock()
	h.counter++
	n := h.counter
	h.mu.Unlock()
	size := 1 + rand.IntN(4096)
	switch rand.IntN(20) {
	case 0:
		size = 1 << 20
	case 1, 2:
		return bytes.Repeat([]byte("often "), 100*rand.IntN(5))
	}
	content := make([]byte, 16+size)
	binary.LittleEndian.PutUint64(content, n)
	binary.LittleEndian.PutUint64(content[8:], rand.Uint64())
	return content
}

// upload uploads one file and reports whether the server is still there.
func (h *household) upload() bool {
	content := h.content()
	file, err := h.TryUpload("crash.bin", content, "crash")
	var refused *server.Refused
	if errors.As(err, &refused) {
		h.t.Errorf("upload: %v", err)
		return false
	}
	if err != nil {
		return false
	}
	h.mu.Lock()
	h.acknowledged[file.ID] = server.Digest(content)
	h.mu.Unlock()
	return true
}

// batch uploads up to a hundred files in one request and reports whether the server is still
// there. A file is promised when its line has come, whatever becomes of the rest.
func (h *household) batch() bool {
	parts := []server.Part{server.Field("on_conflict", "keep")}
	var digests []string
	for range 1 + rand.IntN(100) {
		content := h.content()
		parts = append(parts, server.FilePart("batch.bin", "application/octet-stream", content))
		digests = append(digests, server.Digest(content))
	}
	request, err := h.Request("POST", server.Files+"/batch", http.Header{"Content-Type": {server.ContentType}}, bytes.NewReader(server.Multipart(parts...)))
	if err != nil {
		h.t.Error(err)
		return false
	}
	answer, err := h.HTTP.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	for lines := json.NewDecoder(answer.Body); ; {
		var line struct {
			Index  int
			Status int
			File   *server.File
			Stored *int
			Detail string
		}
		switch err := lines.Decode(&line); {
		case err != nil:
			return false
		case line.Stored != nil:
			return true
		case line.File == nil || line.File.SHA256 == nil || *line.File.SHA256 != digests[line.Index]:
			h.t.Errorf("batch: got %d %s %+v", line.Status, line.Detail, line.File)
			return false
		}
		h.mu.Lock()
		h.acknowledged[line.File.ID] = digests[line.Index]
		h.mu.Unlock()
	}
}

// deleteOne deletes some acknowledged file.
func (h *household) deleteOne() bool {
	h.mu.Lock()
	var id, digest string
	for id, digest = range h.acknowledged {
		break
	}
	if id == "" {
		h.mu.Unlock()
		return true
	}
	delete(h.acknowledged, id)
	h.doubtful[id] = digest
	h.mu.Unlock()
	answer, err := h.Try("DELETE", server.Files+"/"+id, nil, nil)
	if err != nil {
		return false
	}
	if answer.Status != 200 {
		h.t.Errorf("deletion: got %d %s", answer.Status, answer.Body)
		return false
	}
	h.mu.Lock()
	delete(h.doubtful, id)
	h.deleted[id] = digest
	h.mu.Unlock()
	return true
}

// look compares what is listed with what was promised, and downloads what it has not seen.
func (h *household) look() {
	h.t.Helper()
	list := h.ListFiles(h.t, "")
	if list.Total != len(list.Files) {
		h.t.Errorf("list: got total %d and %d files", list.Total, len(list.Files))
	}
	listed := map[string]bool{}
	var bytes int64
	for _, file := range list.Files {
		listed[file.ID] = true
		bytes += file.Size
		if _, gone := h.deleted[file.ID]; gone {
			h.t.Errorf("file %s is listed although its deletion was acknowledged", file.ID)
		}
		if !h.verified[file.ID] {
			h.verify(file)
		}
	}
	for id := range h.acknowledged {
		if !listed[id] {
			h.t.Errorf("file %s was acknowledged and is not listed", id)
		}
	}
	var usage struct {
		Files int   `json:"total_files"`
		Bytes int64 `json:"total_size_bytes"`
	}
	h.Get(h.t, "/api/v1/monitoring/storage").Decode(h.t, &usage)
	if usage.Files != len(list.Files) || usage.Bytes != bytes {
		h.t.Errorf("usage: got %d files of %d bytes, want %d of %d", usage.Files, usage.Bytes, len(list.Files), bytes)
	}
}

// verify downloads a listed file: it must be whole, acknowledged or not.
func (h *household) verify(file server.File) {
	h.t.Helper()
	answer := h.Get(h.t, server.Files+"/"+file.ID+"/download")
	digest := server.Digest(answer.Body)
	if answer.Status != 200 || int64(len(answer.Body)) != file.Size || file.SHA256 == nil || *file.SHA256 != digest {
		h.t.Errorf("file %s is listed with %d bytes: got %d, %d bytes with digest %s", file.ID, file.Size, answer.Status, len(answer.Body), digest)
	}
	if want, ok := h.acknowledged[file.ID]; ok && want != digest {
		h.t.Errorf("file %s: got digest %s, want %s", file.ID, digest, want)
	}
	h.verified[file.ID] = true
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
