package files

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// since reads all changes after a cursor.
func (h *house) since(cursor string) (list []changeBody, end string) {
	h.t.Helper()
	for {
		page := into[changesBody](h, h.get(prefix+"/changes?limit=3&since="+cursor))
		list, cursor = append(list, page.Changes...), page.Cursor
		if !page.More {
			return list, cursor
		}
	}
}

// now is the present cursor.
func (h *house) cursor() string {
	h.t.Helper()
	return into[changesBody](h, h.get(prefix+"/changes")).Cursor
}

// inShort is a change in short.
func inShort(list []changeBody) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, strings.TrimSpace(c.Type+" "+c.Name))
	}
	return strings.Join(parts, ", ")
}

// TestFeedTellsWhatOneMaySee: what is hidden from somebody is gone for them, without its name.
func TestFeedTellsWhatOneMaySee(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.as(ada()), h.as(bob())
		start := h.cursor()
		own := into[FileBody](a, a.upload("diary", "1")).ID
		a.want(a.send("PATCH", "/"+own, `{"filename":"poem"}`), 200)
		a.want(a.send("PATCH", "/"+own, `{"shared":true}`), 200)
		b.want(b.send("PATCH", "/"+own, `{"tags":["fine"]}`), 200)
		a.want(a.send("PATCH", "/"+own, `{"filename":"secret","shared":false}`), 200)
		a.want(a.do("DELETE", prefix+"/"+own, "", nil), 200)
		a.want(a.send("POST", "/"+own+"/restore", ""), 200)
		h.put("for all", "2", "")
		for who, want := range map[*house]string{
			a:                       "created diary, renamed poem, shared poem, tagged poem, shared secret, trashed secret, restored secret, created for all",
			b:                       "shared poem, tagged poem, removed, created for all",
			h.as(guest()):           "shared poem, tagged poem, removed, created for all",
			h.as(administrator()):   "created diary, renamed poem, shared poem, tagged poem, shared secret, trashed secret, restored secret, created for all",
			h.as(token(bob(), "x")): "403",
		} {
			if want == "403" {
				who.want(who.get(prefix+"/changes"), 403)
				continue
			}
			list, end := who.since(start)
			if got := inShort(list); got != want {
				t.Errorf("%s: got %s, want %s", who.who.Name, got, want)
			}
			if end != who.cursor() || list[len(list)-1].Cursor != end {
				t.Errorf("%s: got cursor %s, want that of the last change, %s", who.who.Name, end, who.cursor())
			}
			for _, c := range list {
				if c.Type == "removed" && (c.FolderID != "" || c.ID != own || c.By != "ada") || c.Type == "tagged" && (c.By != "bob" || c.ByName != "Name of bob" || c.FolderID != "ada") {
					t.Errorf("%s: got %+v", who.who.Name, c)
				}
			}
		}
		for query, status := range map[string]int{"?since=x": 422, "?since=-1": 422, "?since=999999": 410, "?limit=0": 422, "?limit=1001": 422} {
			h.want(h.get(prefix+"/changes"+query), status)
		}
		if w := h.get(prefix + "/changes?since=999999"); !strings.Contains(w.Body.String(), `"type":"urn:homeserver:gone"`) {
			t.Errorf("got %s", w.Body)
		}
	})
}

// TestFeedPassesByManyOfOthers: pages are full however much of other people lies between.
func TestFeedPassesByManyOfOthers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const others = feedWindow*2 + 100
		h.must(h.store.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			set := newChangeSet(t.Context())
			for i := range others {
				audience := "bob"
				if i == 0 || i == others-1 {
					audience = "ada"
				}
				set.note(&File{ID: fmt.Sprint(i), Name: fmt.Sprint(i), Owner: audience, audience: audience}, changeCreated, nil)
			}
			_, err := set.applyFeed(t.Context(), tx, h.clock.now().UnixMicro())
			return err
		}))
		list, end := h.as(ada()).since("0")
		if inShort(list) != fmt.Sprintf("created 0, created %d", others-1) || end != fmt.Sprint(others) {
			t.Errorf("got %s up to %s", inShort(list), end)
		}
		if list, _ := h.as(bob()).since(fmt.Sprint(others - 3)); len(list) != 2 {
			t.Errorf("got %d changes, want 2", len(list))
		}
	})
}

// TestFeedForgets: what is too old or too much goes, and whoever missed it is told so.
func TestFeedForgets(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.put("old", "1", "")
		h.clock.advance(feedAge / 2)
		h.put("newer", "2", "")
		h.must(h.TrimFeed(t.Context()))
		if list, _ := h.since("0"); inShort(list) != "created old, created newer" {
			t.Errorf("too early: got %s", inShort(list))
		}
		h.clock.advance(feedAge/2 + time.Hour)
		h.must(h.TrimFeed(t.Context()))
		h.want(h.get(prefix+"/changes?since=0"), 410)
		h.want(h.get("/api/v1/events?since=0"), 410)
		if list, _ := h.since("1"); inShort(list) != "created newer" {
			t.Errorf("got %s", inShort(list))
		}
		h.put("a", "3", "")
		h.put("b", "4", "")
		forgotten, err := h.store.trimFeed(t.Context(), 0, 1)
		if err != nil || forgotten != 2 {
			t.Errorf("got %d, %v; want 2 forgotten", forgotten, err)
		}
		h.want(h.get(prefix+"/changes?since=2"), 410)
		if list, _ := h.since("3"); inShort(list) != "created b" {
			t.Errorf("got %s", inShort(list))
		}
		h.clock.advance(2 * feedAge)
		h.must(h.TrimFeed(t.Context()))
		h.must(h.TrimFeed(t.Context()))
		if list, _ := h.since(h.cursor()); len(list) != 0 {
			t.Errorf("got %s", inShort(list))
		}
	})
}

// door is a house behind a real connection, at which one person stands.
type door struct {
	*httptest.Server
	life context.Context
	end  context.CancelFunc
}

func (h *house) door(t *testing.T, who identity.Principal) *door {
	t.Helper()
	d := new(door)
	d.life, d.end = context.WithCancel(context.Background())
	who.Life = d.life
	router := httpd.NewRouter("HomeServer", "test")
	h.Service().Routes(router)
	d.Server = httptest.NewServer(httpd.NewServer(httpd.Config{Host: "127.0.0.1"}, router, httpd.Recognise(func(*http.Request) identity.Principal { return who }), slog.New(slog.DiscardHandler)).Handler())
	t.Cleanup(d.Close)
	t.Cleanup(d.CloseClientConnections)
	t.Cleanup(d.end)
	return d
}

// listener is a client of the stream.
type listener struct {
	t    *testing.T
	body *http.Response
	r    *bufio.Reader
	last string // id of the last event
}

// listen opens the stream, after an event if after is not empty.
func (d *door) listen(t *testing.T, after string) *listener {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", d.URL+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if after != "" {
		request.Header.Set("Last-Event-ID", after)
	}
	response, err := d.Client().Do(request)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("got %v, %v", response, err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return &listener{t: t, body: response, r: bufio.NewReader(response.Body), last: after}
}

// event reads on to the next event; "" is the end of the stream.
func (l *listener) event() (name string, c changeBody) {
	for {
		line, err := l.r.ReadString('\n')
		if err != nil {
			return "", c
		}
		field, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
		switch field {
		case "id":
			l.last = value
		case "event":
			name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &c); err != nil || c.Cursor != l.last {
				l.t.Errorf("got id %s and data %s, %v", l.last, value, err)
			}
			return name, c
		}
	}
}

// changes reads n changes.
func (l *listener) changes(n int) (list []changeBody) {
	l.t.Helper()
	for len(list) < n {
		name, c := l.event()
		if name == "" {
			l.t.Fatalf("the stream ended after %d changes, want %d", len(list), n)
		}
		if name == "change" {
			list = append(list, c)
		}
	}
	return list
}

// TestStreamOfChanges: live, cut off, resumed at another copy of the server, nothing twice.
func TestStreamOfChanges(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		h, copied := furnish(t, db, root, nil), furnish(t, db, root, nil)
		h.put("before", "0", "")
		d := h.door(t, bob())
		l := d.listen(t, "")
		if name, c := l.event(); name != "ready" || c.Cursor != "1" {
			t.Errorf("got %s %+v, want to begin now", name, c)
		}
		h.put("one", "1", "")
		copied.put("two", "2", "")
		copied.as(ada()).upload("private", "3")
		h.put("three", "4", "")
		if got := inShort(l.changes(3)); got != "created one, created two, created three" {
			t.Errorf("got %s", got)
		}
		d.CloseClientConnections()
		h.put("four", "5", "")
		again := copied.door(t, bob()).listen(t, l.last)
		copied.put("five", "6", "")
		h.put("six", "7", "")
		if got := inShort(again.changes(3)); got != "created four, created five, created six" {
			t.Errorf("resumed: got %s", got)
		}
		if got := inShort(copied.door(t, guest()).listen(t, "0").changes(7)); got != "created before, created one, created two, created three, created four, created five, created six" {
			t.Errorf("from the beginning: got %s", got)
		}
	})
}

// TestStreamEndsWithTheSignIn within a second, and pollers end with the last listener.
func TestStreamEndsWithTheSignIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.door(t, ada())
		l := d.listen(t, "")
		l.event()
		began := time.Now()
		d.end()
		if name, _ := l.event(); name != "" || time.Since(began) > time.Second {
			t.Errorf("got %q after %v, want the end", name, time.Since(began))
		}
		d.Close() // waits for the handler
		h.feed.mu.Lock()
		defer h.feed.mu.Unlock()
		if len(h.feed.listeners) != 0 || h.feed.stop != nil {
			t.Error("somebody still listens")
		}
	})
}

// TestFeedUnderConcurrentWriters: several write through two copies, several listen, one of them
// reads nothing. Everybody else gets every change once and in order.
func TestFeedUnderConcurrentWriters(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		const writers, each = 4, 12
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		houses := []*house{furnish(t, db, root, nil), furnish(t, db, root, nil)}
		doors := []*door{houses[0].door(t, bob()), houses[1].door(t, bob())}
		doors[0].listen(t, "0") // and never reads
		var all sync.WaitGroup
		seen := make([][]changeBody, 4)
		for i := range seen {
			l := doors[i%2].listen(t, "0")
			all.Go(func() { seen[i] = l.changes(writers * each * 2) })
		}
		for w := range writers {
			all.Go(func() {
				h := houses[w%2]
				for i := range each {
					f := h.put(fmt.Sprintf("%d-%d", w, i), "x", "")
					h.want(h.send("PATCH", "/"+f.ID, `{"tags":["t"]}`), 200)
					h.as(ada()).upload("private", "y")
				}
			})
		}
		all.Wait()
		last := map[string]string{}
		for i, c := range seen[0] {
			if i > 0 && len(c.Cursor) <= len(seen[0][i-1].Cursor) && c.Cursor <= seen[0][i-1].Cursor && len(c.Cursor) == len(seen[0][i-1].Cursor) {
				t.Errorf("%s comes after %s", c.Cursor, seen[0][i-1].Cursor)
			}
			if want := map[string]string{"": "created", "created": "tagged"}[last[c.ID]]; c.Type != want {
				t.Errorf("%s: got %s after %q, want %s", c.Name, c.Type, last[c.ID], want)
			}
			last[c.ID] = c.Type
		}
		for i := range seen {
			if !slices.Equal(seen[i], seen[0]) {
				t.Errorf("listener %d saw something else", i)
			}
		}
	})
}
