// Package monitor is the room that watches the machine: processor, memory, disk, network and
// the size of the library, shown live on the dashboard.
//
// One sampler owns every baseline. It ticks every 2 s on even seconds, asks all collectors at
// once and publishes an immutable Snapshot through an atomic pointer. WebSocket, REST and the
// last minutes read that snapshot, and the history (package history) is handed it. Nobody else calls the operating system, but
// for /metrics, which has counts read anew (scrape.go says why). The dashboard is encoded once a tick and the same bytes go to
// every client.
//
// Invariants:
//   - A collector that is late or fails leaves a gap (null), never a zero, and never delays a
//     tick by more than its deadline. One that hangs is not asked again until it returns.
//   - The figures the original promised as numbers stay numbers: through a gap processor, memory
//     and disk keep their last known value, and "stale" in the system figures names them.
//     Until each was known once, readers get 503.
//   - A client that does not read costs nobody anything: it has a mailbox of one frame, the
//     newest wins, and after 10 s without progress its connection is closed.
package monitor

import (
	"cmp"
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"homeserver/internal/monitor/alerts"
	"homeserver/internal/monitor/feed"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/service"
)

// firstWait bounds how long a reader waits for the very first snapshot, which is ready about
// 100 ms after the start; longer means that the sampler does not run.
const firstWait = 5 * time.Second

//go:embed migrations/*.sql
var migrations embed.FS

// Config says what to watch.
type Config struct {
	// Metrics says who may read /metrics: MetricsToken, MetricsLAN or MetricsOff.
	Metrics string `env:"METRICS" envDefault:"token"`

	StoragePath string    // directory of the library: its file system is "the disk"
	Started     time.Time // start of the process, for the uptime
	Version     string    // of the program, as Prometheus is told
	// Root is where /proc and /sys are found on Linux; "" is "/".
	Root string
	// HistoryURL is the SQLite file of the history, for sqldb.Open; "" keeps none.
	HistoryURL string
	// HistoryMaxBytes is how large it may grow; 0 is the usual limit.
	HistoryMaxBytes int64
	// Events are asked for what other rooms know to have happened in a span.
	Events []EventSource
}

// Usage tells how many files the library holds and their bytes, from memory.
type Usage func() (files, bytes int64)

// Monitor samples the machine and hands out what it saw.
type Monitor struct {
	config    Config
	usage     Usage
	log       *slog.Logger
	current   atomic.Pointer[Snapshot]
	first     chan struct{} // closed when current is set for the first time
	feed      *feed.Feed
	shown     atomic.Pointer[shown]
	memory    memory
	live      *live
	sampler   *sampler
	scraper   *scraper
	metrics   *metric.Registry
	house     house
	alerts    *alerts.Alerts // nil without UseAlerts
	processes *processes
	freezing  chan struct{} // an alert was raised
}

// New makes the room. It asks the system nothing before Run.
func New(config Config, usage func() (files, bytes int64), log *slog.Logger) *Monitor {
	return newMonitor(config, usage, log, newSource(cmp.Or(config.Root, "/")))
}

func newMonitor(config Config, usage Usage, log *slog.Logger, src *source) *Monitor {
	return &Monitor{
		config: config, usage: usage, log: log, first: make(chan struct{}),
		feed: feed.New(tickInterval, recentWindow), memory: newMemory(), live: newLive(), sampler: newSampler(config.StoragePath, src, log), scraper: newScraper(log, src.scraped),
		metrics: src.metrics, freezing: make(chan struct{}, 1), processes: newProcesses(src.root),
	}
}

// Service is what the room offers the house.
func (m *Monitor) Service() service.Service {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic("monitor: the embedded migrations have moved: " + err.Error())
	}
	return service.Service{Name: "monitoring", Migrations: sub, Routes: m.routes, Run: m.Run}
}

// Run samples until ctx ends, then says goodbye to the live clients.
func (m *Monitor) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { m.live.run(ctx) })
	group.Go(func() { m.runMemory(ctx) })
	group.Go(func() { m.askHouse(ctx) })
	group.Go(func() { m.runFreezer(ctx) })
	if m.alerts != nil {
		group.Go(func() { _ = m.alerts.Run(ctx) }) // it only ends with ctx
	}
	m.sampler.run(ctx, m.publish)
	m.scraper.close()
	group.Wait()
	return nil
}

// publish makes s what everybody sees from now on.
func (m *Monitor) publish(s *Snapshot) {
	s.Readings = append(m.readings(s), m.houseReadings()...)
	m.remember(s)
	if m.alerts != nil {
		m.alerts.Take(s.Tick())
	}
	if s.Complete() {
		frame := m.frame(s)
		m.shown.Store(&shown{frame: frame})
		m.live.publish(frame) // before current: clients join only once there is one
	}
	m.feed.Publish(s.Tick())
	if m.current.Swap(s) == nil {
		close(m.first)
	}
}

// snapshot returns the newest complete snapshot. Right after the start it waits for the first.
func (m *Monitor) snapshot(ctx context.Context) (*Snapshot, error) {
	s := m.current.Load()
	if s == nil {
		ctx, cancel := context.WithTimeout(ctx, firstWait)
		defer cancel()
		select {
		case <-m.first:
			s = m.current.Load()
		case <-ctx.Done():
			return nil, errs.Wrap(errs.Unavailable, "Nothing has been measured yet. Try again in a few seconds.", ctx.Err())
		}
	}
	if !s.Complete() {
		return nil, errs.Newf(errs.Unavailable, "Not known yet: %s. Try again in a few seconds.", s.missing())
	}
	return s, nil
}

// SeriesCount is how many figures the last tick had.
func (m *Monitor) SeriesCount() int {
	if s := m.current.Load(); s != nil {
		return len(s.Readings)
	}
	return 0
}
