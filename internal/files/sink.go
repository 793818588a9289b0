package files

import (
	"context"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

const (
	// stepFiles is how many files one transaction marks as deleted, or as there again, when a large
	// folder goes to the trash or comes back: on a slow disk well under a second, for which others wait.
	stepFiles = 500
	// risingFor is how long nobody else marks files of a folder that is being taken out of the
	// trash, after each step: many times what a step takes.
	risingFor = time.Minute
	// sinkEvery is how often it is looked for large folders in the trash whose files are not all
	// marked: what another copy of the server left behind, or this one when it was killed.
	sinkEvery = time.Minute
)

// A folder that holds more files than one transaction marks goes to the trash in two parts. The
// first is one short transaction: the folders, all counters, the feed, the thing in the trash;
// from then on nobody sees any of its files, because its folders are listed as sinking. Then the
// rows of the files are marked, step by step; nobody waits for that, and nothing is lost if it is broken
// off. Coming back is the same backwards: the rows first, and one short transaction at the end.

// sinker marks what sinks until ctx ends.
func (f *Files) sinker(ctx context.Context) {
	tick := time.NewTicker(sinkEvery)
	defer tick.Stop()
	for {
		if err := f.Sink(ctx); err != nil && ctx.Err() == nil {
			f.log.Warn("files of a folder in the trash cannot be marked yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-f.sinks:
		}
	}
}

// sinkSoon wakes the sinker.
func (f *Files) sinkSoon() {
	select {
	case f.sinks <- struct{}{}:
	default: // it knows
	}
}

// Sink marks the files of all large folders in the trash.
func (f *Files) Sink(ctx context.Context) error { return f.sink(ctx, nil) }

// sink marks the files of things in the trash, or with none of all, except of what somebody is
// taking out.
func (f *Files) sink(ctx context.Context, among []string) error {
	list, err := f.store.sinking(ctx, among)
	if err != nil {
		return err
	}
	for _, id := range list {
		for more := true; more; {
			if more, err = f.store.sinkSome(ctx, id, f.now().UnixMicro()); err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// sinkFiles marks the files of those large folders in the trash that some files lie in.
func (f *Files) sinkFiles(ctx context.Context, ids []string) error {
	list, err := f.store.sinkingWith(ctx, f.store.db, ids)
	if err != nil || len(list) == 0 {
		return err
	}
	return f.sink(ctx, list)
}

// rise makes the files of a large folder ready to come back from the trash. Whoever breaks it off
// leaves them hidden, and the sinker marks them again. It counts them, too.
func (f *Files) rise(ctx context.Context, t *Trashed) (counted map[string]ahead, err error) {
	if !f.store.large(t) {
		return nil, nil // the transaction that takes it out does it all
	}
	for more := true; more; {
		now := f.now()
		if more, err = f.store.riseSome(ctx, t.ID, now.UnixMicro(), now.Add(risingFor).UnixMicro()); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	risen, err := f.store.countRisen(ctx, f.store.db, t.ID)
	return map[string]ahead{t.ID: risen}, err
}

// countAhead counts what lies in large folders that are to go to the trash.
func (f *Files) countAhead(ctx context.Context, folders []string) (map[string]ahead, error) {
	counted := map[string]ahead{}
	for _, id := range inOrder(folders) {
		d, err := f.store.folder(ctx, f.store.db, id)
		if errs.Is(err, errs.NotFound) || err == nil && (d.root() || d.files <= int64(f.store.atOnce) || gateFolder(identity.From(ctx), identity.ChangeFile)(d) != nil) {
			continue
		}
		if err == nil {
			counted[id], err = f.store.countLive(ctx, f.store.db, id)
		}
		if err != nil {
			return nil, err
		}
	}
	return counted, nil
}

// letSink leaves a large folder that did not come back to the sinker.
func (f *Files) letSink(ctx context.Context, t *Trashed) {
	if !f.store.large(t) {
		return
	}
	if err := f.store.letSink(context.WithoutCancel(ctx), t.ID); err != nil {
		f.log.Debug("a folder in the trash is left alone for a while", "error", err)
	}
	f.sinkSoon()
}
