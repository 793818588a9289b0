package guess

import (
	"fmt"
	"testing"
	"time"
)

type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func newLimiter() (*Limiter, *clock) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	return New(c.read, 10), c
}

// attack makes n wrong guesses, one right after another, and returns how many were looked at.
func attack(l *Limiter, n int, address func(i int) string, account func(i int) string) (looked int) {
	for i := range n {
		if v := l.Ask(address(i), account(i), nil); v.Refuse == 0 && v.Pause == 0 {
			looked++
			l.Wrong(address(i), account(i))
		}
	}
	return looked
}

func TestOneAddress(t *testing.T) {
	l, clock := newLimiter()
	same := func(int) string { return "192.0.2.1" }
	if got := attack(l, 1000, same, func(i int) string { return fmt.Sprint("name", i) }); got != 11 {
		t.Errorf("%d guesses from one address were looked at, want 10 and the first that is delayed", got)
	}
	if v := l.Ask("192.0.2.2", "name1", nil); v != (Verdict{}) {
		t.Errorf("another address: got %+v, want to be let in", v)
	}
	// Each further guess doubles the delay.
	last := time.Duration(0)
	for range 8 {
		wait := l.Ask("192.0.2.1", "", nil).Refuse
		if wait <= last {
			t.Fatalf("the delay went from %v to %v", last, wait)
		}
		last = wait
		clock.now = clock.now.Add(wait)
		if v := l.Ask("192.0.2.1", "", nil); v.Refuse != 0 {
			t.Fatalf("after waiting: got %+v", v)
		}
		l.Wrong("192.0.2.1", "")
	}
	clock.now = clock.now.Add(24 * time.Hour)
	if got := attack(l, 100, same, same); got != 11 {
		t.Errorf("a day later %d guesses were looked at, want that all is forgiven", got)
	}
}

func TestOneAccount(t *testing.T) {
	l, clock := newLimiter()
	ada := func(int) string { return "ada" }
	many := func(i int) string { return fmt.Sprintf("192.0.2.%d", i%250) }
	// 20 are free; then only addresses that have not guessed wrong yet get a turn, and it takes time.
	if got := attack(l, 1000, many, ada); got > accountFree+1+freshBurst {
		t.Errorf("%d of 1,000 guesses at one account were looked at without a delay", got)
	}
	if v := l.Ask("198.51.100.7", "ada", func() bool { return true }); v != (Verdict{}) {
		t.Errorf("where ada has signed in before: got %+v, want to be let in at once", v)
	}
	clock.now = clock.now.Add(freshPatience)
	if v := l.Ask("198.51.100.8", "ada", func() bool { return false }); v.Refuse != 0 {
		t.Errorf("a new address: got %+v, want a turn", v)
	}
	if v := l.Ask("198.51.100.9", "bob", nil); v != (Verdict{}) {
		t.Errorf("another account: got %+v", v)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	l, clock := newLimiter()
	for i := range 3 * most {
		clock.now = clock.now.Add(time.Millisecond)
		l.Wrong(fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255), fmt.Sprint(i))
	}
	if len(l.addresses) > most || len(l.accounts) > most {
		t.Errorf("got %d addresses and %d accounts, want at most %d", len(l.addresses), len(l.accounts), most)
	}
}

func TestKey(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "nonsense": "nonsense",
	} {
		if got := Key(address); got != want {
			t.Errorf("%s: got %s want %s", address, got, want)
		}
	}
}
