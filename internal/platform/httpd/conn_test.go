package httpd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/identity"
)

// pair is both ends of a TCP connection.
func pair(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener{l}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close(); accepted.Close() })
	return accepted.(*conn), peer
}

func TestInOnePiece(t *testing.T) {
	c, peer := pair(t)
	err := c.inOnePiece(func() error {
		for _, part := range []string{"head ", "body"} {
			if _, err := io.WriteString(c, part); err != nil {
				return err
			}
		}
		if got := string(c.held); got != "head body" {
			t.Errorf("got %q held back", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, " and more")
	c.CloseWrite()
	if got, err := io.ReadAll(peer); err != nil || string(got) != "head body and more" {
		t.Errorf("got %q (%v)", got, err)
	}
}

// TestInOnePieceCannotBeSent: what was held back counts as sent for net/http, so the connection
// must not be used again.
func TestInOnePieceCannotBeSent(t *testing.T) {
	c, peer := pair(t)
	if err := c.SetWriteDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := c.inOnePiece(func() error { _, err := io.WriteString(c, "head"); return err }); err == nil {
		t.Error("got no error after the deadline")
	}
	if got, err := io.ReadAll(peer); err != nil || len(got) > 0 {
		t.Errorf("got %q (%v) want a closed connection", got, err)
	}
	if _, err := c.Write(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v want a closed connection", err)
	}
}

// TestWholeAnswers gets content of all sizes over one connection, as net/http sends it.
func TestWholeAnswers(t *testing.T) {
	sizes := []int{0, 1, 511, 512, 2047, 2048, 4095, 4096, together - 1, together, together + 1, 5 * together}
	content := bytes.Repeat([]byte("0123456789abcdef"), 5*together/16)
	r := NewRouter("Test", "1")
	r.Handle(Op{Operation: huma.Operation{Method: "GET", Path: "/{size}", OperationID: "whole"}, Public: true}, func(w http.ResponseWriter, r *http.Request) error {
		size := 0
		_, err := fmt.Sscan(r.PathValue("size"), &size)
		w.Header().Set("Content-Type", "text/plain")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content[:size]))
		return err
	})
	nobody := Recognise(func(*http.Request) identity.Principal { return identity.Principal{} })
	port := serve(t, NewServer(Config{Host: "127.0.0.1"}, r, nobody, slog.New(slog.DiscardHandler)))
	peer, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	in := bufio.NewReader(peer)
	ask := func(method, path string, more ...string) string {
		fmt.Fprintf(peer, "%s %s HTTP/1.1\r\nHost: nas\r\n%s\r\n", method, path, strings.Join(more, ""))
		response, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for _, size := range sizes {
		path := fmt.Sprint("/", size)
		if got := ask("GET", path); got != string(content[:size]) {
			t.Errorf("%s: got %d bytes", path, len(got))
		}
		if got := ask("HEAD", path); got != "" {
			t.Errorf("HEAD %s: got %d bytes", path, len(got))
		}
		if size > 100 {
			if got := ask("GET", path, "Range: bytes=7-99\r\n"); got != string(content[7:100]) {
				t.Errorf("range of %s: got %q", path, got)
			}
		}
	}
}
