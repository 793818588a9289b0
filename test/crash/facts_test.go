package crash

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"homeserver/test/server"
)

// state is what a file may be.
type state struct {
	digest  string
	folder  string
	trashed bool
	gone    bool // for good
}

// fact is what the clients know of a file: what it is, and after an operation that was not
// answered what else it may be.
type fact struct {
	id       string
	may      []state
	busy     bool     // somebody works on it, or did so when the server died
	old      []string // digests of the versions it must have
	looked   int      // how many of them were looked at
	partners []*fact  // files of one folder that go to the trash and come back with it
}

// promise notes a file that was answered for. If it is kept, nobody else works on it.
func (h *household) promise(id string, now state, kept bool) *fact {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := &fact{id: id, may: []state{now}, busy: kept}
	h.facts[id] = f
	h.acked["upload"]++
	return f
}

// take finds a file that nobody works on and that is as wanted; nil when there is none.
func (h *household) take(wanted func(f *fact, now state) bool) *fact {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.facts { // in the random order of maps
		if !f.busy && len(f.may) == 1 && len(f.partners) == 0 && wanted(f, f.may[0]) {
			f.busy = true
			return f
		}
	}
	return nil
}

// attempt does something to files that were taken. Until it is answered they may be what they
// were and what they become; only an answer settles that. It reports whether the server is still
// there.
func (h *household) attempt(what string, become func(state) state, do func() (server.Answer, error), files ...*fact) bool {
	h.mu.Lock()
	for _, f := range files {
		f.may = []state{f.may[0], become(f.may[0])}
	}
	h.mu.Unlock()
	answer, err := do()
	if err != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if answer.Status != 200 {
		h.t.Errorf("%s of %s: got %d %s", what, files[0].id, answer.Status, answer.Body)
		return false
	}
	h.acked[what]++
	for _, f := range files {
		f.may, f.busy = f.may[1:], f.may[1].gone
	}
	return true
}

// listed is a file as the list shows it.
type listed struct {
	server.File
	FolderID string `json:"folder_id"`
}

// look compares what there is with what was promised, and reads what it has not read before.
// What was in doubt is known afterwards.
func (h *household) look() {
	h.t.Helper()
	live := h.live()
	trashed := h.inTrash()
	for _, f := range h.facts {
		file, is := live[f.id]
		now := state{trashed: trashed[f.id]}
		if is {
			now.digest, now.folder = *file.SHA256, file.FolderID
		}
		i := slices.IndexFunc(f.may, func(s state) bool {
			switch kept := trashed[f.id] || trashed[s.folder]; {
			case s.gone:
				return !is && !kept
			case s.trashed:
				return !is && kept
			}
			return s == now
		})
		if i < 0 {
			h.t.Errorf("file %s: got %+v, want one of %+v", f.id, now, f.may)
			continue
		}
		f.may, f.busy = []state{f.may[i]}, f.may[i].gone
		for _, other := range f.partners {
			if _, too := live[other.id]; too != is {
				h.t.Errorf("of one folder that was deleted %s is there (%v) and %s (%v)", f.id, is, other.id, too)
			}
		}
		h.versions(f)
	}
}

// live is what is listed, every file of it whole and every number right.
func (h *household) live() map[string]listed {
	h.t.Helper()
	var list struct {
		Files []listed
		Total int
	}
	h.Get(h.t, server.Files+"/list").Expect(h.t, 200).Decode(h.t, &list)
	if list.Total != len(list.Files) {
		h.t.Errorf("list: got total %d and %d files", list.Total, len(list.Files))
	}
	live := map[string]listed{}
	var bytes int64
	for _, file := range list.Files {
		live[file.ID] = file
		bytes += file.Size
		if h.gone[file.ID] {
			h.t.Errorf("file %s is listed although it was deleted for good", file.ID)
		}
		if file.SHA256 == nil || h.seen[file.ID] != *file.SHA256 {
			h.verify(file)
		}
	}
	var usage struct {
		Files int   `json:"total_files"`
		Bytes int64 `json:"total_size_bytes"`
	}
	h.Get(h.t, "/api/v1/monitoring/storage").Decode(h.t, &usage)
	var tree struct {
		Files int
		Bytes int64
	}
	h.Get(h.t, "/api/v1/folders/household").Expect(h.t, 200).Decode(h.t, &tree)
	if want := fmt.Sprint(len(list.Files), bytes); fmt.Sprint(usage.Files, usage.Bytes) != want || fmt.Sprint(tree.Files, tree.Bytes) != want {
		h.t.Errorf("got %+v in use and %+v in the tree, want %s", usage, tree, want)
	}
	return live
}

// inTrash is the ids of files and folders in the trash.
func (h *household) inTrash() map[string]bool {
	h.t.Helper()
	trashed := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				ItemID string `json:"item_id"`
			}
			NextCursor string `json:"next_cursor"`
		}
		h.Get(h.t, "/api/v1/trash?limit=1000&cursor="+cursor).Expect(h.t, 200).Decode(h.t, &page)
		for _, item := range page.Items {
			trashed[item.ItemID] = true
		}
		if cursor = page.NextCursor; cursor == "" {
			return trashed
		}
	}
}

// forgetTrash notes that what is in the trash is deleted for good.
func (h *household) forgetTrash() {
	for id, f := range h.facts {
		if f.may[0].trashed {
			delete(h.facts, id)
			h.gone[id] = true
		}
	}
}

// verify downloads a listed file: it must be whole, acknowledged or not.
func (h *household) verify(file listed) {
	h.t.Helper()
	answer := h.Get(h.t, server.Files+"/"+file.ID+"/download")
	digest := server.Digest(answer.Body)
	if answer.Status != 200 || int64(len(answer.Body)) != file.Size || file.SHA256 == nil || *file.SHA256 != digest {
		h.t.Errorf("file %s is listed with %d bytes: got %d, %d bytes with digest %s", file.ID, file.Size, answer.Status, len(answer.Body), digest)
	}
	h.seen[file.ID] = digest
}

// versions looks for what a file was before its content was replaced.
func (h *household) versions(f *fact) {
	h.t.Helper()
	if f.may[0].trashed || f.may[0].gone || f.looked == len(f.old) {
		return
	}
	found := h.versionsOf(f.id)
	for _, digest := range f.old {
		if found[digest] == "" {
			h.t.Errorf("file %s: its version %s is gone", f.id, digest)
		}
	}
	digest := f.old[rand.IntN(len(f.old))]
	content := h.Get(h.t, server.Files+"/"+f.id+"/versions/"+found[digest]+"/download").Expect(h.t, 200).Body
	if server.Digest(content) != digest {
		h.t.Errorf("file %s: its version %s has other content, of %d bytes", f.id, digest, len(content))
	}
	f.looked = len(f.old)
}

// versionsOf is the ids of a file's versions by their digests.
func (h *household) versionsOf(id string) map[string]string {
	h.t.Helper()
	var list struct {
		Versions []struct{ ID, SHA256 string }
	}
	h.Get(h.t, server.Files+"/"+id+"/versions").Expect(h.t, 200).Decode(h.t, &list)
	found := map[string]string{}
	for _, v := range list.Versions {
		found[v.SHA256] = v.ID
	}
	return found
}

// feed reads every change there was: each file that was promised was created once, and no file
// is listed that was not.
func (h *household) feed() {
	h.t.Helper()
	created := map[string]int{}
	for cursor, more := "0", true; more; {
		var page struct {
			Changes []struct{ Cursor, Type, Kind, ID string }
			Cursor  string
			More    bool
		}
		h.Get(h.t, server.Files+"/changes?limit=1000&since="+cursor).Expect(h.t, 200).Decode(h.t, &page)
		for _, change := range page.Changes {
			if change.Type == "created" && change.Kind == "file" {
				created[change.ID]++
			}
		}
		cursor, more = page.Cursor, page.More
	}
	for _, file := range h.ListFiles(h.t, "").Files {
		if created[file.ID] != 1 {
			h.t.Errorf("file %s was created %d times by the feed", file.ID, created[file.ID])
		}
	}
	for id := range h.facts {
		if created[id] != 1 {
			h.t.Errorf("file %s was promised, and created %d times by the feed", id, created[id])
		}
	}
}

// backedUp makes a backup, whatever deaths left in its directory, and nothing was found damaged.
func (h *household) backedUp() {
	h.t.Helper()
	server.Eventually(h.t, patience, "a backup", func() error { // one that a client asked for may be under way
		if out, errOut, code := h.CLI("backup", h.backups); code != 0 {
			return fmt.Errorf("got %d %s%s", code, out, errOut)
		}
		return nil
	})
	var care struct {
		DamagedNow int `json:"damaged_now"`
	}
	h.Get(h.t, server.Files+"/integrity").Expect(h.t, 200).Decode(h.t, &care)
	if care.DamagedNow != 0 {
		h.t.Errorf("%d contents were found damaged", care.DamagedNow)
	}
}
