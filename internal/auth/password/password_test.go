package password

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"homeserver/internal/platform/errs"
)

func TestHashAndVerify(t *testing.T) {
	h := New(Memory)
	encoded, err := h.Hash(t.Context(), "pässword")
	if err != nil || !strings.HasPrefix(encoded, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(encoded, err)
	}
	again, err := h.Hash(t.Context(), "pässword")
	if err != nil || again == encoded {
		t.Error("two hashes of one password are the same: there is no salt")
	}
	for password, want := range map[string]bool{"pässword": true, "pa\u0308ssword": true, "password": false, "": false} {
		if got, _, err := h.Verify(t.Context(), encoded, password); err != nil || got != want {
			t.Errorf("%q: got %v %v want %v", password, got, err, want)
		}
	}
	if got, _, err := h.Verify(t.Context(), "", ""); got || err != nil {
		t.Errorf("nobody's password: got %v %v", got, err)
	}
	for _, damaged := range []string{"x", "$argon2id$v=19$m=1,t=1,p=1$$", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA", strings.Replace(encoded, "t=2", "t=0", 1)} {
		if got, _, err := h.Verify(t.Context(), damaged, "pässword"); got || err == nil {
			t.Errorf("%q: got %v %v, want an error", damaged, got, err)
		}
	}
}

// TestRenew expects hashes that took less work to be replaced, and near ones to stay.
func TestRenew(t *testing.T) {
	h := New(Memory)
	weak, err := h.Hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	h.passes.Store(leastPasses * 3)
	if ok, renew, err := h.Verify(t.Context(), weak, "password"); !ok || !renew || err != nil {
		t.Errorf("got %v %v %v, want to be renewed", ok, renew, err)
	}
	// Tuning keeps to what is kept where that is about right.
	if err := h.Tune(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	tuned := h.Passes()
	near := encode(Memory, tuned+tuned/2, make([]byte, saltLength), make([]byte, keyLength))
	if err := h.Tune(t.Context(), near); err != nil || h.Passes() != tuned+tuned/2 && h.Passes() > 2*tuned {
		t.Errorf("got %d passes, want those of what is kept (%d)", h.Passes(), tuned+tuned/2)
	}
}

// TestNoMoreThanSoMany fills all slots: who comes beyond the queue is told at once, who waits
// too long then.
func TestNoMoreThanSoMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Memory)
		var releases []func()
		for range cap(h.slots) {
			release, err := h.enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			releases = append(releases, release)
		}
		var mu sync.Mutex
		refused := 0
		var all sync.WaitGroup
		for range 2 * queue {
			all.Go(func() {
				release, err := h.enter(context.Background())
				if err == nil {
					release()
					return
				}
				if !errs.Is(err, errs.RateLimited) {
					t.Error(err)
				}
				mu.Lock()
				refused++
				mu.Unlock()
			})
		}
		synctest.Wait()
		mu.Lock()
		if refused != queue {
			t.Errorf("%d were refused at once, want %d", refused, queue)
		}
		mu.Unlock()
		all.Wait()
		if refused != 2*queue {
			t.Errorf("%d were refused in the end, want all", refused)
		}
		for _, release := range releases {
			release()
		}
		if release, err := h.enter(t.Context()); err != nil {
			t.Error(err)
		} else {
			release()
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := New(Memory)
	if err := h.Tune(b.Context(), ""); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(h.Passes()), "passes")
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse battery"); err != nil {
			b.Fatal(err)
		}
	}
}
