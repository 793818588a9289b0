// Package alerts says when something is wrong with the machine or the house, until when, and
// how badly.
//
// The story of an alert. Every tick of the sampler is handed over through a queue and evaluated
// by one goroutine: each rule keeps a state machine for each series that it is for. A figure
// beyond the threshold makes the series pending; when it stayed so for the rule's time the alert
// is raised; when it was on the good side of the other threshold for the hold-down it is cleared.
// Raising and clearing are each one transaction that also hands the notification over, so that
// a crash loses neither or both. An open alert outlives the server.
//
// Invariants:
//   - A tick never waits: not for the database, not for the history, not for who is notified.
//     While the database is away what happened is kept, in order, and written when it is back.
//   - Times within a rule are measured by a clock that only runs forward. A wall clock that is set,
//     summer time and a machine that slept concern nobody; they are for people to read.
//   - Without data nothing is well: an open alert stays open, and a series says that it is unknown.
//   - A series has at most one open alert of a rule; one that flaps is one alert.
//   - What is silenced is an alert all the same, but nobody is notified before the silence ends.
package alerts

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/sqldb"
)

const (
	// queued is how many ticks may wait, which is a minute; then the oldest is left out.
	queued = 30
	// loadRetry is how soon the rules are read again after that failed.
	loadRetry = 5 * time.Second
	// careEvery is how often what changes slowly is looked after.
	careEvery = time.Minute
	// trendEvery is how often forecasts are made.
	trendEvery = 5 * time.Minute
	// firstTrend is how soon after the start, when the history is open and knows something.
	firstTrend = 20 * time.Second
	// mostListeners bounds who follows the alerts at once.
	mostListeners = 1000
)

// Message is what somebody is to be notified of.
type Message struct {
	Key      string // the alert's id, the same for both its messages
	Severity Severity
	State    string // raised or recovered
	Title    string
	Text     string
	At       time.Time
	Link     string  // a page of the house, beginning with /
	Points   []Point // the figure of the last hour, for a small chart; may be empty
}

// Point is one value of the chart.
type Point struct {
	At    time.Time
	Value float64
}

// Outbox takes messages over in the transaction of the alert that they are about. It only writes
// them down: it never waits for who receives them.
type Outbox interface {
	Enqueue(ctx context.Context, tx *sqldb.Tx, m Message) error
}

// Lent is what the house lends.
type Lent struct {
	Outbox      Outbox                                                   // nil: nobody is notified
	Record      func(ctx context.Context, action, target, detail string) // the audit log; nil: none
	DisplayName func(id string) string                                   // of an account; nil: its id
	// History is the open history of the figures, or an error while there is none.
	History func(ctx context.Context) (*history.History, error)
	Raised  func()           // is told when an alert is raised, and must not wait; nil: nobody
	Now     func() time.Time // nil: time.Now
}

// Alerts watches the figures. Its methods may be called from several goroutines.
type Alerts struct {
	store    store
	metrics  *metric.Registry
	log      *slog.Logger
	lent     Lent
	queue    chan arrival
	started  time.Time // its monotonic reading is the beginning of the engine's time
	soon     chan struct{}
	charting atomic.Bool // the history is being asked for a chart

	mu        sync.Mutex
	engine    *engine
	loaded    bool // the rules were read
	silences  []Silence
	open      map[string]*Entry // by id
	writes    []write
	retryAt   time.Duration // no write is tried before
	failing   bool          // one failed, which was logged
	away      bool          // because the database is: then none is tried
	listeners map[chan struct{}]bool
}

// arrival is a tick and when it came, by the clock that only runs forward.
type arrival struct {
	tick metric.Tick
	at   time.Duration
}

// New makes the watch. It does no I/O.
func New(db *sqldb.DB, metrics *metric.Registry, lent Lent, log *slog.Logger) *Alerts {
	if lent.Now == nil {
		lent.Now = time.Now
	}
	return &Alerts{
		store: store{db}, metrics: metrics, log: log, lent: lent, queue: make(chan arrival, queued), started: time.Now(), soon: make(chan struct{}, 1),
		engine: newEngine(metrics), open: map[string]*Entry{}, listeners: map[chan struct{}]bool{},
	}
}

// Take hands a tick over. It never waits: when a minute of ticks waits already, the oldest is
// left out.
func (a *Alerts) Take(t metric.Tick) {
	next := arrival{t, time.Since(a.started)}
	for {
		select {
		case a.queue <- next:
			return
		default:
		}
		select {
		case <-a.queue:
		default:
		}
	}
}

// Run evaluates what is handed over until ctx ends.
func (a *Alerts) Run(ctx context.Context) error {
	if !a.begin(ctx) {
		return nil
	}
	var group sync.WaitGroup
	group.Go(func() { a.foretell(ctx) })
	defer group.Wait()
	care := time.NewTicker(careEvery)
	defer care.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case next := <-a.queue:
			a.evaluate(next)
			a.settle(ctx)
		case <-care.C:
			a.care(ctx)
		case <-a.soon:
			a.reload(ctx)
			a.settle(ctx)
			a.settleOwed(ctx)
		}
	}
}

// begin reads rules and open alerts, again and again while the database is away.
func (a *Alerts) begin(ctx context.Context) bool {
	for {
		err := a.load(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		a.log.Warn("the rules of the alerts cannot be read yet; it is tried again", "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(loadRetry):
		}
	}
}

// load takes over what the last life of the server left.
func (a *Alerts) load(ctx context.Context) error {
	rules, err := a.readRules(ctx)
	if err != nil {
		return err
	}
	now := a.lent.Now()
	silences, err := a.store.silences(ctx, now)
	if err != nil {
		return err
	}
	entries, err := a.store.open(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.engine.use(rules)
	a.silences, a.loaded = silences, true
	for _, e := range entries {
		a.open[e.ID] = e
		if !a.engine.resume(e) {
			a.finish(e, a.engine.unwatched(e.RuleID), now)
		}
	}
	return nil
}

// evaluate takes one tick.
func (a *Alerts) evaluate(next arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.engine.step(next.tick, next.at) {
		a.happened(h, next.tick.At)
	}
	for _, e := range a.open {
		if w := a.engine.watches[watchKey{e.RuleID, instanceOf(e.Series)}]; w != nil && w.alert == e && w.machine.phase != Unknown && !e.NoFigure {
			e.Last, e.Worst = w.figure, w.rule.worse(e.Worst, w.figure)
		}
	}
}

func instanceOf(key string) string {
	_, instance, err := metric.ParseKey(key)
	if err != nil {
		return ""
	}
	return instance
}

// reload takes over what another copy, or somebody here, changed of rules and silences.
func (a *Alerts) reload(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	rules, err := a.readRules(ctx)
	var silences []Silence
	if err == nil {
		silences, err = a.store.silences(ctx, a.lent.Now())
	}
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			a.log.Warn("the rules of the alerts cannot be read; those of before count", "error", err)
		}
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.silences = silences
	for _, w := range a.engine.use(rules) {
		if w.alert != nil {
			a.finish(w.alert, a.engine.unwatched(w.rule.ID), a.lent.Now())
		}
	}
}

// changed has the rules looked at soon, and says so to who follows.
func (a *Alerts) changed() {
	select {
	case a.soon <- struct{}{}:
	default: // they will be
	}
	a.tell()
}

// listen returns a slot that is filled when something changed, and what ends that; nil when too
// many listen already.
func (a *Alerts) listen() (<-chan struct{}, func()) {
	slot := make(chan struct{}, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.listeners) >= mostListeners {
		return nil, nil
	}
	a.listeners[slot] = true
	return slot, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.listeners, slot)
	}
}

// tell fills the slots.
func (a *Alerts) tell() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for slot := range a.listeners {
		select {
		case slot <- struct{}{}:
		default:
		}
	}
}
