package files

import (
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"homeserver/internal/platform/identity"
)

// quota sets a quota through the API.
func (h *house) quota(owner, bytes string, status int) {
	h.t.Helper()
	a := h.as(administrator())
	a.want(a.send("PUT", "/storage/quotas/"+owner, `{"quota":`+bytes+`}`), status)
}

func (h *house) store507(w *httptest.ResponseRecorder, words ...string) {
	h.t.Helper()
	p := problemIn(h, h.want(w, 507).Body)
	if p.Type != "urn:homeserver:quota" {
		h.t.Errorf("got %+v", p)
	}
	for _, word := range words {
		if !strings.Contains(p.Detail, word) {
			h.t.Errorf("got %q, want %q in it", p.Detail, word)
		}
	}
}

func (h *house) storageOf(owner string) (sp spaceBody) {
	h.t.Helper()
	for _, sp := range into[storageBody](h, h.get(prefix+"/storage")).Spaces {
		if sp.Owner == owner {
			return sp
		}
	}
	h.t.Fatalf("no space of %q", owner)
	return sp
}

func TestQuotas(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.as(ada())
		own := into[FileBody](a, a.upload("first", strings.Repeat("x", 2000)))
		h.quota(ada().UserID, "5000", 200)
		// What still fits is taken in; from nine tenths on there is a warning.
		if got := into[uploadBody](a, a.upload("second", strings.Repeat("y", 2600))); len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "4.9 KiB") {
			t.Errorf("got %+v, want a warning", got)
		}
		a.store507(a.upload("third", strings.Repeat("z", 401)), "4.9 KiB", "4.5 KiB are in use", "that are yours")
		if got := into[uploadBody](a, a.upload("third", strings.Repeat("z", 400))); len(got.Warnings) != 1 {
			t.Errorf("got %+v", got)
		}
		a.store507(a.upload("one byte", "1"))
		if got := a.storageOf(ada().UserID); got.Bytes != 5000 || got.Files != 3 || got.Quota == nil || *got.Quota != 5000 || got.Warning == "" || got.OwnerName == "" {
			t.Errorf("got %+v", got)
		}
		// Nobody else is concerned.
		b := h.as(bob())
		b.want(b.upload("bob's", strings.Repeat("x", 9000)), 200)
		h.want(h.upload("household", "1"), 200)
		h.quota("household", "0", 200)
		h.store507(h.upload("household", "1"), "the household has")
		// More room, and none at all.
		h.quota(ada().UserID, "null", 200)
		a.want(a.upload("fits", strings.Repeat("z", 9000)), 200)
		h.quota(ada().UserID, "1", 200) // less than is in use: what is there stays
		a.want(a.get(prefix+"/"+own.ID+"/download"), 200)
		a.store507(a.upload("no", "1"))
		h.quota("nobody-of-that-name-is-known-here", "1", 200) // the test's house knows every name
		h.quota(ada().UserID, "-1", 422)
		a.want(a.send("PUT", "/storage/quotas/"+ada().UserID, `{"quota":null}`), 403)
		h.consistent()
	})
}

// TestQuotaCountsVersionsThatAreGiven: what goes to another owner takes its older versions along.
func TestQuotaCountsVersionsThatAreGiven(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		folder := h.folderAt("household", "d")
		loose := h.put("loose", strings.Repeat("x", 600), "")
		inside := h.putIn(folder, "inside", strings.Repeat("y", 600), "", true)
		for _, id := range []string{loose.ID, inside} {
			h.want(h.replaceWith(id, strings.Repeat("z", 100)), 200)
		}
		root := rootOf(ada().UserID)
		h.as(ada()).entriesOf("mine", "") // her tree is there
		for _, what := range []string{fmt.Sprintf(`"files":[{"id":%q}]`, loose.ID), fmt.Sprintf(`"folders":[{"id":%q}]`, folder)} {
			h.quota(ada().UserID, "699", 200)
			move := func() transferredBody {
				return into[transferredBody](h, h.api("POST", "/files/move", fmt.Sprintf(`{%s,"to":%q}`, what, root)))
			}
			if got := move(); len(got.Failed) != 1 || got.Failed[0].Type != "urn:homeserver:quota" {
				t.Errorf("%s: got %+v, want it refused", what, got)
			}
			if used := h.spaceOf(""); used.versions < 600 {
				t.Errorf("%s: refused, and then got %+v", what, used)
			}
			h.quota(ada().UserID, "700", 200)
			if got := move(); len(got.Failed) != 0 {
				t.Errorf("%s: got %+v, want it moved", what, got)
			}
			if got := h.spaceOf(ada().UserID); got.bytes != 100 || got.versions != 600 {
				t.Errorf("%s: got %+v", what, got)
			}
			if got := into[transferredBody](h, h.api("POST", "/files/move", fmt.Sprintf(`{%s,"to":"household"}`, what))); len(got.Failed) != 0 {
				t.Errorf("%s: got %+v, want it back", what, got)
			}
		}
		h.consistent()
	})
}

// TestQuotaHoldsAgainstManyAtOnce: uploads that all fit alone do not get past it together.
func TestQuotaHoldsAgainstManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.quota(ada().UserID, "1000", 200)
		a := h.as(ada())
		var wg sync.WaitGroup
		codes := make(chan int, 20)
		for i := range 20 {
			wg.Go(func() { codes <- a.upload(fmt.Sprint(i), strings.Repeat(string(rune('a'+i)), 300)).Code })
		}
		wg.Wait()
		close(codes)
		count := map[int]int{}
		for code := range codes {
			count[code]++
		}
		if count[200] != 3 || count[507] != 17 {
			t.Errorf("got %v, want three stored", count)
		}
		if got := a.storageOf(ada().UserID); got.Bytes != 900 || got.Files != 3 {
			t.Errorf("got %+v", got)
		}
		h.consistent()
	})
}

// TestQuotaStopsWhatHasNoLength: a body without a length ends where the room ends.
func TestQuotaStopsWhatHasNoLength(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.quota(ada().UserID, "100000", 200)
		a := h.as(ada())
		endless := &counting{}
		a.store507(a.do("POST", prefix+"/upload", "multipart/form-data; boundary=b", io.MultiReader(strings.NewReader(head), io.LimitReader(endless, maxDrain+(4<<20)))), "does not fit into the 97.7 KiB")
		if endless.n > maxDrain+(2<<20) {
			t.Errorf("%d bytes were taken", endless.n)
		}
		h.consistent()
	})
}

// head begins a form with a file.
const head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"endless\"\r\n\r\n"

// counting gives x for ever.
type counting struct{ n int64 }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	c.n += int64(len(p))
	return len(p), nil
}

// TestQuotaIsAskedFirst: what is said to be too long is refused before its content is read.
func TestQuotaIsAskedFirst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.quota(ada().UserID, "100000", 200)
		a := h.as(ada())
		body := &counting{}
		r := httptest.NewRequest("POST", prefix+"/upload", io.MultiReader(strings.NewReader(head), io.LimitReader(body, 10<<20)))
		r = r.WithContext(identity.With(r.Context(), a.who))
		r.Host, r.ContentLength = "localhost", 10<<20
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		r.Header.Set("Expect", "100-continue")
		w := httptest.NewRecorder()
		a.http.ServeHTTP(w, r)
		if a.store507(w); body.n > formBuffer {
			t.Errorf("%d bytes were read", body.n)
		}
	})
}

func TestStorage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, who := range []identity.Principal{ada(), bob(), identity.Household()} {
			v := h.as(who)
			v.want(v.upload("1", "12345"), 200)
		}
		for name, c := range map[string]struct {
			who  identity.Principal
			want int
		}{"own and the household's": {ada(), 2}, "all": {administrator(), 3}, "the household": {identity.Household(), 3}} {
			v := h.as(c.who)
			got := into[storageBody](v, v.get(prefix+"/storage"))
			want := c.want
			if name == "all" { // the administrator has none yet; it is shown as empty
				want++
			}
			if len(got.Spaces) != want || got.Total <= 0 || got.Free <= 0 || got.Floor <= 0 {
				t.Errorf("%s: got %+v", name, got)
			}
		}
		h.space.mu.Lock()
		h.space.least = math.MaxInt64 / 4
		h.space.mu.Unlock()
		if p := problemIn(h, h.want(h.upload("2", "1"), 507).Body); p.Type != "about:blank" || !strings.Contains(p.Detail, "storage is full") {
			t.Errorf("got %+v", p)
		}
		if got := into[storageBody](h, h.get(prefix+"/storage")); got.Warning == "" {
			t.Errorf("got %+v, want a warning", got)
		}
	})
}

func TestSpaceWarnsAndRefuses(t *testing.T) {
	quota := func(n int64) *int64 { return &n }
	for name, c := range map[string]struct {
		sp   space
		more int64
		fits bool
		warn bool
	}{
		"no quota":                 {space{}, math.MaxInt64, true, false},
		"nothing is always room":   {space{quota: quota(0)}, 0, true, true},
		"no room at all":           {space{quota: quota(0)}, 1, false, true},
		"just fits":                {space{spaceCounts{counts: counts{bytes: 40}, trash: 30, versions: 20}, quota(100)}, 10, true, true},
		"just does not":            {space{spaceCounts{counts: counts{bytes: 40}, trash: 30, versions: 20}, quota(100)}, 11, false, true},
		"below nine tenths":        {space{spaceCounts{counts: counts{bytes: 89}}, quota(100)}, 11, true, false},
		"far above":                {space{spaceCounts{counts: counts{bytes: 1 << 40}}, quota(100)}, 1, false, true},
		"more than numbers hold":   {space{spaceCounts{counts: counts{bytes: 50}}, quota(100)}, math.MaxInt64, false, false},
		"a quota beyond all disks": {space{spaceCounts{counts: counts{bytes: 50}}, quota(math.MaxInt64)}, math.MaxInt64 - 50, true, false},
	} {
		if err := c.sp.fits("x", c.more); (err == nil) != c.fits {
			t.Errorf("%s: got %v", name, err)
		}
		if got := c.sp.warning("x"); (got != "") != c.warn {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 1, " 12 B": 12, "2GB": 2e9, "2 gib": 2 << 30, "3k": 3 << 10, "9TB": 9e12, "7 MiB ": 7 << 20} {
		if got, ok := parseSize(text); !ok || got != want {
			t.Errorf("%q: got %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, bad := range []string{"", "x", "-1", "1.5GB", "2 XB", "GB", "99999999999TB", "1 B B", "0x10"} {
		if got, ok := parseSize(bad); ok {
			t.Errorf("%q: got %d", bad, got)
		}
	}
}
