package crash

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"homeserver/test/server"
)

// load has clients do everything that clients do until the server is gone. The returned function
// waits for the last of them.
func (h *household) load(clients int) (wait func()) {
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for h.something(client) {
			}
		})
	}
	return all.Wait
}

// something is what a client does next. Two send only uploads and batches, so that no
// failpoint is waited for in vain. It reports whether the server is still there.
func (h *household) something(client int) bool {
	switch client {
	case 0:
		return h.upload()
	case 1:
		return h.batch()
	case 2:
		return h.resumable1() && h.goOn()
	}
	if rand.IntN(40) == 0 {
		return h.scrub()
	}
	if client == 3 && rand.IntN(10) == 0 {
		return h.backUp()
	}
	work := []func() bool{h.upload, h.upload, h.replace, h.replace, h.move, h.deleteOne, h.restore, h.deleteForGood, h.forgetVersion, h.wholeFolder, h.newFolder}
	return work[rand.IntN(len(work))]()
}

// scrub has everything read and compared, by a job that dies with the server.
func (h *household) scrub() bool {
	answer, err := h.ask("POST", server.Files+"/integrity/scrub", map[string]any{})
	return h.began("scrub", answer, err)
}

// backUp has a backup made, by a job that dies with the server.
func (h *household) backUp() bool {
	answer, err := h.ask("PUT", server.Files+"/backups/schedule", map[string]any{"directory": h.backups, "every_hours": 0, "keep": 2})
	if err == nil && answer.Status != http.StatusOK {
		h.t.Errorf("the schedule of backups: got %d %s", answer.Status, answer.Body)
		return false
	}
	if err == nil {
		answer, err = h.ask("POST", server.Files+"/backups/run", map[string]any{})
	}
	return h.began("backup", answer, err)
}

// began reports whether a job began, or one was under way already.
func (h *household) began(what string, answer server.Answer, err error) bool {
	if err != nil {
		return false
	}
	if answer.Status >= 400 && answer.Status != http.StatusConflict {
		h.t.Errorf("%s: got %d %s", what, answer.Status, answer.Body)
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acked[what]++
	return true
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

// somewhere is a folder to put files into.
func (h *household) somewhere() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.folders) == 0 {
		return "household"
	}
	return h.folders[rand.IntN(len(h.folders))]
}

// ask sends JSON.
func (h *household) ask(method, path string, body any) (server.Answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return server.Answer{}, err
	}
	return h.Try(method, path, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(text))
}

// uploadTo uploads one file and returns what was promised of it; nil when the server is gone.
func (h *household) uploadTo(folder string, kept bool) *fact {
	content := h.content()
	answer, err := h.Post(server.FilePart("crash.bin", "application/octet-stream", content), server.Field("tags", "crash"), server.Field("folder", folder))
	if err != nil {
		return nil
	}
	var file listed
	if err := json.Unmarshal(answer.Body, &file); err != nil || answer.Status != 200 {
		h.t.Errorf("upload: got %d %s", answer.Status, answer.Body)
		return nil
	}
	return h.promise(file.ID, state{digest: server.Digest(content), folder: folder}, kept)
}

func (h *household) upload() bool { return h.uploadTo(h.somewhere(), false) != nil }

// batch uploads up to a hundred files in one request. A file is promised when its line has come,
// whatever becomes of the rest.
func (h *household) batch() bool {
	parts := []server.Part{server.Field("on_conflict", "keep"), server.Field("folder", h.somewhere())}
	var digests []string
	for n := range 1 + rand.IntN(100) {
		content, name := h.content(), "batch.bin"
		if n%10 == 0 {
			name = "below/" + strconv.Itoa(n) + "/" + name
		}
		parts = append(parts, server.FilePart(name, "application/octet-stream", content))
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
			File   *listed
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
		h.promise(line.File.ID, state{digest: digests[line.Index], folder: line.File.FolderID}, false)
	}
}

// begun is a resumable upload under way.
type begun struct {
	*server.Resumable
	folder string
}

// resumable1 begins a resumable upload and sends it in pieces.
func (h *household) resumable1() bool {
	content, folder := h.content(), h.somewhere()
	answer, err := h.TUS("POST", server.Uploads, http.Header{"Upload-Length": {strconv.Itoa(len(content))}, "Upload-Metadata": {server.Metadata("filename", "resumable.bin", "folder", folder, "on_conflict", "keep")}}, nil)
	if err != nil {
		return false
	}
	if answer.Status != http.StatusCreated {
		h.t.Errorf("a resumable upload: got %d %s", answer.Status, answer.Body)
		return false
	}
	u := &begun{&server.Resumable{Client: h.Client, Content: content, Location: answer.Header.Get("Location"), FileID: answer.Header.Get("Upload-File-Id")}, folder}
	u.Piece = func(_, left int) (int, http.Header) { return min(left, 1+len(content)/3), http.Header{} }
	return h.send(u)
}

// goOn goes on with an upload that a death interrupted.
func (h *household) goOn() bool {
	h.mu.Lock()
	if len(h.pending) == 0 {
		h.mu.Unlock()
		return true
	}
	u := h.pending[0]
	h.pending = h.pending[1:]
	h.mu.Unlock()
	return h.send(u)
}

// send sends what is left of an upload. If the server dies, it waits for another to go on with.
func (h *household) send(u *begun) bool {
	for u.FileID == "" {
		if _, err := u.Step(); err != nil {
			if strings.Contains(err.Error(), "status") || strings.Contains(err.Error(), "the server does not know") {
				h.t.Errorf("the resumable upload %s: %v", u.Location, err)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.pending = append(h.pending, u)
			return false
		}
	}
	h.promise(u.FileID, state{digest: server.Digest(u.Content), folder: u.folder}, false)
	return true
}

// replace gives a file new content. What it was is a version from then on.
func (h *household) replace() bool {
	f := h.take(func(_ *fact, now state) bool { return !now.trashed })
	if f == nil {
		return true
	}
	content := h.content()
	old, digest := f.may[0].digest, server.Digest(content)
	ok := h.attempt("replacement", func(s state) state { s.digest = digest; return s }, func() (server.Answer, error) {
		return h.Try("PUT", server.Files+"/"+f.id+"/content", http.Header{"Content-Type": {"application/octet-stream"}}, bytes.NewReader(content))
	}, f)
	if ok && old != digest {
		h.mu.Lock()
		defer h.mu.Unlock()
		f.old = append(f.old, old)
	}
	return ok
}

// forgetVersion deletes a version for good, so that the collector has something to do.
func (h *household) forgetVersion() bool {
	f := h.take(func(f *fact, now state) bool { return !now.trashed && len(f.old) > 0 })
	if f == nil {
		return true
	}
	h.mu.Lock()
	digest := f.old[0]
	f.old, f.looked = nil, 0 // of one content there may be several; the others are as good as this
	h.mu.Unlock()
	var list struct {
		Versions []struct{ ID, SHA256 string }
	}
	answer, err := h.Try("GET", server.Files+"/"+f.id+"/versions", nil, nil)
	if err != nil || json.Unmarshal(answer.Body, &list) != nil {
		return false
	}
	for _, v := range list.Versions {
		if v.SHA256 != digest {
			continue
		}
		return h.attempt("deletion of a version", func(s state) state { return s }, func() (server.Answer, error) {
			answer, err := h.Try("DELETE", server.Files+"/"+f.id+"/versions/"+v.ID, nil, nil)
			if answer.Status == http.StatusNoContent {
				answer.Status = http.StatusOK
			}
			return answer, err
		}, f)
	}
	h.t.Errorf("file %s: its version %s is gone", f.id, digest)
	return false
}

// move puts a file into another folder.
func (h *household) move() bool {
	f := h.take(func(_ *fact, now state) bool { return !now.trashed })
	if f == nil {
		return true
	}
	to := h.somewhere()
	return h.attempt("move", func(s state) state { s.folder = to; return s }, func() (server.Answer, error) {
		answer, err := h.ask("POST", server.Files+"/move", map[string]any{"files": []any{map[string]any{"id": f.id}}, "to": to, "on_conflict": "keep"})
		if err == nil && !bytes.Contains(answer.Body, []byte(`"failed":[]`)) {
			answer.Status = http.StatusInternalServerError
		}
		return answer, err
	}, f)
}

// deleteOne puts a file into the trash.
func (h *household) deleteOne() bool {
	f := h.take(func(_ *fact, now state) bool { return !now.trashed })
	if f == nil {
		return true
	}
	return h.attempt("deletion", func(s state) state { s.trashed = true; return s }, func() (server.Answer, error) {
		return h.Try("DELETE", server.Files+"/"+f.id, nil, nil)
	}, f)
}

// restore takes a file out of the trash.
func (h *household) restore() bool {
	f := h.take(func(_ *fact, now state) bool { return now.trashed })
	if f == nil {
		return true
	}
	return h.attempt("restoration", func(s state) state { s.trashed = false; return s }, func() (server.Answer, error) {
		return h.Try("POST", server.Files+"/"+f.id+"/restore", nil, nil)
	}, f)
}

// newFolder makes a folder that files go to from then on.
func (h *household) newFolder() bool {
	if h.mu.Lock(); len(h.folders) > 5 {
		h.mu.Unlock()
		return true
	}
	h.mu.Unlock()
	id, ok := h.makeFolder()
	if ok {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.folders = append(h.folders, id)
	}
	return ok
}

func (h *household) makeFolder() (id string, ok bool) {
	answer, err := h.ask("POST", "/api/v1/folders", map[string]any{"parent": "household", "name": fmt.Sprint("folder ", rand.Uint64())})
	if err != nil {
		return "", false
	}
	var made struct{ ID string }
	if err := json.Unmarshal(answer.Body, &made); err != nil || answer.Status != http.StatusCreated {
		h.t.Errorf("a new folder: got %d %s", answer.Status, answer.Body)
		return "", false
	}
	return made.ID, true
}

// wholeFolder makes a folder with two files and puts it into the trash and back. They go together.
func (h *household) wholeFolder() bool {
	id, ok := h.makeFolder()
	if !ok {
		return false
	}
	a, b := h.uploadTo(id, true), (*fact)(nil)
	if a != nil {
		b = h.uploadTo(id, true)
	}
	if b == nil {
		return false
	}
	h.mu.Lock()
	a.partners, b.partners = []*fact{b}, []*fact{a}
	h.mu.Unlock()
	return h.attempt("deletion of a folder", func(s state) state { s.trashed = true; return s }, func() (server.Answer, error) {
		return h.Try("DELETE", "/api/v1/folders/"+id, nil, nil)
	}, a, b) && (rand.IntN(2) == 0 || h.restoreFolder(id, a, b))
}

func (h *household) restoreFolder(id string, files ...*fact) bool {
	return h.fromTrash(id, func(item string) bool {
		return h.attempt("restoration of a folder", func(s state) state { s.trashed = false; return s }, func() (server.Answer, error) {
			return h.ask("POST", "/api/v1/trash/restore", map[string]any{"ids": []string{item}})
		}, files...)
	})
}

// deleteForGood takes a file out of the trash for ever.
func (h *household) deleteForGood() bool {
	f := h.take(func(_ *fact, now state) bool { return now.trashed })
	if f == nil {
		return true
	}
	return h.fromTrash(f.id, func(item string) bool {
		return h.attempt("deletion for good", func(s state) state { s.gone = true; return s }, func() (server.Answer, error) {
			return h.ask("POST", "/api/v1/trash/delete", map[string]any{"ids": []string{item}})
		}, f)
	})
}

// fromTrash does something to what is in the trash of a file or folder.
func (h *household) fromTrash(id string, do func(item string) bool) bool {
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				ID     string
				ItemID string `json:"item_id"`
			}
			NextCursor string `json:"next_cursor"`
		}
		answer, err := h.Try("GET", "/api/v1/trash?limit=1000&cursor="+cursor, nil, nil)
		if err != nil || json.Unmarshal(answer.Body, &page) != nil {
			return false
		}
		for _, item := range page.Items {
			if item.ItemID == id {
				return do(item.ID)
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			h.t.Errorf("%s is not in the trash", id)
			return false
		}
	}
}
