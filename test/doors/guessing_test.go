package doors

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"homeserver/test/server"
)

// behindProxy lets the tests say where a request comes from.
func behindProxy() map[string]string { return map[string]string{"TRUSTED_PROXIES": "127.0.0.1"} }

// guesses is how many wrong passwords a guesser tries.
const guesses = 1000

// lookedAt bounds how many of them are looked at: some are free, and some come after delays
// that pass while the test runs.
const lookedAt = 100

// TestOneAddressGuesses tries 1,000 wrong passwords of many accounts from one address.
func TestOneAddressGuesses(t *testing.T) {
	t.Parallel()
	h := open(t, behindProxy(), map[string]string{"ada": "administrator"})
	looked := 0
	for i := range guesses {
		answer := h.tryIn(t, fmt.Sprintf("name%d", i%50), "wrong password", "203.0.113.5")
		looked += slowed(t, answer)
	}
	if looked > lookedAt {
		t.Errorf("%d of %d guesses from one address were looked at, want at most %d", looked, guesses, lookedAt)
	}
	h.tryIn(t, "ada", password, "203.0.113.5").Expect(t, http.StatusTooManyRequests)
	h.tryIn(t, "ada", password, "203.0.113.6").Expect(t, 200)
}

// addresses is how many the guesser of one account has.
const addresses = 40

// TestOneAccountIsGuessedAt tries 1,000 wrong passwords of one account from many addresses;
// its person still gets in, from an address that nobody knows too.
func TestOneAccountIsGuessedAt(t *testing.T) {
	t.Parallel()
	h := open(t, behindProxy(), map[string]string{"ada": "administrator"})
	h.tryIn(t, "ada", password, "198.51.100.1").Expect(t, 200) // at home
	var mu sync.Mutex
	looked := 0
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range guesses / 8 {
				answer := h.tryIn(t, "ada", "wrong password", fmt.Sprintf("203.0.113.%d", (worker*guesses/8+i)%addresses))
				mu.Lock()
				looked += slowed(t, answer)
				mu.Unlock()
			}
		})
	}
	start := time.Now()
	h.tryIn(t, "ada", password, "198.51.100.1").Expect(t, 200)
	if took := time.Since(start); took > patience {
		t.Errorf("at home it took %v", took)
	}
	all.Wait()
	if looked > lookedAt {
		t.Errorf("%d of %d guesses at one account were looked at, want at most %d", looked, guesses, lookedAt)
	}
	h.tryIn(t, "ada", password, "198.51.100.2").Expect(t, 200) // on holiday
}

// slowed counts a guess that was looked at; others must say when to come back.
func slowed(t *testing.T, answer server.Answer) int {
	t.Helper()
	switch answer.Status {
	case http.StatusUnauthorized:
		return 1
	case http.StatusTooManyRequests:
		if answer.Header.Get("Retry-After") == "" || answer.Detail() == "" {
			t.Errorf("got %v %s, want Retry-After and a sentence", answer.Header, answer.Body)
		}
		return 0
	}
	t.Errorf("got %d %s", answer.Status, answer.Body)
	return 0
}

// TestNoAccountIsBetrayed compares the answers, and the time they take, for accounts that are
// there, are not, and are disabled.
func TestNoAccountIsBetrayed(t *testing.T) {
	t.Parallel()
	h := open(t, behindProxy(), map[string]string{"ada": "administrator", "bob": "member"})
	h.JSON(t, "PATCH", "/api/v1/users/"+h.userID(t, "bob"), map[string]bool{"disabled": true}).Expect(t, 200)
	const rounds = 15
	times, detail := map[string][]float64{}, ""
	for i := range rounds {
		for n, name := range []string{"ada", "bob", "carl"} {
			start := time.Now()
			answer := h.tryIn(t, name, "wrong password", fmt.Sprintf("203.0.113.%d", 3*i+n)).Expect(t, 401)
			times[name] = append(times[name], time.Since(start).Seconds())
			if detail == "" {
				detail = answer.Detail()
			}
			if answer.Detail() != detail {
				t.Errorf("%s: got %q, for others %q", name, answer.Detail(), detail)
			}
		}
	}
	h.tryIn(t, "bob", password, "203.0.113.100").Expect(t, 401)
	// Speed is no test: what counts is that the medians differ by less than the times themselves do.
	median := func(name string) (m, spread float64) {
		list := slices.Clone(times[name])
		slices.Sort(list)
		return list[rounds/2], list[rounds*9/10] - list[rounds/10]
	}
	m, spread := median("ada")
	for _, name := range []string{"bob", "carl"} {
		other, width := median(name)
		if difference := math.Abs(other - m); difference > max(spread, width, m/2) {
			t.Errorf("a wrong password takes %.1f ms for ada and %.1f ms for %s, with a spread of %.1f ms", m*1e3, other*1e3, name, max(spread, width)*1e3)
		}
		t.Logf("median: ada %.1f ms, %s %.1f ms, spread %.1f ms", m*1e3, name, other*1e3, max(spread, width)*1e3)
	}
}

// TestKeysAreGuessedAt sends wrong keys and tokens.
func TestKeysAreGuessedAt(t *testing.T) {
	t.Parallel()
	h := open(t, behindProxy(), nil)
	looked := 0
	for i := range guesses {
		who := person{header: http.Header{"X-Forwarded-For": {"203.0.113.5"}, "Authorization": {fmt.Sprintf("Bearer hs_guess%d", i)}}}
		looked += slowed(t, h.as(t, who, "GET", "/api/v1/files/list", nil))
	}
	if looked > 2*lookedAt {
		t.Errorf("%d of %d wrong tokens were looked at", looked, guesses)
	}
	h.Get(t, "/api/v1/files/list").Expect(t, 200) // the household is elsewhere
}
