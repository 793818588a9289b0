package httpd

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/identity"
)

// streaming is a server with one stream: events come from the channel, and how it ended is told.
type streaming struct {
	*httptest.Server
	events chan string
	ended  chan error
	end    context.CancelFunc // of the credential
	quota  *Quota
}

func newStreaming(t *testing.T) *streaming {
	t.Helper()
	s := &streaming{events: make(chan string), ended: make(chan error, 10)}
	life, end := context.WithCancel(t.Context())
	s.end = end
	r := NewRouter("Test", "1")
	r.Handle(Op{Action: identity.ReadMonitoring, Operation: huma.Operation{Method: "GET", Path: "/events", OperationID: "events"}}, func(w http.ResponseWriter, req *http.Request) error {
		stream, err := OpenStream(w, req)
		if err != nil {
			return err
		}
		defer stream.Close()
		for err == nil {
			select {
			case <-stream.Done():
				s.ended <- stream.Context().Err()
				return nil
			case text := <-s.events:
				if text == "" {
					err = stream.Heartbeat("9")
					continue
				}
				stream.Event("7", "change", []byte(text))
				err = stream.Flush()
			}
		}
		s.ended <- err
		return nil
	})
	by := Recognise(func(*http.Request) identity.Principal {
		return identity.Principal{Method: identity.Session, UserID: "ada", Role: identity.Member, Life: life}
	})
	server := NewServer(Config{}, r, by, slog.New(slog.DiscardHandler))
	s.quota = NewQuota(1)
	server.gate.sockets = s.quota
	s.Server = httptest.NewServer(server.Handler())
	t.Cleanup(s.Close)
	t.Cleanup(end)
	return s
}

// listen opens the stream.
func (s *streaming) listen(t *testing.T) (*http.Response, *bufio.Reader) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "gzip, zstd")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response, bufio.NewReader(response.Body)
}

// block reads up to an empty line.
func block(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, b.String())
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

func TestStream(t *testing.T) {
	s := newStreaming(t)
	response, r := s.listen(t)
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" || response.Header.Get("Content-Encoding") != "" || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", response.StatusCode, response.Header)
	}
	if got := block(t, r); got != "retry: 2000\n" {
		t.Errorf("got %q", got)
	}
	for sent, want := range map[string]string{"one": "id: 7\nevent: change\ndata: one\n", "two\n\nid: 1\r": "id: 7\nevent: change\ndata: two  id: 1 \n", "": "id: 9\n"} {
		s.events <- sent
		if got := block(t, r); got != want {
			t.Errorf("%q: got %q, want %q", sent, got, want)
		}
	}
	if second, _ := s.listen(t); second.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a second: got %d, want 429", second.StatusCode)
	}
	s.end()
	if _, err := io.ReadAll(r); err != nil {
		t.Errorf("after the credential ended: got %v, want a good end", err)
	}
	if err := <-s.ended; err == nil {
		t.Error("the stream went on after its credential had ended")
	}
}

// TestStreamEndsWithItsClient and gives its place back.
// TestStreamEndsWhole: when its credential ends, a stream in the middle of things ends as an answer
// does, not as a broken connection.
func TestStreamEndsWhole(t *testing.T) {
	for range 100 {
		s := newStreaming(t)
		response, body := s.listen(t)
		for range 3 {
			s.events <- "a"
		}
		s.end()
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Fatalf("got %v, want the end of the answer", err)
		}
		response.Body.Close()
		<-s.ended
		s.Close()
	}
}

func TestStreamEndsWithItsClient(t *testing.T) {
	s := newStreaming(t)
	response, _ := s.listen(t)
	response.Body.Close()
	<-s.ended
	for range 1000 {
		if again, _ := s.listen(t); again.StatusCode == 200 {
			return
		}
	}
	t.Error("after the client left there is no room for another")
}

// TestStalledStreamIsCut: a client that reads nothing loses its stream as soon as its credential
// ends, although the server is in the middle of writing.
func TestStalledStreamIsCut(t *testing.T) {
	s := newStreaming(t)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for large := strings.Repeat("x", 1<<20); ; {
		select {
		case s.events <- large:
			continue
		case <-time.After(200 * time.Millisecond): // the handler is busy writing
			s.end()
		}
		break
	}
	<-s.ended
	if took := time.Since(start); took > streamWriteTimeout/2 {
		t.Errorf("it took %v", took)
	}
}
