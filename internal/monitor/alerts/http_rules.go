package alerts

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// RuleFields is what a rule is made of, as clients send it. Times are in seconds.
type RuleFields struct {
	Name        string    `json:"name" maxLength:"100" example:"Photos disk nearly full"`
	Enabled     bool      `json:"enabled"`
	Severity    Severity  `json:"severity" enum:"info,warning,critical"`
	Metric      string    `json:"metric" maxLength:"100" example:"disk_percent" doc:"From /metrics"`
	Instance    string    `json:"instance" maxLength:"300" example:"*" doc:"Which instances: * stands for any characters; empty is the whole machine only"`
	Condition   Condition `json:"condition" enum:"above,below,increase,trend" doc:"above, below: the value reaches the threshold. increase: it grew by so much within the window. trend: going on as in the window, it reaches limit within so many seconds"`
	Raise       float64   `json:"raise" example:"95" doc:"Threshold to raise at: reached is enough. Of a trend in seconds"`
	Clear       float64   `json:"clear" example:"90" doc:"Threshold to clear at"`
	Against     string    `json:"against,omitempty" maxLength:"100" doc:"Compare how much is left to this metric of the same instance"`
	Limit       float64   `json:"limit,omitempty" example:"100" doc:"trend: what must not be reached"`
	AtLeast     float64   `json:"at_least,omitempty" example:"60" doc:"trend: below this value nothing alarms"`
	WindowSecs  int64     `json:"window_seconds,omitempty" minimum:"0" maximum:"604800" example:"3600" doc:"increase, trend: how far to look back"`
	ForSecs     int64     `json:"for_seconds" minimum:"0" maximum:"604800" example:"300" doc:"It must be wrong for so long"`
	HoldSecs    int64     `json:"hold_seconds" minimum:"0" maximum:"604800" example:"300" doc:"It must be well for so long"`
	NoData      NoData    `json:"no_data" enum:"keep,alert,clear" doc:"What to do when it is no longer measured: show that, raise an alert about it, or take it for well. An open alert stays open but for clear"`
	NoDataAfter int64     `json:"no_data_after_seconds,omitempty" minimum:"30" maximum:"604800" default:"120"`
	Advice      string    `json:"advice,omitempty" maxLength:"500" doc:"What to do about it"`
}

func (f *RuleFields) rule(id string) Rule {
	s := func(n int64) time.Duration { return time.Duration(n) * time.Second }
	return Rule{
		ID: id, Name: f.Name, Enabled: f.Enabled, Severity: f.Severity, Metric: f.Metric, Instance: f.Instance, Condition: f.Condition, Raise: f.Raise, Clear: f.Clear,
		Against: f.Against, Limit: f.Limit, AtLeast: f.AtLeast, Window: s(f.WindowSecs), For: s(f.ForSecs), Hold: s(f.HoldSecs), NoData: f.NoData, After: s(f.NoDataAfter), Advice: f.Advice,
	}
}

func fieldsOf(r *Rule) RuleFields {
	s := func(d time.Duration) int64 { return int64(d / time.Second) }
	return RuleFields{
		r.Name, r.Enabled, r.Severity, r.Metric, r.Instance, r.Condition, r.Raise, r.Clear, r.Against, r.Limit, r.AtLeast,
		s(r.Window), s(r.For), s(r.Hold), r.NoData, s(r.After), r.Advice,
	}
}

type ruleBody struct {
	ID string `json:"id" example:"disk-nearly-full"`
	RuleFields
	Default bool         `json:"default" doc:"It comes with the server: it can be switched off and changed, not deleted"`
	Changed bool         `json:"changed" doc:"A default that was changed here"`
	ETag    string       `json:"etag" example:"\"5d41402abc4b2a76\"" doc:"Send it as If-Match to change only what was seen"`
	Unit    string       `json:"unit" example:"percent" doc:"Of the thresholds"`
	Series  []seriesBody `json:"series" nullable:"false" doc:"What it watches at the moment"`
}

type seriesBody struct {
	Key    string   `json:"key" example:"disk_percent"`
	Title  string   `json:"title"`
	State  Phase    `json:"state" enum:"ok,pending,firing,clearing,no_data"`
	Value  *float64 `json:"value" doc:"What was measured last; null is a gap"`
	Figure *float64 `json:"figure" doc:"What was compared last: the value, an increase, seconds, or what is left"`
}

type rulesBody struct {
	Rules []ruleBody `json:"rules" nullable:"false"`
}

type trialBody struct {
	Days         int           `json:"days"`
	Series       int           `json:"series" doc:"Series that there are figures of"`
	Fired        int           `json:"fired" example:"3" doc:"How many alerts it would have raised"`
	TotalSeconds int64         `json:"total_seconds" doc:"How long they would have been open altogether"`
	Now          []seriesNow   `json:"now" nullable:"false" doc:"What its series measure at this moment"`
	Episodes     []episodeBody `json:"episodes" nullable:"false" doc:"The last of them, at most 20 of a series"`
}

type seriesNow struct {
	Key   string  `json:"key"`
	Title string  `json:"title"`
	Value float64 `json:"value"`
}

type episodeBody struct {
	Series string     `json:"series"`
	Title  string     `json:"title"`
	From   time.Time  `json:"from"`
	To     *time.Time `json:"to" doc:"null: it would be open"`
	Worst  *float64   `json:"worst"`
}

type ruleInput struct {
	ID      string `path:"id" maxLength:"100"`
	IfMatch string `header:"If-Match" maxLength:"100" doc:"The etag that the rule must still have; without it whatever is there is changed"`
	Body    RuleFields
}

// ruleRoutes mounts the rules.
func (a *Alerts) ruleRoutes(r *httpd.Router) {
	read, change := identity.ReadMonitoring, identity.ManageMonitoring
	httpd.Register(r, op(read, http.MethodGet, "/alert-rules", "list-alert-rules", "Rules", "The defaults and those made here, with what they watch and where it stands."), a.getRules)
	httpd.Register(r, op(change, http.MethodPost, "/alert-rules", "add-alert-rule", "Make a rule", ""), a.postRule)
	changed := op(change, http.MethodPut, "/alert-rules/{id}", "change-alert-rule", "Change a rule", "Of a default the switch, severity, instance, thresholds, times and no_data count; what it is about stays. "+
		"Send the etag that was read as If-Match, so as not to undo what somebody else changed meanwhile (412).")
	changed.Errors = append(changed.Errors, http.StatusPreconditionFailed)
	httpd.Register(r, changed, a.putRule)
	dropped := op(change, http.MethodDelete, "/alert-rules/{id}", "delete-alert-rule", "Delete a rule", "Its open alerts end with it.")
	dropped.DefaultStatus = http.StatusNoContent
	httpd.Register(r, dropped, a.deleteRule)
	httpd.Register(r, op(change, http.MethodPost, "/alert-rules/{id}/reset", "reset-alert-rule", "Make a default as it comes", ""), a.postReset)
	httpd.Register(r, op(read, http.MethodPost, "/alert-rules/test", "test-alert-rule", "Try a rule on the past", "How often it would have raised an alert in the last days. Nothing is kept. It goes by the minute: a rule that alarms at once by each minute's worst figure, others by its mean."), a.postTest)
}

func (a *Alerts) getRules(ctx context.Context, _ *struct{}) (*answer[rulesBody], error) {
	rules, err := a.readRules(ctx)
	if err != nil {
		return nil, err
	}
	body := rulesBody{Rules: []ruleBody{}}
	for _, r := range rules {
		if a.metrics.Find(r.Metric) != nil {
			body.Rules = append(body.Rules, a.ruleBody(r))
		}
	}
	return answerOf(body), nil
}

func (a *Alerts) ruleBody(r *Rule) ruleBody {
	body := ruleBody{ID: r.ID, RuleFields: fieldsOf(r), Default: r.Default, Changed: r.Changed, ETag: r.etag(), Unit: string(r.unit(a.metrics.Find(r.Metric))), Series: []seriesBody{}}
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, w := range a.engine.watches {
		if key.rule == r.ID {
			s := seriesBody{Key: w.key(), Title: w.title, State: w.machine.phase, Value: number64(w.value)}
			if w.machine.phase != Unknown {
				s.Figure = number64(w.figure)
			}
			body.Series = append(body.Series, s)
		}
	}
	slices.SortFunc(body.Series, func(a, b seriesBody) int { return strings.Compare(a.Key, b.Key) })
	return body
}

// number64 is nil for a gap.
func number64(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func (a *Alerts) ruleAnswer(r *Rule, err error) (*answer[ruleBody], error) {
	if err != nil {
		return nil, err
	}
	return answerOf(a.ruleBody(r)), nil
}

func (a *Alerts) postRule(ctx context.Context, in *struct{ Body RuleFields }) (*answer[ruleBody], error) {
	return a.ruleAnswer(a.addRule(ctx, in.Body.rule("")))
}

func (a *Alerts) putRule(ctx context.Context, in *ruleInput) (*answer[ruleBody], error) {
	return a.ruleAnswer(a.changeRule(ctx, in.Body.rule(in.ID), in.IfMatch))
}

func (a *Alerts) deleteRule(ctx context.Context, in *idInput) (*struct{}, error) {
	return nil, a.dropRule(ctx, in.ID)
}

func (a *Alerts) postReset(ctx context.Context, in *idInput) (*answer[ruleBody], error) {
	return a.ruleAnswer(a.resetRule(ctx, in.ID))
}

func (a *Alerts) postTest(ctx context.Context, in *struct {
	Body struct {
		Rule RuleFields `json:"rule"`
		Days int        `json:"days,omitempty" minimum:"1" maximum:"30" default:"7"`
	}
},
) (*answer[trialBody], error) {
	r := in.Body.Rule.rule("")
	if err := r.check(a.metrics); err != nil {
		return nil, err
	}
	t, err := a.backtest(ctx, &r, in.Body.Days)
	if err != nil {
		return nil, err
	}
	body := trialBody{Days: in.Body.Days, Series: t.series, Fired: t.fired, TotalSeconds: int64(t.total / time.Second), Now: a.presently(&r), Episodes: []episodeBody{}}
	for _, e := range t.episodes {
		body.Episodes = append(body.Episodes, episodeBody{e.series, e.title, e.from.UTC(), timeOrNil(e.to), number64(e.worst)})
	}
	return answerOf(body), nil
}

// presently is what the series of a rule measure.
func (a *Alerts) presently(r *Rule) []seriesNow {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []seriesNow{}
	for _, reading := range a.engine.presently(r) {
		list = append(list, seriesNow{reading.Key(), reading.Title, reading.Value})
	}
	return list
}
