package channel

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// mostTaken is what may have left a server that never ends, in bytes: what is read of it, and what
// lies in the buffers of the connection.
const mostTaken = 32 << 20

// TestAMailServerThatNeverEnds says one greeting for ever, in one line or in many.
func TestAMailServerThatNeverEnds(t *testing.T) {
	for name, word := range map[string]string{"lines": "220-" + strings.Repeat("x", 1000) + "\r\n", "one line": strings.Repeat("x", 1000)} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		said := make(chan int, 1)
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			total := 0
			for total < 2*mostTaken && err == nil {
				var n int
				n, err = conn.Write(bytes.Repeat([]byte(word), 100))
				total += n
			}
			said <- total
		}()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		begin := time.Now()
		err = send(t, New(Config{}), KindEmail, note(), "host", "127.0.0.1", "port", port, "security", securityNone, "from", "home@example.org", "to", "ada@example.org")
		if err == nil || err.Error() != "The mail server says more than mail servers say." {
			t.Errorf("%s: got %v after %s", name, err, time.Since(begin))
		}
		if total := <-said; total > mostTaken {
			t.Errorf("%s: %d bytes were taken", name, total)
		}
		_ = listener.Close()
	}
}

// TestAnAnswerThatNeverEnds is read by a library that reads all there is.
func TestAnAnswerThatNeverEnds(t *testing.T) {
	said := make(chan int, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		total := 0
		for total < 2*mostTaken {
			n, err := w.Write(make([]byte, 1<<16))
			if total += n; err != nil {
				break
			}
		}
		said <- total
	}))
	defer s.Close()
	err := send(t, New(Config{}), KindShoutrrr, note(), "url", "generic://"+strings.TrimPrefix(s.URL, "http://")+"/hook?disabletls=yes")
	if total := <-said; total > mostTaken {
		t.Errorf("%d bytes were taken (%v)", total, err)
	}
}
