package files

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"
)

// forest is a person's folder with files in several folders, one of them in the trash by itself.
type forest struct {
	a       *house // its owner
	top     string
	deep    string // a folder in it
	outside string // a file of the owner's that lies elsewhere
	files   []string
	digests []string
}

func (h *house) forest() forest {
	h.t.Helper()
	w := forest{a: h.as(ada())}
	w.top = w.a.folderAt("mine", "wood")
	deep := w.a.folderAt("mine", "wood/deep/er")
	w.deep = deep
	for i := range 7 {
		w.files = append(w.files, w.a.putIn([]string{w.top, deep}[i%2], fmt.Sprint("leaf ", i), fmt.Sprint("content ", i), fmt.Sprint("all,t", i%3), i%3 == 0))
	}
	for i := range w.files {
		sum := sha256.Sum256(fmt.Appendf(nil, "content %d", i))
		w.digests = append(w.digests, hex.EncodeToString(sum[:]))
	}
	gone := w.a.putIn(deep, "gone before", "gone", "all", false)
	w.a.want(w.a.do("DELETE", prefix+"/"+gone, "", nil), 200)
	w.outside = w.a.putIn(rootOf("ada"), "leaf elsewhere", "content 1", "all,t1", true) // bears the content of one of them
	return w
}

// moments are what differs between two runs of the same.
var moments = regexp.MustCompile(`"(deleted_at|expires_at|undo_until|modified|created|instance)":"[^"]*"|"etag":"[^,]*,|"revision":\d+`)

// everything is what people see of the house, whatever door they ask at.
func (h *house) everything(w forest) string {
	h.t.Helper()
	var b strings.Builder
	for _, who := range []*house{h, w.a, h.as(bob())} {
		for _, path := range []string{
			"/files/list?limit=100", "/files/list?sort=name&limit=3", "/files/list?sort=size&order=asc&limit=100", "/files/list?tag=all&limit=100", "/files/list?tag=t1&sort=name&limit=100",
			"/files/list?q=leaf&limit=2", "/files/list?q=leaf&sort=size&limit=100", "/files/list?q=leaf&tag=all&limit=100", "/files/list", "/files/tags", "/trash",
			"/folders/ada/entries?limit=100", "/folders/" + w.top + "/entries",
		} {
			fmt.Fprintln(&b, path, who.get("/api/v1"+path).Body)
		}
		for _, id := range w.files {
			fmt.Fprintln(&b, id, who.get(prefix+"/"+id+"/metadata").Code, who.get(prefix+"/"+id+"/download").Code,
				who.send("PATCH", "/tags", fmt.Sprintf(`{"ids":[%q],"add":["x"],"if_match":{%q:"\"r999\""}}`, id, id)).Code)
		}
		rows, err := who.store.byIDs(h.t.Context(), w.files)
		h.must(err)
		fmt.Fprintln(&b, len(rows), into[storageBody](who, who.get(prefix+"/storage")).Spaces)
		dates, err := who.store.uploadDates(h.t.Context(), time.Unix(0, 0), h.clock.now().Add(time.Hour), 100)
		h.must(err)
		known, err := who.store.readableContent(h.t.Context(), viewOf(who.who), w.digests)
		h.must(err)
		uses, err := who.store.scrubbable(h.t.Context(), "", 100)
		h.must(err)
		fmt.Fprintln(&b, dates, known, uses)
	}
	text := moments.ReplaceAllString(b.String(), "$1")
	for _, t := range w.a.trashNow().Items { // its id is another each time
		text = strings.ReplaceAll(text, t.ID, "the thing "+t.Name)
	}
	return text
}

// same compares what people see with what they must see.
func (h *house) same(w forest, when, want string) {
	h.t.Helper()
	if got := h.everything(w); got != want {
		g, o := strings.Split(got, "\n"), strings.Split(want, "\n")
		for i := range min(len(g), len(o)) {
			if g[i] != o[i] {
				h.t.Fatalf("%s: line %d:\ngot  %s\nwant %s", when, i, g[i], o[i])
			}
		}
		h.t.Fatalf("%s: got %d lines, want %d", when, len(g), len(o))
	}
}

// fell puts the folder into the trash and returns what it is there.
func (w forest) fell() string {
	w.a.t.Helper()
	answer := w.a.ask("DELETE", folderPrefix+"/"+w.top+"?confirm=100", "")
	return into[deletedManyBody](w.a, answer).Trash[0]
}

// grow takes it out again.
func (w forest) grow(trash string) {
	w.a.t.Helper()
	answer := w.a.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q]}`, trash))
	if body := into[restoredTrashBody](w.a, answer); len(body.Restored) != 1 {
		w.a.t.Fatalf("got %s", answer.Body)
	}
}

// TestLargeFolderSinksInSteps: a folder of more files than one transaction marks goes to the trash
// at once for everybody, and comes back at once, wherever the marking of its files is broken off.
func TestLargeFolderSinksInSteps(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, now := t.Context(), h.clock.now().UnixMicro()
		w := h.forest()
		there := h.everything(w)
		trash := w.fell() // in one transaction
		away := h.everything(w)
		w.grow(trash)
		h.same(w, "restored", there)
		h.counted()

		h.store.atOnce = 2
		for stop := range 6 { // after how many steps it comes back
			start := w.a.cursor()
			trash = w.fell()
			h.same(w, "trashed", away)
			more := true
			for i := 0; i < stop && more; i++ {
				var err error
				if more, err = h.store.sinkSome(ctx, trash, now); err != nil {
					t.Fatal(err)
				}
				h.same(w, fmt.Sprint("sunk ", i+1), away)
			}
			if more != (stop < 4) {
				t.Errorf("after %d steps: got more %t", stop, more)
			}
			for i, more := 0, true; more; i++ {
				var err error
				if more, err = h.store.riseSome(ctx, trash, now, now+1); err != nil {
					t.Fatal(err)
				}
				h.same(w, fmt.Sprint("risen ", i+1), away)
			}
			h.must(h.store.dropUnusedTags(ctx)) // nobody counts them just now
			w.grow(trash)
			h.same(w, fmt.Sprint("restored after ", stop), there)
			h.counted()
			h.sound()
			list, _ := w.a.since(start)
			if got := inShort(list); strings.Count(got, "trashed leaf") != 3 || strings.Count(got, "restored leaf") != 3 || !strings.HasPrefix(got, "trashed ") || len(list) != 8 {
				t.Errorf("the feed says %s", got)
			}
		}
	})
}

// TestWhatSinksIsAskedFor: whoever wants something of a large folder in the trash waits for it.
func TestWhatSinksIsAskedFor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		w := h.forest()
		h.store.atOnce = 2
		trash := w.fell()
		w.a.want(w.a.do("POST", prefix+"/"+w.files[1]+"/restore", "", nil), 200)
		h.counted()
		if got := w.a.trashNow().Items[0]; got.ID != trash || got.Files != 6 {
			t.Errorf("got %+v", got)
		}

		// While it rises nobody sinks or destroys it; whoever stops half way leaves it to the sinker.
		now := h.clock.now()
		if _, err := h.store.riseSome(ctx, trash, now.UnixMicro(), now.Add(risingFor).UnixMicro()); err != nil {
			t.Fatal(err)
		}
		h.must(h.Sink(ctx))
		if list, err := h.store.sinking(ctx, nil); err != nil || len(list) != 1 {
			t.Errorf("got %v, %v", list, err)
		}
		if body := into[destroyedBody](w.a, w.a.api("POST", "/trash/delete", fmt.Sprintf(`{"ids":[%q],"confirm":"100"}`, trash))); body.Files != 0 {
			t.Errorf("destroyed %+v", body)
		}
		h.clock.advance(2 * risingFor)
		h.must(h.Sink(ctx))
		if list, err := h.store.sinking(ctx, nil); err != nil || len(list) != 0 {
			t.Errorf("got %v, %v", list, err)
		}
		h.counted()
		w.grow(trash)
		h.counted()
		trash = w.fell()
		if body := into[destroyedBody](w.a, w.a.api("POST", "/trash/delete", fmt.Sprintf(`{"ids":[%q],"confirm":"100"}`, trash))); body.Files != 6 {
			t.Errorf("destroyed %+v", body)
		}
		h.counted()
		h.sound()
	})
}

// TestCountedAhead: what was counted before the transaction counts only while nobody changed
// anything that it counted.
func TestCountedAhead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		w := h.forest()
		a, file := w.a, w.files[0]
		other := a.folderAt("mine", "other")
		for _, step := range []struct {
			name  string
			do    func()
			right bool // whether what was counted ahead is right then
		}{
			{"nothing", func() {}, true},
			{"an upload elsewhere", func() { a.putInto(other, "x", "x", "keep") }, true},
			{"a folder elsewhere", func() { a.mkdir(other, "y") }, true},
			{"an upload into it", func() { a.putInto(w.top, "x", "x", "keep") }, false},
			{"a tag", func() { a.want(a.send("PATCH", "/"+file, `{"tags":["z"]}`), 200) }, false},
			{"no longer shared", func() { a.want(a.send("PATCH", "/"+file, `{"shared":false}`), 200) }, false},
			{"moved out", func() { a.transferItems("move", other, "keep", file) }, false},
			{"moved in", func() { a.transferItems("move", w.top, "keep", file) }, false},
			{"deleted", func() { a.want(a.do("DELETE", prefix+"/"+file, "", nil), 200) }, false},
			{"restored", func() { a.want(a.do("POST", prefix+"/"+file+"/restore", "", nil), 200) }, false},
			{"a folder in it deleted", func() {
				a.want(a.do("DELETE", folderPrefix+"/"+a.folderAt("mine", "wood/deep")+"?confirm=99", "", nil), 200)
			}, false},
		} {
			counted, err := h.store.countLive(ctx, h.store.db, w.top)
			h.must(err)
			counted.all[useKey{tags: "counted ahead"}] = counts{1, 1}
			step.do()
			_, err = h.store.change(ctx, 1, []string{"ada"}, func(c *changing) error {
				c.ahead = map[string]ahead{w.top: counted}
				got, err := h.store.countLiveNow(ctx, c, w.top)
				h.must(err)
				want, err := h.store.countLive(ctx, c.tx, w.top)
				if step.right {
					want.all = counted.all
				}
				if !maps.Equal(got, want.all) {
					t.Errorf("%s: got %v, want %v", step.name, got, want.all)
				}
				return err
			})
			h.must(err)
		}
	})
}
