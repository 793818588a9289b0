package alerts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

const (
	prefix = "/api/v1/monitoring"
	// longestSilence is how long a silence may last; a rule nobody wants is switched off.
	longestSilence = 366 * day
	shortestPause  = time.Minute
	// mostListed is how many alerts one page of the list holds at most.
	mostListed = 200
)

// answer is a typed answer that nobody may keep.
type answer[T any] struct {
	CacheControl string `header:"Cache-Control" example:"no-store" doc:"Of this moment"`
	Body         T
}

func answerOf[T any](body T) *answer[T] { return &answer[T]{CacheControl: "no-store", Body: body} }

// alertBody is an alert as clients see it.
type alertBody struct {
	ID            string     `json:"id"`
	RuleID        string     `json:"rule_id" example:"disk-nearly-full"`
	Rule          string     `json:"rule" example:"Disk nearly full"`
	Severity      Severity   `json:"severity" enum:"info,warning,critical"`
	Series        string     `json:"series" example:"disk_percent" doc:"Key of the series, as in /metrics"`
	SeriesTitle   string     `json:"series_title" doc:"The disk, sensor ... for people; empty for the whole machine"`
	Title         string     `json:"title" example:"Disk nearly full"`
	Text          string     `json:"text" doc:"What is wrong in a sentence"`
	Advice        string     `json:"advice" doc:"What to do about it"`
	State         string     `json:"state" enum:"firing,clearing,no_data,over" doc:"clearing: well again, but not for long enough yet. no_data: nothing is measured any more, so nobody knows"`
	Unit          string     `json:"unit" example:"percent" doc:"Of the figures"`
	Condition     Condition  `json:"condition" enum:"above,below,increase,trend"`
	MissingData   bool       `json:"missing_data" doc:"It is about figures that are missing"`
	Flapping      bool       `json:"flapping" doc:"It came and went so often that it counts as one"`
	Threshold     float64    `json:"threshold"`
	Value         float64    `json:"value" doc:"The last figure"`
	Worst         float64    `json:"worst"`
	BeganAt       time.Time  `json:"began_at" doc:"When it went wrong"`
	RaisedAt      time.Time  `json:"raised_at"`
	ClearedAt     *time.Time `json:"cleared_at" doc:"null while it is open"`
	LastedSeconds int64      `json:"lasted_seconds" doc:"From began_at on, of one that is over"`
	Ended         string     `json:"ended" enum:",recovered,data,rule,off,deleted,gone" doc:"Why it is over: well again, measured again, its rule was changed and is no longer for it, switched off or deleted, or not measured for a week"`
	AckedAt       *time.Time `json:"acknowledged_at"`
	AckedBy       string     `json:"acknowledged_by" doc:"Name of who took note of it"`
	Note          string     `json:"note"`
	SilencedUntil *time.Time `json:"silenced_until" doc:"Nobody is notified until then"`
}

type alertsBody struct {
	Alerts     []alertBody `json:"alerts" nullable:"false" doc:"Newest first"`
	NextCursor string      `json:"next_cursor,omitempty" doc:"Send as cursor to get what follows; absent on the last page"`
}

type summaryBody struct {
	Open           int      `json:"open" doc:"Alerts that are open"`
	Unacknowledged int      `json:"unacknowledged" doc:"Of them, those that nobody took note of"`
	Worst          Severity `json:"worst" enum:",info,warning,critical" doc:"Of those that are open; empty when none is"`
}

type listInput struct {
	State  string    `query:"state" enum:"all,open,past" default:"all"`
	Rule   string    `query:"rule" maxLength:"100" doc:"Only those of a rule"`
	From   time.Time `query:"from" doc:"Only those of which some part is not before"`
	To     time.Time `query:"to" doc:"Only those raised not after"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string    `query:"cursor" maxLength:"200" doc:"The next_cursor of the page before"`
}

type idInput struct {
	ID string `path:"id" maxLength:"100"`
}

// Routes mounts the alerts.
func (a *Alerts) Routes(r *httpd.Router) {
	read, change := identity.ReadMonitoring, identity.ManageMonitoring
	httpd.Register(r, op(read, http.MethodGet, "/alerts", "list-alerts", "Alerts", "Those that are open and those that are over, newest first."), a.getAlerts)
	httpd.Register(r, op(read, http.MethodGet, "/alerts/summary", "get-alert-summary", "How many alerts are open", "For a badge."), a.getSummary)
	httpd.Register(r, op(change, http.MethodPost, "/alerts/{id}/acknowledge", "acknowledge-alert", "Take note of an alert", "It says who knows of it, with a note for the others. It stays open until it is over."), a.postAcknowledge)
	httpd.Register(r, op(change, http.MethodPost, "/alerts/{id}/silence", "silence-alert", "Silence an alert", "Nobody is notified of this rule for this series until then. When the silence ends and it is still open, they are."), a.postSilence)
	httpd.Register(r, op(change, http.MethodDelete, "/alerts/{id}/silence", "unsilence-alert", "End an alert's silence", ""), a.deleteSilenceOf)
	a.feedRoute(r)
	a.silenceRoutes(r)
	a.ruleRoutes(r)
}

func op(action identity.Action, method, path, id, summary, text string) httpd.Op {
	return httpd.Op{Action: action, Operation: huma.Operation{
		Method: method, Path: prefix + path, OperationID: id, Summary: summary, Description: text,
		Tags: []string{"Alerts"}, Errors: []int{http.StatusServiceUnavailable},
	}}
}

func (a *Alerts) getAlerts(ctx context.Context, in *listInput) (*answer[alertsBody], error) {
	p := page{past: in.State == "past", ruleID: in.Rule, from: math.MinInt64, to: math.MaxInt64, at: math.MaxInt64, limit: min(in.Limit, mostListed) + 1}
	if !in.From.IsZero() {
		p.from = in.From.UnixMicro()
	}
	if !in.To.IsZero() {
		p.to = in.To.UnixMicro()
	}
	if in.Cursor != "" {
		var err error
		if p.at, p.id, err = parseCursor(in.Cursor); err != nil {
			return nil, err
		}
	}
	body := alertsBody{Alerts: []alertBody{}}
	var list []*Entry
	var err error
	if in.State == "open" {
		list, err = a.store.open(ctx)
	} else {
		list, err = a.store.list(ctx, p)
		if err == nil && len(list) == p.limit {
			list = list[:p.limit-1]
			last := list[len(list)-1]
			body.NextCursor = formatCursor(last.Raised.UnixMicro(), last.ID)
		}
	}
	if err != nil {
		return nil, err
	}
	silences, err := a.store.silences(ctx, a.lent.Now())
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		body.Alerts = append(body.Alerts, a.bodyOf(e, silences))
	}
	return answerOf(body), nil
}

func formatCursor(at int64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at, 10) + " " + id))
}

func parseCursor(cursor string) (at int64, id string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	micros, id, found := strings.Cut(string(raw), " ")
	at, number := strconv.ParseInt(micros, 10, 64)
	if err != nil || !found || number != nil {
		return 0, "", errs.New(errs.Invalid, "cursor is not one that this list gave.")
	}
	return at, id, nil
}

// bodyOf shows an entry as it is in the database, with what is known better here: how it goes on.
func (a *Alerts) bodyOf(stored *Entry, silences []Silence) alertBody {
	e, state := *stored, "over"
	if e.Cleared.IsZero() {
		state = string(Firing)
		a.mu.Lock()
		if w := a.engine.watches[watchKey{e.RuleID, instanceOf(e.Series)}]; w != nil && w.alert != nil && w.alert.ID == e.ID {
			e.Last, e.Worst, e.Flapping = w.alert.Last, w.alert.Worst, w.alert.Flapping
			state = string(w.machine.phase)
		}
		a.mu.Unlock()
	}
	body := alertBody{
		ID: e.ID, RuleID: e.RuleID, Rule: e.RuleName, Severity: e.Severity, Series: e.Series, SeriesTitle: e.SeriesTitle, Title: e.title(), Text: e.says(), Advice: e.Advice,
		State: state, Unit: string(e.Unit), Condition: e.Condition, MissingData: e.NoFigure, Flapping: e.Flapping, Threshold: e.Threshold, Value: e.Last, Worst: e.Worst,
		BeganAt: e.Began.UTC(), RaisedAt: e.Raised.UTC(), ClearedAt: timeOrNil(e.Cleared), LastedSeconds: int64(e.Lasted / time.Second), Ended: e.Ended,
		AckedAt: timeOrNil(e.Acked), AckedBy: a.nameOf(e.AckedBy), Note: e.Note,
	}
	now := a.lent.Now()
	for i := range silences {
		if s := &silences[i]; e.Cleared.IsZero() && s.covers(e.RuleID, e.Series, now) && (body.SilencedUntil == nil || s.Until.After(*body.SilencedUntil)) {
			body.SilencedUntil = &s.Until
		}
	}
	return body
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (a *Alerts) getSummary(context.Context, *struct{}) (*answer[summaryBody], error) {
	return answerOf(a.summary()), nil
}

// summary comes from memory: many pages ask for it.
func (a *Alerts) summary() summaryBody {
	a.mu.Lock()
	defer a.mu.Unlock()
	rank := map[Severity]int{"": 0, Info: 1, Warning: 2, Critical: 3}
	var s summaryBody
	for _, e := range a.open {
		s.Open++
		if e.Acked.IsZero() {
			s.Unacknowledged++
		}
		if rank[e.Severity] > rank[s.Worst] {
			s.Worst = e.Severity
		}
	}
	return s
}

func (a *Alerts) postAcknowledge(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Note string `json:"note,omitempty" maxLength:"500" example:"A new disk is ordered" doc:"For the others"`
	}
},
) (*answer[alertBody], error) {
	by, now := actor(ctx), a.lent.Now()
	note := strings.TrimSpace(in.Body.Note)
	ok, err := a.store.acknowledge(ctx, in.ID, by, note, now)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, a.notOpen(ctx, in.ID)
	}
	a.mu.Lock()
	if e := a.open[in.ID]; e != nil {
		e.Acked, e.AckedBy, e.Note = now, by, note
	}
	a.mu.Unlock()
	a.tell()
	out, err := a.shown(ctx, in.ID)
	if err == nil {
		a.record(ctx, "alerts.acknowledged", out.Body.Title, note)
	}
	return out, err
}

// notOpen says why something cannot be done to an alert.
func (a *Alerts) notOpen(ctx context.Context, id string) error {
	e, err := a.store.entry(ctx, id)
	switch {
	case err != nil:
		return err
	case e == nil:
		return errs.New(errs.NotFound, "There is no such alert.")
	}
	return errs.New(errs.Conflict, "This alert is over already.")
}

// shown is an alert as it is now.
func (a *Alerts) shown(ctx context.Context, id string) (*answer[alertBody], error) {
	e, err := a.store.entry(ctx, id)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, errs.New(errs.NotFound, "There is no such alert.")
	}
	silences, err := a.store.silences(ctx, a.lent.Now())
	if err != nil {
		return nil, err
	}
	return answerOf(a.bodyOf(e, silences)), nil
}

// actor is the account that asks, or its name where there is none.
func actor(ctx context.Context) string {
	p := identity.From(ctx)
	if p.UserID != "" {
		return p.UserID
	}
	return p.Name
}

// feedRoute mounts the stream that says when something changed.
func (a *Alerts) feedRoute(r *httpd.Router) {
	feed := op(identity.ReadMonitoring, http.MethodGet, "/alerts/events", "follow-alerts", "Follow the alerts",
		"Server-Sent Events: event: alerts with the summary, at the beginning and whenever an alert was raised, went on, was taken note of or is over. What the list shows then is to be asked for anew.")
	feed.Responses = map[string]*huma.Response{
		"200": {Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}}},
		"429": {Description: "Too many live connections"}, "401": {Description: "Not signed in"}, "403": {Description: "Not allowed"}, "503": {Description: "Try again later"},
	}
	r.Handle(feed, a.serveFeed)
}

func (a *Alerts) serveFeed(w http.ResponseWriter, r *http.Request) error {
	slot, leave := a.listen()
	if slot == nil {
		return errs.New(errs.RateLimited, "Too many follow the alerts already. Try again later.")
	}
	defer leave()
	stream, err := httpd.OpenStream(w, r)
	if err != nil {
		return err
	}
	defer stream.Close()
	heartbeat := time.NewTicker(httpd.StreamHeartbeat)
	defer heartbeat.Stop()
	for {
		data, err := json.Marshal(a.summary())
		if err != nil {
			return err
		}
		stream.Event("", "alerts", data)
		if stream.Flush() != nil || !waitForNews(stream, slot, heartbeat.C) {
			return nil
		}
	}
}

// waitForNews reports whether there is something new, or the stream has ended.
func waitForNews(stream *httpd.Stream, slot <-chan struct{}, heartbeat <-chan time.Time) bool {
	for {
		select {
		case <-stream.Done():
			return false
		case <-slot:
			return true
		case <-heartbeat:
			if stream.Heartbeat("") != nil {
				return false
			}
		}
	}
}

func newID() string { return uuid.NewString() }
