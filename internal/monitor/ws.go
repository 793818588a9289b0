package monitor

import (
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/httpd"
)

// Close codes of RFC 6455 section 7.4.1.
const (
	closeGoingAway = 1001 // the server stops
	closeLost      = 1011 // frames or pongs did not come through in time
)

// describeFeed describes the WebSocket, which OpenAPI has no form for, as the upgrade it is.
func (m *Monitor) describeFeed(r *httpd.Router) httpd.Op {
	op := describe("/ws", "live-dashboard", "The dashboard, live (WebSocket)",
		"A WebSocket (RFC 6455). Text frames, each one the JSON of `GET "+prefix+"/dashboard`: the first at once, then one every 2 s, without anything being asked. "+
			"Messages from the client are ignored; one over 4 KiB closes with 1009. The server pings every 30 s and closes with 1001 when it stops; "+
			"a client that is too slow skips frames. Browsers may connect from this server's own pages only.")
	op.Errors = nil
	op.Responses = map[string]*huma.Response{
		"101": {Description: "Switching to WebSocket; each text frame is as described here",
			Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(Dashboard{})}}},
		"403": {Description: "A page of another site (Origin) may not listen here"},
		"426": {Description: "Not a WebSocket handshake"},
		"503": {Description: "Nothing has been measured yet"},
	}
	return op
}

// serveFeed keeps one client until it leaves, is lost or the server stops.
func (m *Monitor) serveFeed(w http.ResponseWriter, r *http.Request) error {
	if _, err := m.snapshot(r.Context()); err != nil {
		return err
	}
	socket, err := httpd.AcceptWebSocket(w, r)
	if err != nil {
		return err
	}
	defer socket.End()
	lost := make(chan struct{})
	c := &client{write: socket.Write, ping: socket.Ping, lost: sync.OnceFunc(func() { close(lost) })}
	m.live.join(c, m.frame(m.current.Load()))
	defer m.live.leave(c)
	select {
	case <-socket.Done():
	case <-lost:
		socket.Close(closeLost, "no answer")
	case <-m.live.stopped:
		socket.Close(closeGoingAway, "the server is stopping")
	}
	return nil // the connection is no longer HTTP's
}
