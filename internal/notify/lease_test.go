package notify

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestMuchThatIsEnqueuedPutsNothingOff has something enqueued without a pause, as when a script says
// something in a loop: it is told meanwhile, and not when that ends.
func TestMuchThatIsEnqueuedPutsNothingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil, Config{}, nil, time.Now, Lent{})
		ctx, stop := context.WithCancel(t.Context())
		var looks []time.Time
		var running sync.WaitGroup
		running.Go(func() {
			_ = n.run(ctx, func() error { looks = append(looks, time.Now()); return nil })
		})
		const often = nudgePause / 5
		for range 100 {
			n.wake()
			time.Sleep(often)
		}
		last := time.Now().Add(-often)
		time.Sleep(2 * nudgePause)
		stop()
		running.Wait()
		if got, want := len(looks), int(100*often/nudgePause); got < want || got > want+2 {
			t.Errorf("got %d looks, want about %d: one every %s", got, want, nudgePause)
		}
		if end := looks[len(looks)-1]; end.Sub(last) < nudgePause {
			t.Errorf("the last look was %s after what was enqueued last, whose transaction must end first", end.Sub(last))
		}
	})
}

// TestALeaseIsKeptWhileANoteIsSent: leases are short, for the sake of a server that died, and a note
// may take longer. Nobody else takes the channel meanwhile.
func TestALeaseIsKeptWhileANoteIsSent(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		begun, proceed := make(chan struct{}), make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(begun)
			<-proceed
		}))
		defer s.Close()
		c := h.hook("phone", &receiver{Server: s}, nil)
		h.say(Message{Title: "slow"})
		var working sync.WaitGroup
		working.Go(func() { h.work(t.Context(), c.ID) })
		<-begun
		until := func() (at int64) {
			h.must(h.store.db.QueryRow(t.Context(), `SELECT held_until FROM notify_channels WHERE id = $1`, c.ID).Scan(&at))
			return at
		}
		first := until()
		looks := time.NewTicker(leaseRenewed / 10)
		defer looks.Stop()
		for range 30 { // three times as long as it takes
			if <-looks.C; until() > first {
				break
			}
		}
		if got := until(); got <= first {
			t.Errorf("it was held until %d, and now until %d", first, got)
		}
		close(proceed)
		working.Wait()
		if got := until(); got != 0 {
			t.Errorf("after it was sent it is held until %d, want no longer", got)
		}
	})
}
