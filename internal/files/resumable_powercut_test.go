//go:build unix

package files

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// begun is an upload that somebody is at.
type begun struct {
	where   string
	content []byte
	safe    int  // what was acknowledged
	part    bool // it is to be put together with others, here with none
}

// TestPowerCutsOfResumables cuts the power while people send uploads in pieces. Each goes on at
// least where it was acknowledged to be, and what was acknowledged as a file is one.
func TestPowerCutsOfResumables(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		o := &outage{db: db, promised: map[string]string{}, either: map[string]string{}, old: map[string]string{}, did: map[string]int{}}
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		o.firstStart(t, root)
		resumed := 0
		for n := range powerCuts {
			o.start(t, root, 2+rand.IntN(syncsBetween), false)
			left := o.sendAll()
			o.disk.Restore()
			o.start(t, root, 1<<30, false)
			for _, u := range left {
				o.goOn(u)
				resumed++
			}
			o.look()
			if t.Failed() {
				t.Fatalf("after cut %d", n+1)
			}
		}
		if resumed == 0 || o.seen == 0 {
			t.Errorf("got %d uploads resumed and %d files, want some", resumed, o.seen)
		}
	})
}

// sendAll has people send uploads until the power is cut, and returns what they had begun.
func (o *outage) sendAll() (left []*begun) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for {
				u := o.send()
				if u == nil {
					continue
				}
				mu.Lock()
				left = append(left, u)
				mu.Unlock()
				select {
				case <-o.disk.Off():
					return
				default:
				}
			}
		})
	}
	all.Wait()
	return left
}

// send sends an upload as far as it gets; nil means that it became a file.
func (o *outage) send() *begun {
	u := &begun{content: noise(1 + rand.IntN(60_000))}
	copy(u.content, fmt.Sprint(rand.Uint64()))
	headers := []string{uploadLength, strconv.Itoa(len(u.content))}
	if u.part = rand.IntN(4) == 0; u.part {
		headers = append(headers, uploadConcat, "partial")
	}
	w := o.tus("POST", uploadsPrefix, nil, headers...)
	if w.Code != 201 {
		return &begun{} // without power there is nothing to go on with
	}
	u.where = w.Header().Get("Location")
	for {
		to := len(u.content)
		if rand.IntN(3) > 0 {
			to = min(to, u.safe+1+rand.IntN(30_000))
		}
		w := o.patch1(u.where, u.safe, u.content[u.safe:to])
		if w.Code != 204 {
			return u
		}
		if u.safe = to; to < len(u.content) {
			continue
		}
		if u.part {
			return u
		}
		o.promise(w.Header().Get(uploadFileID), string(u.content))
		return nil
	}
}

// goOn finishes an upload after the power is back.
func (o *outage) goOn(u *begun) {
	o.t.Helper()
	if u.where == "" {
		return
	}
	w := o.want(o.tus("HEAD", u.where, nil), 200)
	at, err := strconv.Atoi(w.Header().Get(uploadOffset))
	if err != nil || at < u.safe || at > len(u.content) {
		o.t.Fatalf("got offset %d (%v) after %d bytes were acknowledged", at, err, u.safe)
	}
	if at < len(u.content) {
		w = o.want(o.patch1(u.where, at, u.content[at:]), 204)
	}
	if u.part {
		w = o.want(o.tus("POST", uploadsPrefix, nil, uploadConcat, "final;"+u.where), 201)
	}
	o.became(w, unnamed, u.content)
	o.promise(w.Header().Get(uploadFileID), string(u.content))
}
