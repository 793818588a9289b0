package files

import (
	"context"
	"time"

	"homeserver/internal/platform/errs"
)

const (
	// holdFor is how long a backup keeps the collector away without a sign of life: longer than
	// a database is away for an upgrade, and short enough that a backup that was killed holds nothing up
	// for long.
	holdFor = 30 * time.Minute
	// holdEvery is how often it gives one.
	holdEvery = time.Minute
)

// hold keeps the collector away until letGo is called. The context it returns ends when the
// hold could not be kept up.
func (f *Files) hold(ctx context.Context, name string) (held context.Context, letGo func(), err error) {
	if err := f.store.hold(ctx, name, f.now().Add(holdFor).UnixMicro()); err != nil {
		return ctx, nil, err
	}
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.keepHold(held, name, cancel)
	}()
	return held, func() {
		cancel(nil)
		<-done
		ctx, end := context.WithTimeout(context.WithoutCancel(ctx), rememberTimeout)
		defer end()
		if err := f.store.release(ctx, name, f.now().UnixMicro()); err != nil {
			f.log.Debug("a hold was not given back; it ends by itself", "error", err)
		}
	}, nil
}

func (f *Files) keepHold(ctx context.Context, name string, lost context.CancelCauseFunc) {
	tick := time.NewTicker(holdEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := f.now()
		ours, err := f.store.renewHold(ctx, name, now.Add(holdFor).UnixMicro(), now.UnixMicro())
		if err == nil && !ours {
			lost(errs.New(errs.Unavailable, "The backup was held up for so long (did the machine sleep?) that content it needs may be gone. Run it again; what was copied is not copied twice."))
			return
		}
	}
}
