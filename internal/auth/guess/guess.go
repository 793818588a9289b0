// Package guess slows down whoever guesses passwords, keys and codes: by the address that asks
// and by the account that is asked for, each with a delay that doubles.
//
// A delay on an account must not lock out its person, or anybody could do that to anybody. So
// while an account is being guessed at, an address that has itself guessed nothing wrong still
// gets its turn, a few of them a second, and one from which the person has signed in before is
// not delayed for the account's sake at all.
//
// It lives in memory: a restart forgives everybody.
package guess

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// accountFree is how many wrong guesses at an account in a row are a person mistyping.
	accountFree = 20
	// firstDelay doubles with every wrong guess beyond what is free, up to longestDelay.
	firstDelay, longestDelay = time.Second, 5 * time.Minute
	// forgive is how long it takes until one wrong guess is forgotten.
	forgive = 10 * time.Minute
	// freshEvery and freshBurst pace addresses without a wrong guess at an account under attack;
	// freshPatience is how long one waits for its turn before it is told to come back.
	freshEvery    = 500 * time.Millisecond
	freshBurst    = 5
	freshPatience = 2 * time.Second
	// most bounds the memory of it, in entries; the oldest half goes first.
	most = 20_000
	// network is the part of an IPv6 address that one household has to itself, in bits.
	network = 64
)

// Limiter counts wrong guesses. It is safe for concurrent use.
type Limiter struct {
	now  func() time.Time
	free int // wrong guesses from an address before it is slowed

	mu        sync.Mutex
	addresses map[string]*record
	accounts  map[string]*record
}

// record is what is known of an address or an account.
type record struct {
	wrong int       // guesses, less those forgiven
	since time.Time // of the last wrong guess, or the last forgiveness
	until time.Time // no guess is looked at before
	fresh *rate.Limiter
}

// New makes a limiter that knows nothing yet. free is how many wrong guesses from one address
// in a row are people mistyping.
func New(now func() time.Time, free int) *Limiter {
	return &Limiter{now: now, free: free, addresses: map[string]*record{}, accounts: map[string]*record{}}
}

// Verdict says what to do with a guess.
type Verdict struct {
	// Refuse is how long the client must stay away; zero looks at the guess.
	Refuse time.Duration
	// Pause is how long to wait before looking.
	Pause time.Duration
}

// Ask asks whether a guess from address at account may be looked at. An empty account is none:
// tokens and setup codes. known says that account's person has signed in from address before;
// it is called only if that matters.
func (l *Limiter) Ask(address, account string, known func() bool) Verdict {
	address = Key(address)
	l.mu.Lock()
	now := l.now()
	from := l.addresses[address]
	if wait := from.wait(now); wait > 0 {
		l.mu.Unlock()
		return Verdict{Refuse: wait}
	}
	at := l.accounts[account]
	wait := at.wait(now)
	if account == "" || wait == 0 {
		l.mu.Unlock()
		return Verdict{}
	}
	l.mu.Unlock()
	if known != nil && known() {
		return Verdict{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if from.wrongNow(now) > 0 {
		return Verdict{Refuse: wait}
	}
	if at.fresh == nil {
		at.fresh = rate.NewLimiter(rate.Every(freshEvery), freshBurst)
	}
	turn := at.fresh.ReserveN(now, 1)
	if pause := turn.DelayFrom(now); pause <= freshPatience {
		return Verdict{Pause: pause}
	}
	turn.CancelAt(now)
	return Verdict{Refuse: freshPatience}
}

// Again says how long a guess must still wait that Ask has let through a while ago: 0 unless
// its address has been wrong too often meanwhile.
func (l *Limiter) Again(address, account string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	from := l.addresses[Key(address)]
	wait := from.wait(now)
	if account != "" && from.wrongNow(now) > 0 {
		wait = max(wait, l.accounts[account].wait(now))
	}
	return wait
}

// Wrong counts a wrong guess.
func (l *Limiter) Wrong(address, account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	count(l.addresses, Key(address), l.free, now)
	if account != "" {
		count(l.accounts, account, accountFree, now)
	}
}

func count(records map[string]*record, key string, free int, now time.Time) {
	if len(records) >= most {
		forget(records)
	}
	r := records[key]
	if r == nil {
		r = &record{since: now}
		records[key] = r
	}
	r.wrong, r.since = r.wrongNow(now)+1, now
	if over := r.wrong - free; over > 0 {
		delay := longestDelay
		if over < 10 {
			delay = min(firstDelay<<(over-1), longestDelay)
		}
		r.until = now.Add(delay)
	}
}

// forget drops the older half, roughly.
func forget(records map[string]*record) {
	oldest, newest := time.Time{}, time.Time{}
	for _, r := range records {
		if oldest.IsZero() || r.since.Before(oldest) {
			oldest = r.since
		}
		if r.since.After(newest) {
			newest = r.since
		}
	}
	middle := oldest.Add(newest.Sub(oldest) / 2)
	for key, r := range records {
		if !r.since.After(middle) {
			delete(records, key)
		}
	}
}

// wait is how long r's next guess must wait.
func (r *record) wait(now time.Time) time.Duration {
	if r == nil {
		return 0
	}
	return max(r.until.Sub(now), 0)
}

// wrongNow is the number of wrong guesses that are not forgiven yet.
func (r *record) wrongNow(now time.Time) int {
	if r == nil {
		return 0
	}
	return max(r.wrong-int(now.Sub(r.since)/forgive), 0)
}

// Key is the address as guesses are counted by: IPv6 addresses by their network, since one
// household has as many as it likes.
func Key(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	prefix, err := a.Prefix(network)
	if err != nil {
		return a.String()
	}
	return prefix.String()
}
