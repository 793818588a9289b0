package files

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

const (
	// treeSteps is how many things each client of TestTreeOfMany does.
	treeSteps = 80
	// treeSeed makes what they do the same every time, though not the order in which it happens.
	treeSeed = 4
)

// gardener is a client that does random things to trees, beside others.
type gardener struct {
	h      *house
	random *rand.Rand
	shared *plants
}

// plants are the ids that the gardeners know of.
type plants struct {
	mu             sync.Mutex
	files, folders []string
	refused, done  int
}

func (p *plants) add(list *[]string, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id != "" && !slices.Contains(*list, id) {
		*list = append(*list, id)
	}
}

func (g *gardener) pick(list *[]string) string {
	g.shared.mu.Lock()
	defer g.shared.mu.Unlock()
	return (*list)[g.random.IntN(len(*list))]
}

func (g *gardener) file() string   { return g.pick(&g.shared.files) }
func (g *gardener) folder() string { return g.pick(&g.shared.folders) }

// name is one of few, so that they meet.
func (g *gardener) name() string {
	return []string{"a", "A", "b", "caf\u00e9", "cafe\u0301", "c.txt", "c (2).txt"}[g.random.IntN(7)]
}

func (g *gardener) onConflict() string {
	return []string{"keep", "rename", "replace", "fail"}[g.random.IntN(4)]
}

// step does one random thing.
func (g *gardener) step() {
	switch g.random.IntN(14) {
	case 0, 1:
		var d FolderBody
		g.did(g.h.ask("POST", folderPrefix, fmt.Sprintf(`{"parent":%q,"name":%q,"on_conflict":%q}`, g.folder(), g.name(), g.onConflict())), &d)
		g.shared.add(&g.shared.folders, d.ID)
	case 2, 3:
		var f FileBody
		g.did(g.h.upload(g.name(), fmt.Sprint("content ", g.random.IntN(20)), "folder", g.folder(), "on_conflict", g.onConflict(), "tags", g.name(), "shared", fmt.Sprint(g.random.IntN(2) == 0)), &f)
		g.shared.add(&g.shared.files, f.ID)
	case 4:
		g.did(g.h.ask("PATCH", folderPrefix+"/"+g.folder(), fmt.Sprintf(`{"name":%q,"on_conflict":%q}`, g.name(), g.onConflict())), nil)
	case 5:
		g.did(g.h.send("PATCH", "/"+g.file(), fmt.Sprintf(`{"filename":%q,"tags":[%q]}`, g.name(), g.name())), nil)
	case 6, 7:
		g.carry("move")
	case 8:
		g.carry("copy")
	case 9:
		g.did(g.h.do("DELETE", prefix+"/"+g.file(), "", nil), nil)
	case 10:
		g.did(g.h.do("POST", prefix+"/"+g.file()+"/restore", "", nil), nil)
	case 12:
		g.discard()
	case 13:
		g.recover()
	case 11:
		g.did(g.h.ask("POST", folderPrefix+"/path", fmt.Sprintf(`{"parent":%q,"path":[%q,%q]}`, g.folder(), g.name(), g.name())), nil)
	}
}

// carry moves or copies a file and two folders.
func (g *gardener) carry(what string) {
	var body transferredBody
	g.did(g.h.send("POST", "/"+what, fmt.Sprintf(`{"files":[{"id":%q}],"folders":[{"id":%q},{"id":%q}],"to":%q,"on_conflict":%q}`, g.file(), g.folder(), g.folder(), g.folder(), g.onConflict())), &body)
	for _, d := range body.Done {
		if d.Kind == string(kindFile) {
			g.shared.add(&g.shared.files, d.ID)
		} else {
			g.shared.add(&g.shared.folders, d.ID)
		}
	}
	for _, f := range body.Failed {
		if f.Status >= 500 && f.Status != 503 {
			g.h.t.Errorf("%s: got %+v", what, f)
		}
	}
}

// discard puts a folder into the trash, and says the second word if it is asked for.
func (g *gardener) discard() {
	id := g.folder()
	w := g.h.send("POST", "/delete", fmt.Sprintf(`{"folders":[%q]}`, id))
	var p httpd.Problem
	if w.Code == 409 && json.Unmarshal(w.Body.Bytes(), &p) == nil && p.Confirm != "" && g.random.IntN(2) == 0 {
		w = g.h.send("POST", "/delete", fmt.Sprintf(`{"folders":[%q],"confirm":%q}`, id, p.Confirm))
	}
	g.did(w, nil)
}

// recover takes something from the trash, or deletes it for good.
func (g *gardener) recover() {
	var trash struct{ Items []struct{ ID string } }
	g.did(g.h.get("/api/v1/trash?limit=100"), &trash)
	if len(trash.Items) == 0 {
		return
	}
	id := trash.Items[g.random.IntN(len(trash.Items))].ID
	if g.random.IntN(5) == 0 {
		g.did(g.h.ask("POST", "/api/v1/trash/delete", fmt.Sprintf(`{"ids":[%q]}`, id)), nil)
		return
	}
	g.did(g.h.ask("POST", "/api/v1/trash/restore", fmt.Sprintf(`{"ids":[%q],"on_conflict":%q}`, id, g.onConflict())), nil)
}

// did notes an answer; a refusal is one of those that there are sentences for.
func (g *gardener) did(w *httptest.ResponseRecorder, into any) {
	g.shared.mu.Lock()
	defer g.shared.mu.Unlock()
	if w.Code >= 300 {
		g.shared.refused++
		if !slices.Contains([]int{403, 404, 409, 422, 503}, w.Code) {
			g.h.t.Errorf("got %d %s", w.Code, w.Body)
		}
		return
	}
	g.shared.done++
	if into == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		g.h.t.Errorf("%v in %s", err, w.Body)
	}
}

// TestTreeOfMany: whatever several people do to their trees and the household's at once, the
// trees stay trees, every number is right, and the feed tells it all.
func TestTreeOfMany(t *testing.T) {
	each(t, func(t *testing.T, h *house) { h.gardened() })
}

// TestTreeOfManyInSteps is the same where every folder of two files and more is a large one.
func TestTreeOfManyInSteps(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.store.atOnce = 1
		ctx, stop := context.WithCancel(t.Context())
		var sinker sync.WaitGroup
		sinker.Go(func() { h.sinker(ctx) })
		defer sinker.Wait()
		defer stop()
		h.gardened()
	})
}

// gardened has gardeners work in the house.
func (h *house) gardened() {
	h.t.Helper()
	shared := &plants{folders: []string{rootFolder, "ada", "ann"}}
	for _, who := range []identity.Principal{ada(), administrator(), apiKey()} {
		shared.add(&shared.folders, h.as(who).mkdir("mine", "first"))
		shared.add(&shared.files, into[FileBody](h, h.as(who).upload("first", "1")).ID)
	}
	var wg sync.WaitGroup
	for i, who := range []identity.Principal{ada(), administrator(), apiKey(), administrator()} {
		g := &gardener{h: h.as(who), random: rand.New(rand.NewPCG(treeSeed, uint64(i))), shared: shared}
		wg.Go(func() {
			for range treeSteps {
				g.step()
			}
		})
	}
	wg.Wait()
	if shared.done < treeSteps || shared.refused < treeSteps/4 {
		h.t.Errorf("%d things were done and %d refused: this shows little", shared.done, shared.refused)
	}
	h.must(h.Sink(h.t.Context()))
	h.wholeTree()
	h.replayed()
	h.sound()
}

// leaf is an item as the feed tells of it.
type leaf struct {
	kind, folder, name string
	gone               bool
}

// replayed builds the trees from the feed alone and compares them with those that are there.
func (h *house) replayed() {
	h.t.Helper()
	rows, err := h.store.db.Query(h.t.Context(), `SELECT seq, type, kind, item_id, folder_id, name FROM file_changes ORDER BY seq`)
	h.must(err)
	defer rows.Close()
	told := map[string]leaf{}
	for last := int64(0); rows.Next(); {
		var seq int64
		var what, id string
		var l leaf
		h.must(rows.Scan(&seq, &what, &l.kind, &id, &l.folder, &l.name))
		if seq != last+1 {
			h.t.Errorf("the feed goes on with %d after %d", seq, last)
		}
		last = seq
		l.gone = what == string(changeTrashed) || what == string(changeRemoved)
		told[id] = l
	}
	h.must(rows.Err())
	want := map[string]leaf{}
	for id, l := range told {
		if reaches(told, id, 0) {
			want[id] = l
		}
	}
	if got := h.leaves(); !maps.Equal(got, want) {
		for id := range got {
			if got[id] != want[id] {
				h.t.Errorf("%s: is %+v, the feed says %+v (all of it: %+v)", id, got[id], want[id], told[id])
			}
		}
		for id := range want {
			if _, there := got[id]; !there {
				h.t.Errorf("%s: is not there, the feed says %+v", id, want[id])
			}
		}
	}
}

// reaches reports whether an item leads up to a root through what is there.
func reaches(told map[string]leaf, id string, depth int) bool {
	l, known := told[id]
	if !known {
		return depth > 0 // a root: nothing tells of it
	}
	return !l.gone && depth <= maxDepth+1 && reaches(told, l.folder, depth+1)
}

// leaves are the items that are there.
func (h *house) leaves() map[string]leaf {
	h.t.Helper()
	list := map[string]leaf{}
	for kind, query := range map[string]string{
		"file":   `SELECT id, folder_id, filename FROM file_metadata WHERE deleted_at IS NULL`,
		"folder": `SELECT id, parent_id, name FROM folders WHERE deleted_at IS NULL AND parent_id IS NOT NULL`,
	} {
		rows, err := h.store.db.Query(h.t.Context(), query)
		h.must(err)
		for rows.Next() {
			id, l := "", leaf{kind: kind}
			h.must(rows.Scan(&id, &l.folder, &l.name))
			list[id] = l
		}
		h.must(rows.Err())
		h.must(rows.Close())
	}
	return list
}
