package files

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// TestVisibility does random things as random people and compares now and then what everybody
// is shown (lists in every order and filter, pages, totals, tags) with all rows and the rule.
func TestVisibility(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		people := []identity.Principal{ada(), bob(), administrator(), apiKey(), guest()}
		var ids []string
		for step := range 240 {
			h.as(people[r.IntN(len(people))]).act(r, &ids, step)
			if step%60 == 59 {
				h.consistent()
				for _, who := range people {
					h.as(who).shown()
				}
			}
		}
		// What is purged was counted out when it was deleted.
		h.emptyTrash()
		h.must(h.Collect(t.Context()))
		h.sound()
	})
}

// act does one thing; that it may be refused is part of the game.
func (h *house) act(r *rand.Rand, ids *[]string, step int) {
	some := func() string {
		if len(*ids) == 0 {
			return `"nobody"`
		}
		var list []string
		for range 1 + r.IntN(4) {
			list = append(list, fmt.Sprintf("%q", (*ids)[r.IntN(len(*ids))]))
		}
		return strings.Join(list, ",")
	}
	one := strings.Trim(strings.Split(some(), ",")[0], `"`)
	tags := []string{"", "all", "all,rare", "rare", "own"}[r.IntN(5)]
	name := fmt.Sprintf("%s %d", []string{"Änderung", "bild", "BILD"}[r.IntN(3)], step/20)
	shared := r.IntN(2) == 0
	switch r.IntN(12) {
	case 0:
		h.do("DELETE", prefix+"/"+one, "", nil)
	case 1:
		h.send("POST", "/delete", `{"ids":[`+some()+`]}`)
	case 2:
		h.send("POST", "/restore", `{"ids":[`+some()+`]}`)
	case 3:
		h.send("PATCH", "/tags", `{"ids":[`+some()+`],"add":["rare","own"],"remove":["all"]}`)
	case 4:
		h.send("PATCH", "/"+one, fmt.Sprintf(`{"tags":["all"],"filename":%q,"shared":%v}`, name, shared))
	case 5:
		h.send("PATCH", "/share", fmt.Sprintf(`{"ids":[%s],"shared":%v}`, some(), shared))
	case 6:
		h.send("PATCH", "/"+one, fmt.Sprintf(`{"shared":%v}`, shared))
	default:
		if w := h.upload(name, strings.Repeat("x", r.IntN(5)), "shared", fmt.Sprint(shared), "tags", tags); w.Code == 200 {
			*ids = append(*ids, into[FileBody](h, w).ID)
		}
	}
}

// shown compares what the person at the door is shown with the rows and the rule.
func (h *house) shown() {
	h.t.Helper()
	rows, err := h.store.files(h.t.Context(), h.store.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.deleted_at IS NULL`)
	h.must(err)
	var all []FileBody
	tags := map[string]int64{}
	for i := range rows {
		p := piece{owner: identity.Principal{UserID: rows[i].Owner}, shared: rows[i].shared()}
		if !p.visible(h.who) {
			continue
		}
		all = append(all, h.bodyOf(&rows[i]))
		for _, tag := range rows[i].Tags {
			tags[tag]++
		}
	}
	for _, sort := range []string{"date", "name", "size"} {
		for _, order := range []string{"asc", "desc"} {
			for _, tag := range []string{"", "all", "rare", "own", "none"} {
				for _, q := range []string{"", "bIlD", "1"} {
					want := expected(all, sort, order, tag, q)
					base := fmt.Sprintf("?sort=%s&order=%s&tag=%s&q=%s", sort, order, tag, q)
					if whole := h.list(base); !slices.Equal(idsOf(whole.Files), want) || whole.Total != int64(len(want)) {
						h.t.Fatalf("%s %s: got %v of %d, want %v", h.who.Name, base, idsOf(whole.Files), whole.Total, want)
					}
					for _, limit := range []int{3, 1000} {
						if got := h.pages(base, limit, len(want)); !slices.Equal(got, want) {
							h.t.Fatalf("%s %s limit %d: got %v, want %v", h.who.Name, base, limit, got, want)
						}
					}
				}
			}
		}
	}
	got := map[string]int64{}
	for _, tag := range into[tagsBody](h, h.get(prefix+"/tags")).Tags {
		got[tag.Tag] = tag.Files
	}
	if !maps.Equal(got, tags) {
		h.t.Errorf("%s: tags: got %v, want %v", h.who.Name, got, tags)
	}
}

// TestListsOfManyBatches streams a list of several batches to somebody who sees two audiences.
func TestListsOfManyBatches(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		want := 0
		for at := 0; at < 3*streamBatch+7; at += maxBatch {
			var batch []*upload
			for i := at; i < at+maxBatch; i++ {
				f := File{ID: fmt.Sprintf("%08d", i*7919%100_003), Name: fmt.Sprint(i % 10), key: fmt.Sprint(i % 10), ContentType: "a/b", Size: int64(i % 3), Uploaded: h.clock.now(),
					Tags: []string{"t"}, SHA256: fmt.Sprintf("%064x", i), Owner: []string{"", "ada", "bob"}[i%3]}
				f.share(i%2 == 0)
				f.Folder = rootOf(f.Owner)
				if f.shared() || f.Owner == "ada" {
					want++
				}
				batch = append(batch, &upload{File: f})
			}
			_, _, err := h.store.insert(t.Context(), batch, 1, func() error { return nil })
			h.must(err)
		}
		for _, query := range []string{"?", "?tag=t", "?sort=name", "?sort=size&order=asc&q=7", "?sort=name&tag=t"} {
			list := h.as(ada()).list(query)
			seen := map[string]bool{}
			for _, f := range list.Files {
				seen[f.ID] = true
				if f.Owner == "bob" && !f.Shared {
					t.Fatalf("%s: shows %+v", query, f)
				}
			}
			if int(list.Total) != len(list.Files) || len(seen) != len(list.Files) || !strings.Contains(query, "q=") && len(seen) != want {
				t.Errorf("%s: got %d files, %d different, total %d; want %d", query, len(list.Files), len(seen), list.Total, want)
			}
		}
	})
}

// TestUnsharingIsAtOnce: who waits for a file that is being un-shared finds it no more.
func TestUnsharingIsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		file := piece{owner: ada(), shared: true}.make(h)
		for _, request := range []string{"DELETE /%s", "PATCH /%s", "POST /%s/restore"} {
			method, path, _ := strings.Cut(fmt.Sprintf(request, file.id), " ")
			began, end := make(chan struct{}), make(chan struct{})
			unshared := make(chan error)
			go func() {
				_, err := h.store.edit(t.Context(), edit{ids: []string{file.id}, may: gate(ada(), identity.ShareFile), change: func(f *File) error {
					close(began)
					<-end
					f.share(false)
					return nil
				}}, 1)
				unshared <- err
			}()
			<-began
			status := make(chan int, 1)
			go func() { status <- h.as(bob()).send(method, path, `{"filename":"taken"}`).Code }()
			h.untilBlocked(status)
			close(end)
			h.must(<-unshared)
			if got := <-status; got != 404 {
				t.Errorf("%s: got %d, want 404", request, got)
			}
			h.want(h.send("PATCH", "/"+file.id, `{"shared":true}`), 200)
		}
		h.must(h.refreshUsage(t.Context()))
		h.sound()
	})
}

// untilBlocked waits until a transaction waits for another, or is done because it need not.
// SQLite has one writer at a time.
func (h *house) untilBlocked(done <-chan int) {
	h.t.Helper()
	for n := 0; n == 0 && len(done) == 0 && h.store.db.Dialect() == sqldb.Postgres; {
		h.must(h.store.db.QueryRow(h.t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted`).Scan(&n))
	}
}
