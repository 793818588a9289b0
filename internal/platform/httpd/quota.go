package httpd

import (
	"context"
	"sync"

	"homeserver/internal/platform/identity"
)

// Quota bounds how much of something each of many has at a time. The zero value has no room;
// use NewQuota. It is safe for concurrent use.
type Quota struct {
	most int
	mu   sync.Mutex
	held map[string]int
}

// NewQuota lets everybody have up to most.
func NewQuota(most int) *Quota { return &Quota{most: most, held: map[string]int{}} }

// Take takes one for key, or reports that key has all it may have. Who took one calls release
// once.
func (q *Quota) Take(key string) (release func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[key] >= q.most {
		return nil, false
	}
	q.held[key]++
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.held[key]--; q.held[key] == 0 {
			delete(q.held, key)
		}
	}, true
}

// PrincipalKey is whose quota a request counts against: the account's; without one the
// machine's, so that one that acts for the household does not keep the others from it.
func PrincipalKey(ctx context.Context) string {
	p := identity.From(ctx)
	if p.UserID != "" {
		return p.UserID
	}
	return string(p.Method) + " " + ClientAddr(ctx)
}
