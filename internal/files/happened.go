package files

import (
	"context"
	"time"

	"homeserver/internal/platform/errs"
)

const (
	// mostDates is how many uploads one look at a span reads, the newest: enough for a day on
	// which a whole library came, and done in a few hundredths of a second.
	mostDates = 20_000
	// uploadBuckets is how many marks the uploads of a span become at most, each of a minute or more.
	uploadBuckets = 120
)

// Happening is something that this room did or was asked to do, as charts of the machine mark it.
type Happening struct {
	At, Until time.Time // Until is zero where it took no time, or is not over
	Kind      string    // upload, backup or check
	Count     int64
	Failed    bool
}

// Happened tells what happened from a time until before another, at most so many of each kind:
// uploads, counted together where they lie close, backups, and the last time that all content was
// read again.
func (f *Files) Happened(ctx context.Context, from, to time.Time, most int) ([]Happening, error) {
	dates, err := f.store.uploadDates(ctx, from, to, mostDates)
	if err != nil {
		return nil, err
	}
	list := gather(dates, max(time.Minute, to.Sub(from)/uploadBuckets).Round(time.Minute))
	backups, err := f.store.backupsWithin(ctx, from.UnixMicro(), to.UnixMicro(), most)
	if err != nil {
		return nil, err
	}
	for _, b := range backups {
		h := Happening{At: time.UnixMicro(b.started).UTC(), Kind: "backup", Count: 1, Failed: b.err != ""}
		if b.finished != nil {
			h.Until = time.UnixMicro(*b.finished).UTC()
		}
		list = append(list, h)
	}
	read, err := f.store.scrubPass(ctx)
	if err != nil {
		return nil, err
	}
	if read.started >= from.UnixMicro() && read.started < to.UnixMicro() {
		h := Happening{At: time.UnixMicro(read.started).UTC(), Kind: "check", Count: 1}
		if read.finished >= read.started {
			h.Until = time.UnixMicro(read.finished).UTC()
		}
		list = append(list, h)
	}
	if len(dates) == mostDates {
		err = errs.New(errs.TooLarge, "There were more uploads than are counted.")
	}
	return list, err
}

// gather counts dates, which are in order, in buckets of a width.
func gather(dates []time.Time, width time.Duration) (list []Happening) {
	for _, at := range dates {
		bucket := at.Truncate(width)
		if n := len(list); n > 0 && list[n-1].At.Equal(bucket) {
			list[n-1].Count++
			continue
		}
		list = append(list, Happening{At: bucket, Until: bucket.Add(width), Kind: "upload", Count: 1})
	}
	return list
}
