package notify

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// plainSealer keeps secrets as they are, reversed: what is looked for in answers is not found.
type plainSealer struct{}

func (plainSealer) Seal(purpose, text string) string { return purpose + "\x01" + reverse(text) }
func (plainSealer) Unseal(purpose, sealed string) (string, error) {
	return reverse(strings.TrimPrefix(sealed, purpose+"\x01")), nil
}

func reverse(text string) string {
	r := []rune(text)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}

// receiver is a webhook's other end.
type receiver struct {
	*httptest.Server
	calls chan struct{} // one for each that it took
	mu    sync.Mutex
	down  bool
	bad   string // it refuses what has this in its title; "" for nothing
	got   []received
}

type received struct {
	ID, State, Severity, Title, Text string
	Times                            int
	Header                           http.Header `json:"-"`
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{calls: make(chan struct{}, 1000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.down {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		one := received{Header: q.Header}
		if err := json.Unmarshal(body, &one); err != nil {
			t.Errorf("body %q: %v", body, err)
		}
		if r.bad != "" && strings.Contains(one.Title, r.bad) {
			http.Error(w, "chat not found", http.StatusBadRequest)
			return
		}
		r.got = append(r.got, one)
		r.calls <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) set(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// refuse has it refuse what has a word in its title.
func (r *receiver) refuse(word string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad = word
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

// house is the room with a clock that a test turns.
type house struct {
	*Notify
	t  *testing.T
	at time.Time
}

// noon is when tests begin.
func noon() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }

func newHouse(t *testing.T, db *sqldb.DB) *house {
	t.Helper()
	h := &house{t: t, at: noon()}
	h.Notify = New(db, Config{}, nil, func() time.Time { return h.at }, Lent{Sealer: plainSealer{}, Record: func(context.Context, string, string, string) {}, Watching: func() bool { return true }, Name: "Home"})
	if err := db.Migrate(t.Context(), "notifications", h.Service().Migrations); err != nil {
		t.Fatal(err)
	}
	h.must(h.change(t.Context(), Settings{TimeZone: "UTC", Watchdog: Watchdog{Minutes: 5}}))
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// hook adds a webhook to a receiver.
func (h *house) hook(name string, r *receiver, change func(c *Channel)) *Channel {
	h.t.Helper()
	c := &Channel{Kind: "webhook", Name: name, Enabled: true, AllowLocal: true, Quiet: true}
	if change != nil {
		change(c)
	}
	h.must(h.addChannel(h.t.Context(), c, map[string]string{"url": r.URL + "/hook-secret-path"}))
	return c
}

// pass lets time pass in steps and does whatever Run would do at each.
func (h *house) pass(d, step time.Duration) {
	h.t.Helper()
	for end := h.at.Add(d); ; {
		h.settle()
		if !h.at.Before(end) {
			return
		}
		h.at = h.at.Add(step)
	}
}

// settle does what is due until nothing is.
func (h *house) settle() {
	h.t.Helper()
	for range 50 {
		var group sync.WaitGroup
		due, err := h.store.dueChannels(h.t.Context(), h.now().UnixMicro())
		h.must(err)
		h.must(h.look(h.t.Context(), &group))
		group.Wait()
		if len(due) == 0 {
			return
		}
	}
	h.t.Fatal("there is always something due")
}

func (h *house) say(m Message) {
	h.t.Helper()
	h.must(h.Send(h.t.Context(), m))
}

func (h *house) outbox() []*delivery {
	h.t.Helper()
	list, err := h.store.deliveries(h.t.Context(), outboxQuery{beforeAt: 1 << 62, limit: 1000})
	h.must(err)
	return list
}

// tables are the room's, made once and copied for each test.
var tables = sqldbtest.NewTemplate("notifications", New(nil, Config{}, nil, nil, Lent{}).Service().Migrations)

func both(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) { test(t, newHouse(t, db)) })
}
