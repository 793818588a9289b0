package cli

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// unused is what the process holds without a use.
func unused() uint64 {
	h := lookAtHeap()
	return h.free + h.objects - min(h.live, h.objects)
}

// litter leaves garbage behind that no collection has found yet.
func litter(size int) {
	const piece = 128 << 10 // smaller ones may lie on the stack
	for range size / piece {
		runtime.KeepAlive(make([]byte, piece))
	}
}

// TestGiveBack sees a house work and come to rest: its garbage is gone two looks later, although
// the collector would wait for more.
func TestGiveBack(t *testing.T) {
	const mess = 64 << 20
	synctest.Test(t, func(t *testing.T) {
		kept := make([]byte, mess) // lets the collector wait for as much again
		runtime.GC()
		litter(mess * 3 / 4) // more than a half, so that it is worth it, and less than the collector waits for
		if got := unused(); got < mess/2 {
			t.Fatalf("got %d bytes of garbage want at least %d: the test makes none", got, mess/2)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { giveBack(ctx); close(done) }()
		time.Sleep(2*restLook + time.Second)
		synctest.Wait()
		if got := unused(); got > restWorth {
			t.Errorf("got %d bytes kept without a use want at most %d", got, restWorth)
		}
		cancel()
		<-done
		runtime.KeepAlive(kept)
	})
}

func TestRestful(t *testing.T) {
	const mib = 1 << 20
	before := heap{allocated: 1000 * mib}
	for name, test := range map[string]struct {
		now  heap
		want bool
	}{
		"at rest with garbage":          {heap{allocated: 1001 * mib, live: 8 * mib, objects: 30 * mib}, true},
		"at rest with room to spare":    {heap{allocated: 1001 * mib, live: 8 * mib, objects: 8 * mib, free: 20 * mib}, true},
		"at rest and tidy":              {heap{allocated: 1001 * mib, live: 8 * mib, objects: 9 * mib, free: 2 * mib}, false},
		"much in use, little garbage":   {heap{allocated: 1001 * mib, live: 100 * mib, objects: 120 * mib}, false},
		"much in use, much garbage":     {heap{allocated: 1001 * mib, live: 100 * mib, objects: 150 * mib}, true},
		"at work":                       {heap{allocated: 1100 * mib, live: 8 * mib, objects: 30 * mib}, false},
		"less than the last collection": {heap{allocated: 1001 * mib, live: 8 * mib, objects: 7 * mib}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := restful(before, test.now); got != test.want {
				t.Errorf("got %v want %v", got, test.want)
			}
		})
	}
}
