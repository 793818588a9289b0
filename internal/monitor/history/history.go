// Package history remembers the machine's figures: every 2 s for 7 days, every minute for 90
// days, every hour for 5 years, each minute and hour with minimum, maximum, mean and count.
//
// It has an SQLite file of its own, so that its writes never wait on anybody's files. A row
// holds a page of one series: an hour of samples, a day of minutes, thirty days of hours
// (page.go), so that a sample costs about a byte.
//
// The story of a sample. Append puts it into the open hour, in memory. Every 20 s what came
// since is written to the table tail in one small row; that is all that a crash can lose. When
// the hour is over its pages are written, the minutes and the hour are worked out from them
// and merged into theirs, and the tail is emptied, all in one transaction. Whatever lies in the
// open hour is worked out when somebody asks.
//
// Invariants: minutes and hours are always those of the samples they were made from; a time
// that is written twice (the clock was set back) holds what was written last; a gap is a gap,
// never a zero.
package history

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"homeserver/internal/platform/sqldb"
)

const (
	// tailEvery is how often what is new is made durable.
	tailEvery = 20 * time.Second
	// trimEvery is how often what is too old or too much is dropped.
	trimEvery = time.Hour
	// mostSeries bounds what devices that come and go may add up to; the open hour of each takes
	// 14 kB of memory while it is measured.
	mostSeries = 4000
	// mostFresh bounds, in ticks, what is kept while the file cannot be written: an hour, at 16
	// bytes a figure.
	mostFresh = int(samplesPerHour)
	// closeTimeout bounds the last write when the house stops.
	closeTimeout = 5 * time.Second
	// filePage is the size of the file's own pages, in bytes: the smallest there is. Most rows are of several
	// of them, and the last one of each is what is wasted. With SQLite's own 4,096 that is a fifth of the file.
	filePage = 512
	// DefaultMaxBytes is how large the file may grow: 200 series over five years take a fifth of it, or
	// half where all of them are noise.
	DefaultMaxBytes = 1 << 30
)

// Config says where and how much to remember.
type Config struct {
	URL      string // of the SQLite file, for sqldb.Open
	MaxBytes int64  // 0: DefaultMaxBytes
}

// Sample is one figure of a tick.
type Sample struct {
	Series int     // from History.Series
	Value  float64 // NaN is a gap
}

// History is an open history. Its methods may be called from several goroutines.
type History struct {
	config Config
	db     *sqldb.DB
	log    *slog.Logger
	pages  packer

	mu     sync.Mutex
	series []series
	byKey  map[string]int
	hour   int64           // the open hour's number since 1970; noHour before the first sample
	open   map[int][]int64 // its samples, by series; gap where there is none
	fresh  []tick          // since the tail was written, or of an hour that cannot be opened yet

	forgotten int   // how many of series are
	crowded   int64 // the hour in which none could give way to another; noHour for never
}

// noHour is the open hour before the first sample.
const noHour = math.MinInt64

// series is one remembered figure.
type series struct {
	id    int64
	key   string
	title string  // for people
	scale float64 // stored = round(value * scale)
	// forgotten: nothing is left of it, and its row is gone. Its number may be in use all the same.
	forgotten bool
}

// tick is what was appended at one time.
type tick struct {
	slot    int64 // since 1970, of sampleStep
	samples []int
	values  []int64
}

// Open opens or makes the history and takes in what a crash left in the tail. The caller
// closes it.
func Open(ctx context.Context, config Config, log *slog.Logger) (*History, error) {
	if config.MaxBytes == 0 {
		config.MaxBytes = DefaultMaxBytes
	}
	db, err := config.open(ctx, log, sqldb.PageSize(filePage))
	if err != nil {
		return nil, err
	}
	h := &History{config: config, db: db, log: log, byKey: map[string]int{}, hour: noHour, crowded: noHour, open: map[int][]int64{}}
	if err := h.load(ctx); err != nil {
		_ = db.Close()
		return nil, config.broken(err)
	}
	return h, nil
}

// Close writes what is new and closes the file.
func (h *History) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := h.Flush(ctx)
	if closed := h.db.Close(); err == nil {
		err = closed
	}
	return err
}

// Run makes what is new durable every 20 s and drops what is too old, until ctx ends.
func (h *History) Run(ctx context.Context) error {
	tail, trim := time.NewTicker(tailEvery), time.NewTicker(trimEvery)
	defer tail.Stop()
	defer trim.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-tail.C:
			err = h.Flush(ctx)
		case now := <-trim.C:
			err = h.Trim(ctx, now)
		}
		if err != nil && ctx.Err() == nil {
			h.log.Warn("the history of the figures cannot be written; it goes on in memory", "error", h.config.broken(err))
		}
	}
}

// Series returns the number of the series called key, and makes it if it is new. The title is
// for people, and may change. scale is how finely its values are kept: 10 keeps tenths.
func (h *History) Series(ctx context.Context, key, title string, scale float64) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i, ok := h.byKey[key]; ok {
		if h.series[i].forgotten {
			return i, h.revive(ctx, i, title)
		}
		if h.series[i].title == title {
			return i, nil
		}
		h.series[i].title = title
		return i, h.rename(ctx, h.series[i].id, title)
	}
	if err := h.room(ctx, key); err != nil {
		return 0, err
	}
	s, err := h.addSeries(ctx, key, title, scale)
	if err != nil {
		return 0, err
	}
	return h.keep(s), nil
}

// Known is a series that was remembered once.
type Known struct {
	Key, Title string
}

// List is every series of which something is remembered, or is going to be, oldest first.
func (h *History) List() []Known {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]Known, 0, len(h.series))
	for _, s := range h.series {
		if !s.forgotten {
			list = append(list, Known{s.key, s.title})
		}
	}
	return list
}

func (h *History) keep(s series) int {
	h.series = append(h.series, s)
	h.byKey[s.key] = len(h.series) - 1
	return len(h.series) - 1
}

// Append remembers the samples of one tick. It does no I/O but once an hour, when the last
// hour is put away, and for a series that was forgotten and is measured again.
func (h *History) Append(ctx context.Context, at time.Time, samples []Sample) error {
	slot := floorDiv(at.UnixMilli(), int64(sampleStep/time.Millisecond))
	t := tick{slot: slot, samples: make([]int, 0, len(samples)), values: make([]int64, 0, len(samples))}
	h.mu.Lock()
	defer h.mu.Unlock()
	var failure error
	for _, s := range samples {
		v := h.series[s.Series].fix(s.Value)
		if v == gap {
			continue
		}
		if h.series[s.Series].forgotten {
			if err := h.revive(ctx, s.Series, h.series[s.Series].title); err != nil {
				failure = err
				continue
			}
		}
		t.samples = append(t.samples, s.Series)
		t.values = append(t.values, v)
	}
	err := h.moveTo(ctx, floorDiv(slot, samplesPerHour))
	h.put(t)
	h.fresh = append(h.fresh, t)
	if n := len(h.fresh) - mostFresh; n > 0 {
		h.fresh = slices.Delete(h.fresh, 0, n)
	}
	return h.config.broken(errors.Join(failure, err))
}

// moveTo makes hour the open one. When the last one cannot be put away now it stays open, and what
// comes waits in fresh; the error says so. What waited is put away with its own hour.
func (h *History) moveTo(ctx context.Context, hour int64) error {
	for h.hour != hour {
		if h.hour != noHour {
			if err := h.putAway(ctx); err != nil {
				return err
			}
		}
		next := hour
		if i := slices.IndexFunc(h.fresh, func(t tick) bool { return t.hour() != hour }); i >= 0 {
			next = h.fresh[i].hour()
		}
		open, err := h.reopen(ctx, next)
		if err != nil {
			return err
		}
		h.hour, h.open = next, open
		for _, t := range h.fresh {
			h.put(t)
		}
	}
	return nil
}

// hour is the number of the hour that a tick lies in.
func (t tick) hour() int64 { return floorDiv(t.slot, samplesPerHour) }

// isOpen reports whether a tick lies in the open hour.
func (h *History) isOpen(t tick) bool { return t.hour() == h.hour }

// put takes a tick into the open hour, if it is of it.
func (h *History) put(t tick) {
	if !h.isOpen(t) {
		return
	}
	at := int(t.slot - h.hour*samplesPerHour)
	for i, s := range t.samples {
		page := h.open[s]
		if page == nil {
			page = gaps(int(samplesPerHour))
			h.open[s] = page
		}
		page[at] = t.values[i]
	}
}

// fix turns a value into what is stored.
func (s series) fix(v float64) int64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return gap
	}
	return clamp(math.Round(v * s.scale))
}

func (s series) float(v int64) float64 {
	if v == gap {
		return math.NaN()
	}
	return float64(v) / s.scale
}

// clamp keeps a value within what deltas of an int64 can bear.
func clamp(v float64) int64 {
	const most = 1 << 50 // 1,800 of them still add up
	switch {
	case v > most:
		return most
	case v < -most:
		return -most
	}
	return int64(v)
}

// floorDiv divides towards minus infinity, for times before 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
