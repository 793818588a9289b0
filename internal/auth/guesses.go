package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits on wrong keys, per address.
const (
	// guessBurst is how many wrong keys in a row are a person mistyping.
	guessBurst = 10
	// guessEvery is the pace afterwards: 14,400 a day, hopeless against any decent key.
	guessEvery = 6 * time.Second
	// guessAddresses bounds the memory of it; beyond, the table starts anew.
	guessAddresses = 10_000
)

// guesses slows down whoever tries keys.
type guesses struct {
	mu     sync.Mutex
	byAddr map[string]*rate.Limiter
	now    func() time.Time
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{byAddr: map[string]*rate.Limiter{}, now: now}
}

// wait returns how long addr must wait before it may try again; 0 means now. A wrong key is
// then reported with wrong.
func (g *guesses) wait(addr string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.byAddr[addr]
	if l == nil || l.TokensAt(g.now()) >= 1 {
		return 0
	}
	return time.Duration((1 - l.TokensAt(g.now())) * float64(guessEvery))
}

// wrong counts one wrong key from addr.
func (g *guesses) wrong(addr string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.byAddr) >= guessAddresses {
		clear(g.byAddr)
	}
	l := g.byAddr[addr]
	if l == nil {
		l = rate.NewLimiter(rate.Every(guessEvery), guessBurst)
		g.byAddr[addr] = l
	}
	l.AllowN(g.now(), 1)
}
