package monitor

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/monitor/feed"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// longestKeys is how long a list of series may be in a query, in bytes, as for the history.
const longestKeys = 8000

// shown is the newest dashboard, encoded, and as protocol 2 wraps it once somebody wants it so.
type shown struct {
	frame   []byte
	once    sync.Once
	message []byte
}

func (s *shown) wrapped() []byte {
	s.once.Do(func() { s.message = wrap(s.frame) })
	return s.message
}

func wrap(frame []byte) []byte {
	return append(append([]byte(`{"dashboard":`), frame...), '}')
}

// liveMessage is what the live feed sends, for its description.
type liveMessage struct {
	Schema    *feed.Schema `json:"schema,omitempty" doc:"What the values of the ticks are of; sent first, and again when series appear or vanish"`
	Complete  *bool        `json:"complete,omitempty" doc:"With the first schema: whether everything after since follows; if not, ask /history for what is missing"`
	Ticks     [][]*float64 `json:"ticks,omitempty" doc:"Several ticks at once, oldest first"`
	Dashboard *Dashboard   `json:"dashboard,omitempty" doc:"If it was asked for: with every tick"`
}

// describeLive describes protocol 2 of the live feed.
func (m *Monitor) describeLive(r *httpd.Router) httpd.Op {
	op := describe("/live", "live-feed", "Every figure, live (WebSocket or Server-Sent Events)",
		"Protocol 2. Text frames: first an object with the `schema`, then with every tick, every 2 s, an array `[time, value, value, ...]` in the schema's order: "+
			"milliseconds since 1970, and `null` for what was not measured. Several ticks at once come as `{\"ticks\":[...]}`. A client that comes back names the last tick it has as `since`, and gets those of the last 15 minutes that it missed, "+
			"once and in order. A tick that is not later than the one before says that the clock was set back: forget what was not before it. "+
			"Asked with `Accept: text/event-stream`, the same comes as Server-Sent Events named schema, tick, ticks and dashboard, with the tick's time as id.")
	op.Errors = nil
	content := r.Schema(liveMessage{})
	op.Responses = map[string]*huma.Response{
		"101": {Description: "Switching to WebSocket", Content: map[string]*huma.MediaType{"application/json": {Schema: content}}},
		"200": {Description: "The stream of events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}},
		"403": {Description: "A page of another site (Origin) may not listen here"},
		"422": {Description: "There is no such metric, or since is no time"},
		"426": {Description: "Neither a WebSocket handshake nor a request for events"},
		"429": {Description: "Too many live connections"},
		"503": {Description: "Nothing has been measured yet"},
	}
	text, number := &huma.Schema{Type: huma.TypeString}, &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	op.Parameters = []*huma.Param{
		{Name: "since", In: "query", Schema: number, Description: "Time of the last tick that is known, in milliseconds since 1970; without it the newest tick is the first"},
		{Name: "metrics", In: "query", Schema: text, Description: "Keys of series, separated by commas; all if left out"},
		{Name: "dashboard", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"0", "1"}}, Description: "1: send the dashboard, too, with every tick"},
		{Name: "Last-Event-ID", In: "header", Schema: number, Description: "As since, for a stream of events that comes back"},
	}
	return op
}

// watch is what a viewer wants to see.
type watch struct {
	since     int64
	keys      []string
	dashboard bool
}

// watchOf reads it from a request.
func (m *Monitor) watchOf(r *http.Request) (w watch, err error) {
	query := r.URL.Query()
	since := r.Header.Get("Last-Event-ID")
	if since == "" {
		since = query.Get("since")
	}
	w = watch{since: feed.Newest, dashboard: query.Get("dashboard") == "1"}
	if since != "" {
		if w.since, err = strconv.ParseInt(since, 10, 64); err != nil || w.since < 0 {
			return w, errs.New(errs.Invalid, "since must be the time of a tick, in milliseconds since 1970.")
		}
	}
	keys := query.Get("metrics")
	if len(keys) > longestKeys {
		return w, errs.Newf(errs.Invalid, "metrics may be %d characters long.", longestKeys)
	}
	if keys == "" {
		return w, nil
	}
	w.keys = strings.Split(keys, ",")
	for _, key := range w.keys {
		if name, _, err := metric.ParseKey(key); err != nil || m.metrics.Find(name) == nil {
			return w, errs.Newf(errs.Invalid, "There is no metric %q; %s/metrics lists them.", key, prefix)
		}
	}
	return w, nil
}

// viewer is one who watches, over either way.
type viewer interface {
	// send sends a message; at is the time of the last tick in it, 0 if it has none.
	send(event string, at int64, message []byte) error
	// rest is called when there was nothing to send for a while.
	rest() error
	done() <-chan struct{}
}

// serveLive keeps one viewer until it leaves, is lost or the server stops.
func (m *Monitor) serveLive(w http.ResponseWriter, r *http.Request) error {
	wanted, err := m.watchOf(r)
	if err != nil {
		return err
	}
	if err := m.awaitFirst(r.Context()); err != nil {
		return err
	}
	if r.Header.Get("Upgrade") == "" && strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		stream, err := httpd.OpenStream(w, r)
		if err != nil {
			return err
		}
		defer stream.Close()
		m.follow(streamViewer{stream}, wanted)
		return nil
	}
	socket, err := httpd.AcceptWebSocket(w, r)
	if err != nil {
		return err
	}
	defer socket.End()
	v := &socketViewer{Socket: socket, pingAt: time.Now().Add(pingEvery)}
	if m.follow(v, wanted) {
		socket.Close(closeGoingAway, "the server is stopping")
	} else {
		socket.Close(closeLost, "no answer")
	}
	return nil // the connection is no longer HTTP's
}

// awaitFirst waits for the first tick right after the start.
func (m *Monitor) awaitFirst(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, firstWait)
	defer cancel()
	select {
	case <-m.first:
		return nil
	case <-ctx.Done():
		return errs.Wrap(errs.Unavailable, "Nothing has been measured yet. Try again in a few seconds.", ctx.Err())
	}
}

// follow sends a viewer what it wants until it goes; true: because the server stops.
func (m *Monitor) follow(v viewer, wanted watch) (stopped bool) {
	l := m.feed.Listen(wanted.since, wanted.keys...)
	defer l.Close()
	for first := true; ; first = false {
		for more := true; more; {
			batch := l.Take()
			if sendBatch(v, batch) != nil {
				return false
			}
			more = batch.More
		}
		if message := m.dashboardMessage(wanted, first); message != nil && v.send("dashboard", 0, message) != nil {
			return false
		}
		if more, stopped := m.await(v, l); !more {
			return stopped
		}
	}
}

func sendBatch(v viewer, b feed.Batch) error {
	if b.Schema != nil {
		if err := v.send("schema", 0, b.Schema); err != nil {
			return err
		}
	}
	switch len(b.Ticks) {
	case 0:
		return nil
	case 1:
		return v.send("tick", b.At, b.Frame())
	}
	return v.send("ticks", b.At, b.Frame())
}

// await waits for the next tick. No more: the viewer has gone, or the server stops.
func (m *Monitor) await(v viewer, l *feed.Listener) (more, stopped bool) {
	late := time.NewTicker(httpd.StreamHeartbeat)
	defer late.Stop()
	for {
		select {
		case <-v.done():
			return false, false
		case <-m.live.stopped:
			return false, true
		case <-l.Wake():
			return true, false
		case <-late.C:
			if v.rest() != nil {
				return false, false
			}
		}
	}
}

// dashboardMessage is the dashboard for a viewer who wants it: at first with the library's size of
// this very moment, then that of the tick. nil while it is not known.
func (m *Monitor) dashboardMessage(wanted watch, first bool) []byte {
	newest := m.shown.Load()
	switch {
	case !wanted.dashboard || newest == nil:
		return nil
	case first:
		if s := m.current.Load(); s.Complete() {
			return wrap(m.frame(s))
		}
	}
	return newest.wrapped()
}

// socketViewer watches over a WebSocket.
type socketViewer struct {
	*httpd.Socket
	pingAt time.Time
}

func (v *socketViewer) done() <-chan struct{} { return v.Done() }

func (v *socketViewer) send(_ string, _ int64, message []byte) error {
	v.ask()
	return v.Write(message)
}

func (v *socketViewer) rest() error {
	v.ask()
	return nil
}

// ask makes sure every 30 s that the viewer is still there.
func (v *socketViewer) ask() {
	if now := time.Now(); now.After(v.pingAt) {
		v.pingAt = now.Add(pingEvery)
		go func() {
			if v.Ping() != nil {
				v.Close(closeLost, "no answer")
			}
		}()
	}
}

// streamViewer watches over Server-Sent Events.
type streamViewer struct{ *httpd.Stream }

func (v streamViewer) done() <-chan struct{} { return v.Done() }

func (v streamViewer) send(event string, at int64, message []byte) error {
	id := ""
	if at > 0 {
		id = strconv.FormatInt(at, 10)
	}
	v.Event(id, event, message)
	return v.Flush()
}

func (v streamViewer) rest() error { return v.Heartbeat("") }
