package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The load is only as honest as its client: it must read every kind of answer to its end.
func TestClientReadsEveryKindOfAnswer(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", clientBuffer/8) // more than the buffer holds
	mux := http.NewServeMux()
	mux.HandleFunc("/length", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(long)))
		fmt.Fprint(w, long)
	})
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		for part := range strings.SplitSeq(long, "f") {
			fmt.Fprint(w, part)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	defer server.Close()
	c, err := dial(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	for range 3 { // on one connection: what is left over of one answer would spoil the next
		for _, tt := range []struct {
			path   string
			status int
			body   string
		}{
			{"/length", 200, long},
			{"/chunked", 200, strings.ReplaceAll(long, "f", "")},
			{"/empty", 204, ""},
			{"/none", 404, "404 page not found\n"},
		} {
			var body bytes.Buffer
			a, err := c.do([]byte("GET "+tt.path+" HTTP/1.1\r\nHost: x\r\n\r\n"), &body)
			if err != nil || a.status != tt.status || body.String() != tt.body || a.bytes != int64(len(tt.body)) {
				t.Fatalf("%s: got status %d, %d bytes (%d kept), %v; want %d and %d bytes", tt.path, a.status, a.bytes, body.Len(), err, tt.status, len(tt.body))
			}
		}
	}
}

func TestFieldIgnoresCase(t *testing.T) {
	head := []byte("HTTP/1.1 200 OK\r\nX-Content-Length: 7\r\ncOnTeNt-LeNgTh:  12 \r\n\r\n")
	if got := string(field(head, "content-length:")); got != "12" {
		t.Errorf("got %q; want 12", got)
	}
	if got := field(head, "transfer-encoding:"); got != nil {
		t.Errorf("a field that is not there: got %q", got)
	}
}
