package alerts

import (
	"context"
	"net/http"
	"strings"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// Pause says for how long something is silenced, in one of two ways.
type Pause struct {
	Seconds int64     `json:"seconds,omitempty" minimum:"60" maximum:"31622400" example:"3600" doc:"For so long from now on"`
	Until   time.Time `json:"until,omitzero" doc:"Or until then"`
	Reason  string    `json:"reason,omitempty" maxLength:"500"`
}

// end is when it ends.
func (p *Pause) end(now time.Time) (time.Time, error) {
	until := p.Until
	if p.Seconds > 0 {
		until = now.Add(time.Duration(p.Seconds) * time.Second)
	}
	switch {
	case until.IsZero():
		return until, errs.New(errs.Invalid, "Say for how many seconds, or until when.")
	case until.Sub(now) < shortestPause/2:
		return until, errs.New(errs.Invalid, "A silence must end in the future.")
	case until.Sub(now) > longestSilence:
		return until, errs.New(errs.Invalid, "A silence lasts a year at most. Switch the rule off instead.")
	}
	return until.UTC(), nil
}

type silenceBody struct {
	ID        string    `json:"id"`
	RuleID    string    `json:"rule_id" doc:"Empty: of every rule"`
	Rule      string    `json:"rule" doc:"Its name"`
	Series    string    `json:"series" doc:"Empty: of every series"`
	Until     time.Time `json:"until"`
	CreatedAt time.Time `json:"created_at"`
	By        string    `json:"by" doc:"Name of who made it"`
	Reason    string    `json:"reason"`
}

type silencesBody struct {
	Silences []silenceBody `json:"silences" nullable:"false" doc:"Those that are not over"`
}

// silenceRoutes mounts the silences.
func (a *Alerts) silenceRoutes(r *httpd.Router) {
	read, change := identity.ReadMonitoring, identity.ManageMonitoring
	httpd.Register(r, op(read, http.MethodGet, "/alert-silences", "list-silences", "Silences", "Of what nobody is notified at the moment."), a.getSilences)
	httpd.Register(r, op(change, http.MethodPost, "/alert-silences", "add-silence", "Make a silence", "Of a rule, a series, both, or of everything. It takes the place of one that is about the same."), a.postSilences)
	ended := op(change, http.MethodDelete, "/alert-silences/{id}", "end-silence", "End a silence", "")
	ended.DefaultStatus = http.StatusNoContent
	httpd.Register(r, ended, a.deleteSilence)
}

func (a *Alerts) getSilences(ctx context.Context, _ *struct{}) (*answer[silencesBody], error) {
	list, err := a.store.silences(ctx, a.lent.Now())
	if err != nil {
		return nil, err
	}
	rules, err := a.readRules(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, r := range rules {
		names[r.ID] = r.Name
	}
	body := silencesBody{Silences: []silenceBody{}}
	for i := range list {
		s := &list[i]
		body.Silences = append(body.Silences, silenceBody{s.ID, s.RuleID, names[s.RuleID], s.Series, s.Until, s.Created, a.nameOf(s.By), s.Reason})
	}
	return answerOf(body), nil
}

func (a *Alerts) postSilences(ctx context.Context, in *struct {
	Body struct {
		RuleID string `json:"rule_id,omitempty" maxLength:"100" doc:"Empty: of every rule"`
		Series string `json:"series,omitempty" maxLength:"400" doc:"Empty: of every series"`
		Pause
	}
},
) (*answer[silencesBody], error) {
	if in.Body.RuleID != "" {
		if _, err := a.rule(ctx, in.Body.RuleID); err != nil {
			return nil, err
		}
	}
	if err := a.silence(ctx, in.Body.RuleID, in.Body.Series, &in.Body.Pause); err != nil {
		return nil, err
	}
	return a.getSilences(ctx, nil)
}

// silence makes a silence and has it count at once.
func (a *Alerts) silence(ctx context.Context, ruleID, series string, p *Pause) error {
	now := a.lent.Now()
	until, err := p.end(now)
	if err != nil {
		return err
	}
	s := Silence{ID: newID(), RuleID: ruleID, Series: series, Until: until, Created: now, By: actor(ctx), Reason: strings.TrimSpace(p.Reason)}
	if err := a.store.silence(ctx, s); err != nil {
		return err
	}
	a.mu.Lock()
	a.silences = append(a.silences, s)
	a.mu.Unlock()
	a.record(ctx, "alerts.silenced", strings.TrimSpace(ruleID+" "+series), "until "+until.Format(time.RFC3339))
	a.changed()
	return nil
}

func (a *Alerts) deleteSilence(ctx context.Context, in *idInput) (*struct{}, error) {
	ok, err := a.store.unsilence(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errs.New(errs.NotFound, "There is no such silence.")
	}
	a.record(ctx, "alerts.unsilenced", in.ID, "")
	a.changed()
	return nil, nil
}

func (a *Alerts) postSilence(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"100"`
	Body Pause
},
) (*answer[alertBody], error) {
	e, err := a.openEntry(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := a.silence(ctx, e.RuleID, e.Series, &in.Body); err != nil {
		return nil, err
	}
	return a.shown(ctx, in.ID)
}

func (a *Alerts) deleteSilenceOf(ctx context.Context, in *idInput) (*answer[alertBody], error) {
	e, err := a.openEntry(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := a.store.unsilenceOf(ctx, e.RuleID, e.Series); err != nil {
		return nil, err
	}
	a.record(ctx, "alerts.unsilenced", e.title(), "")
	a.changed()
	return a.shown(ctx, in.ID)
}

// openEntry is an alert that is open.
func (a *Alerts) openEntry(ctx context.Context, id string) (*Entry, error) {
	e, err := a.store.entry(ctx, id)
	if err != nil {
		return nil, err
	}
	if e == nil || !e.Cleared.IsZero() {
		return nil, a.notOpen(ctx, id)
	}
	return e, nil
}
