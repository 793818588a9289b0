//go:build unix

package sqldb

import (
	"net"
	"testing"
	"time"
)

// TestDoubtfulWhileSomebodyReads: pgx leaves a reader on a connection whose write was slow.
// Looking at such a connection once waited for that reader, for ever.
func TestDoubtfulWhileSomebodyReads(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	reading := make(chan struct{})
	go func() {
		close(reading)
		var one [1]byte
		_, _ = near.Read(one[:]) // ends when the test closes the connection
	}()
	<-reading
	answered := make(chan bool, 1)
	go func() { answered <- doubtful(near, 0) }()
	select {
	case got := <-answered:
		if got {
			t.Error("a quiet connection: got doubtful")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("doubtful waits for the reader")
	}
	far.Close()
	for range 100 { // the end of the stream takes a moment to arrive
		if doubtful(near, 0) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a connection whose other end is closed: got trusted")
}
