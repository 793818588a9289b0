package notify

import (
	"context"
	"sync"
	"time"
)

// holdOn renews the lease of a channel until stop, which waits for it: a note may take longer than a
// lease lasts, also when the server ends meanwhile.
func (n *Notify) holdOn(ctx context.Context, id string) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var kept sync.WaitGroup
	kept.Go(func() {
		ticker := time.NewTicker(leaseRenewed)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if err := n.store.renew(ctx, id, n.holder); err != nil && ctx.Err() == nil {
					n.log.DebugContext(ctx, "a channel was not kept", "channel", id, "error", err)
				}
			}
		}
	})
	return func() { cancel(); kept.Wait() }
}
