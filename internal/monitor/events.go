package monitor

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/errs"
)

// The kinds of events that the room itself notes.
const (
	eventBoot  = "boot"         // the machine started
	eventStart = "server_start" // HomeServer started
	eventOOM   = "oom_kill"     // the kernel killed processes for want of memory
	eventAlert = "alert"        // a rule was broken
)

const (
	// maxEvents is how many events one answer holds: more marks than a chart has room for.
	maxEvents = 1000
	// eventsTimeout is how long another room may take to say what it knows; a chart does not wait.
	eventsTimeout = 2 * time.Second
)

// Event is something that happened, to be marked in charts.
type Event struct {
	At    time.Time  `json:"at"`
	Until *time.Time `json:"until,omitempty" doc:"When it was over, of what took a while"`
	Kind  string     `json:"kind" example:"boot" doc:"boot, server_start, oom_kill, alert, upload, job ..."`
	Title string     `json:"title,omitempty" example:"Disk nearly full" doc:"What else there is to say, for people"`
	Count int64      `json:"count" example:"1" doc:"How many at once"`
}

// EventSource tells what a room knows to have happened from a time until before another, at
// most so many, the newest if there are more.
type EventSource func(ctx context.Context, from, to time.Time, most int) ([]Event, error)

type eventsInput struct {
	From time.Time `query:"from" required:"true" doc:"Where the span begins"`
	To   time.Time `query:"to" doc:"Where it ends; now if left out"`
}

type eventsBody struct {
	Events   []Event `json:"events" nullable:"false" doc:"Oldest first"`
	Complete bool    `json:"complete" doc:"false: there are more, or a part of the server did not answer in time"`
}

func (m *Monitor) getEvents(ctx context.Context, in *eventsInput) (*answer[eventsBody], error) {
	if in.To.IsZero() {
		in.To = time.Now()
	}
	if err := checkSpan(in.From, in.To); err != nil {
		return nil, err
	}
	body := eventsBody{Events: []Event{}, Complete: true}
	h, err := m.long(ctx)
	if err != nil {
		return nil, err
	}
	noted, err := h.Events(ctx, in.From, in.To, maxEvents)
	if err != nil {
		return nil, err
	}
	for _, e := range noted {
		body.Events = append(body.Events, Event{At: e.At, Kind: e.Kind, Count: e.Count})
	}
	body.Complete = len(noted) < maxEvents
	ctx, cancel := context.WithTimeout(ctx, eventsTimeout)
	defer cancel()
	for _, source := range append([]EventSource{m.alertEvents}, m.config.Events...) {
		more, err := source(ctx, in.From, in.To, maxEvents)
		if err != nil {
			m.log.Warn("a part of the server cannot say what happened", "error", err)
		}
		body.Complete = body.Complete && err == nil && len(more) < maxEvents
		body.Events = append(body.Events, more...)
	}
	slices.SortStableFunc(body.Events, func(a, b Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind)) })
	if extra := len(body.Events) - maxEvents; extra > 0 {
		body.Events, body.Complete = body.Events[extra:], false
	}
	return answerOf(body), nil
}

// alertEvents is the alerts of a span.
func (m *Monitor) alertEvents(ctx context.Context, from, to time.Time, most int) ([]Event, error) {
	if m.alerts == nil {
		return nil, nil
	}
	list, err := m.alerts.Past(ctx, from, to, most)
	var events []Event
	for _, e := range list {
		one := Event{At: e.Raised, Kind: eventAlert, Title: e.RuleName, Count: 1}
		if e.SeriesTitle != "" {
			one.Title += ": " + e.SeriesTitle
		}
		if !e.Cleared.IsZero() {
			one.Until = &e.Cleared
		}
		events = append(events, one)
	}
	return events, err
}

// checkSpan refuses a span that nothing can be known of.
func checkSpan(from, to time.Time) error {
	switch span := to.Sub(from); {
	case span <= 0:
		return errs.New(errs.Invalid, "The span must end after it begins.")
	case span > longestSpan:
		return errs.New(errs.Invalid, "Five years is the longest span.")
	}
	return nil
}

// noteStart notes that server and machine have started.
func (m *Monitor) noteStart(ctx context.Context, h *history.History) {
	started := m.config.Started
	err := h.Note(ctx, history.Event{At: started, Kind: eventStart, ID: strconv.FormatInt(started.UnixMilli(), 10), Count: 1})
	if id, at, known := lastBoot(); err == nil && known {
		err = h.Note(ctx, history.Event{At: at, Kind: eventBoot, ID: id, Count: 1})
	}
	if err != nil && ctx.Err() == nil {
		m.log.Warn("the start cannot be noted in the history of the figures", "error", err)
	}
}

// noteEvents notes what a tick's readings tell to have happened.
func (m *Monitor) noteEvents(ctx context.Context, h *history.History, t metric.Tick) error {
	for _, r := range t.Readings {
		if r.Metric.Name == metric.OOMKills && r.Value > 0 {
			return h.Note(ctx, history.Event{At: t.At, Kind: eventOOM, ID: strconv.FormatInt(t.At.UnixMilli(), 10), Count: int64(r.Value)})
		}
	}
	return nil
}
