package alerts

import (
	"context"
	"math"
	"time"
)

// Past is every alert of which some part lies between from and to, at most so many, the newest
// if there are more, newest first.
func (a *Alerts) Past(ctx context.Context, from, to time.Time, most int) ([]Entry, error) {
	list, err := a.store.list(ctx, page{from: from.UnixMicro(), to: to.UnixMicro(), at: math.MaxInt64, limit: most})
	out := make([]Entry, len(list))
	for i, e := range list {
		out[i] = *e
	}
	return out, err
}
