package httpd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/identity"
)

// TestSocketsAreCounted opens one WebSocket more than a principal may have.
func TestSocketsAreCounted(t *testing.T) {
	r := NewRouter("Test", "1")
	r.Handle(Op{Action: identity.ReadMonitoring, Operation: huma.Operation{Method: "GET", Path: "/ws", OperationID: "ws"}}, func(w http.ResponseWriter, req *http.Request) error {
		s, err := AcceptWebSocket(w, req)
		if err == nil {
			<-s.Done()
		}
		return err
	})
	by := Recognise(func(r *http.Request) identity.Principal {
		return identity.Principal{Method: identity.Session, UserID: r.Header.Get("X-User"), Role: identity.Member}
	})
	s := NewServer(Config{}, r, by, slog.New(slog.DiscardHandler))
	s.gate.sockets = NewQuota(2)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	dial := func(user string) (*websocket.Conn, int) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		conn, answer, err := websocket.Dial(ctx, strings.Replace(server.URL, "http", "ws", 1)+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"X-User": {user}}})
		if err != nil && answer == nil {
			t.Fatal(err)
		}
		return conn, answer.StatusCode
	}
	first, _ := dial("ada")
	second, _ := dial("ada")
	if _, status := dial("ada"); status != http.StatusTooManyRequests {
		t.Errorf("the third: got %d, want 429", status)
	}
	other, status := dial("bob")
	if status != http.StatusSwitchingProtocols {
		t.Errorf("somebody else: got %d, want 101", status)
	}
	if err := first.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	// The server notices a moment after it has answered the close.
	for range 1000 {
		if conn, status := dial("ada"); status == http.StatusSwitchingProtocols {
			_ = conn.CloseNow()
			_ = errors.Join(second.CloseNow(), other.CloseNow())
			return
		}
	}
	t.Error("after one was closed there is no room for another")
}
