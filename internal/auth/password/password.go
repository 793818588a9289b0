// Package password turns passwords into what may be kept of them, and compares: Argon2id
// (RFC 9106) in the PHC string format, as slow as this machine makes about a tenth of a second.
//
// Hashing is meant to be expensive, and so must not be for the taking: only a few run at a
// time, only so many wait, and each waits only so long.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"homeserver/internal/platform/errs"
)

const (
	// target is how long one hash should take: unnoticed by a person, hopeless for a guesser.
	target = 100 * time.Millisecond
	// Memory is what one hash uses, in KiB: 19 MiB, OWASP's least. More would let two sign-ins
	// double the server's memory.
	Memory = 19 << 10
	// leastPasses and mostPasses bound the tuning, whatever a clock says.
	leastPasses, mostPasses = 2, 64
	keyLength, saltLength   = 32, 16
	// queue is how many may wait for their turn, and patience how long: a household never has so
	// many at once, and who comes after them is better told at once.
	queue    = 64
	patience = 15 * time.Second
)

// Hasher hashes and compares. It is safe for concurrent use.
type Hasher struct {
	memory uint32 // KiB
	passes atomic.Uint32
	slots  chan struct{}
	queued atomic.Int64
}

// New makes a hasher that is not tuned yet. Its hashes use memory KiB: [Memory], but for tests
// of what is around it, which hash hundreds of times. At most half the cores hash at a time, so that
// downloads and dashboards keep the others.
func New(memory uint32) *Hasher {
	h := &Hasher{memory: memory, slots: make(chan struct{}, max(1, runtime.NumCPU()/2))}
	h.passes.Store(leastPasses)
	return h
}

// Tune measures one hash and sets the number of passes so that one takes about a tenth of a
// second. kept is what was kept of some password, or empty: where its number is about right it
// stays, so that all of a household's passwords take the same time.
func (h *Hasher) Tune(ctx context.Context, kept string) error {
	release, err := h.enter(ctx)
	if err != nil {
		return err
	}
	defer release()
	start := time.Now()
	argon2.IDKey(make([]byte, keyLength), make([]byte, saltLength), 1, h.memory, 1, keyLength)
	once := max(time.Since(start), time.Millisecond)
	tuned := uint32(min(max(int64(target/once), leastPasses), mostPasses))
	if passes, _, _, _, err := decode(kept); err == nil && passes <= 2*tuned && tuned <= 2*passes {
		tuned = passes
	}
	h.passes.Store(tuned)
	return nil
}

// Rest gives unused memory back to the system: for after Tune, at the start.
func Rest() { debug.FreeOSMemory() }

// Passes is how many passes new hashes make.
func (h *Hasher) Passes() uint32 { return h.passes.Load() }

// Hash returns what to keep of a password.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	release, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	passes := h.passes.Load()
	return encode(h.memory, passes, salt, derive(password, salt, passes, h.memory, keyLength)), nil
}

// Verify reports whether password is the one that encoded was made of; an empty encoded is
// nobody's, and takes as long. renew says that it was made with less work than is usual now.
// before, if given, is asked when its turn has come: an error ends it there.
func (h *Hasher) Verify(ctx context.Context, encoded, password string, before ...func() error) (ok, renew bool, err error) {
	nobody := encoded == ""
	if nobody {
		encoded = encode(h.memory, h.passes.Load(), make([]byte, saltLength), make([]byte, keyLength))
	}
	passes, size, salt, key, err := decode(encoded)
	if err != nil {
		return false, false, err
	}
	release, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()
	for _, ask := range before {
		if err := ask(); err != nil {
			return false, false, err
		}
	}
	same := subtle.ConstantTimeCompare(derive(password, salt, passes, size, uint32(len(key))), key) == 1
	// A margin of two keeps machines of about the same speed from writing hashes in turn.
	return same && !nobody, same && (passes*2 < h.passes.Load() || size < h.memory), nil
}

// enter waits for a turn.
func (h *Hasher) enter(ctx context.Context) (release func(), err error) {
	if h.queued.Add(1) > queue {
		h.queued.Add(-1)
		return nil, errBusy()
	}
	defer h.queued.Add(-1)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return h.leave, nil
	case <-timer.C:
		return nil, errBusy()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// leave gives the slot back, and the memory that hashing took: the collector, left alone, would
// take it for what the server needs, and let as much again pile up several times over.
func (h *Hasher) leave() {
	runtime.GC()
	<-h.slots
}

func errBusy() error {
	return errs.New(errs.RateLimited, "Too many people are signing in at once. Try again in a few seconds.")
}

func derive(password string, salt []byte, passes, size, length uint32) []byte {
	return argon2.IDKey(norm.NFC.Bytes([]byte(password)), salt, passes, size, 1, length)
}

func encode(memory, passes uint32, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, memory, passes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

func decode(encoded string) (passes, size uint32, salt, key []byte, err error) {
	parts := strings.Split(encoded, "$")
	var version, threads int
	if len(parts) == 6 && parts[1] == "argon2id" {
		_, err = fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &size, &passes, &threads)
		if err == nil && version == argon2.Version && threads == 1 && passes > 0 && size > 0 {
			salt, err = base64.RawStdEncoding.DecodeString(parts[4])
			if err == nil {
				key, err = base64.RawStdEncoding.DecodeString(parts[5])
			}
			if err == nil && len(key) > 0 {
				return passes, size, salt, key, nil
			}
		}
	}
	return 0, 0, nil, nil, errs.New(errs.Internal, "a kept password has a form that this program does not know")
}
