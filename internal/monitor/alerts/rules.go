package alerts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// ownPrefix begins the ids of rules that people made, so that no later default has one of them.
const ownPrefix = "own-"

// readRules is every rule as it counts now: the defaults with what was changed of them, and those
// that people made. One that cannot be read is left out and logged; the others count.
func (a *Alerts) readRules(ctx context.Context) ([]*Rule, error) {
	bodies, err := a.store.rules(ctx)
	if err != nil {
		return nil, err
	}
	return a.rulesOf(bodies), nil
}

// rulesOf makes the rules of what is kept of them.
func (a *Alerts) rulesOf(bodies map[string]string) []*Rule {
	list := Defaults(a.metrics)
	for _, r := range list {
		body, changed := bodies[r.ID]
		if !changed {
			continue
		}
		var c Change
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			a.log.Error("what was changed of a default rule cannot be read; it counts as it comes", "rule", r.ID, "error", err)
			continue
		}
		was := *r
		r.apply(c)
		if err := r.check(a.metrics); err != nil { // the default itself changed with a new version
			*r = was
			a.log.Warn("what was changed of a default rule does not fit it any more; it counts as it comes", "rule", r.ID, "error", err)
		}
	}
	var own []*Rule
	for id, body := range bodies {
		if !strings.HasPrefix(id, ownPrefix) {
			continue
		}
		r := &Rule{}
		if err := json.Unmarshal([]byte(body), r); err != nil {
			a.log.Error("a rule cannot be read; it does not count", "rule", id, "error", err)
			continue
		}
		r.ID, r.Default, r.Changed, r.Name = id, false, false, httpd.OneLine(r.Name)
		own = append(own, r)
	}
	slices.SortFunc(own, func(a, b *Rule) int {
		return strings.Compare(strings.ToLower(a.Name)+"\x00"+a.ID, strings.ToLower(b.Name)+"\x00"+b.ID)
	})
	return append(list, own...)
}

// rule is one rule as it counts now.
func (a *Alerts) rule(ctx context.Context, id string) (*Rule, error) {
	r, _, err := a.keptRule(ctx, id)
	return r, err
}

// keptRule is one rule as it counts now, and what is kept of it: nothing of a default that nobody
// changed.
func (a *Alerts) keptRule(ctx context.Context, id string) (r *Rule, body string, err error) {
	bodies, err := a.store.rules(ctx)
	if err != nil {
		return nil, "", err
	}
	for _, r := range a.rulesOf(bodies) {
		if r.ID == id {
			return r, bodies[id], nil
		}
	}
	return nil, "", errs.New(errs.NotFound, "There is no such rule.")
}

// etag tells what a rule says from what it said before.
func (r *Rule) etag() string {
	body, err := json.Marshal(r)
	if err != nil {
		panic("alerts: a rule that was read cannot be written: " + err.Error())
	}
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:etagBytes]) + `"`
}

// etagBytes are enough to tell the few versions of one rule from each other.
const etagBytes = 8

// typeChanged tells a page that it must read again.
const typeChanged = "changed"

func errRuleChanged() error {
	return errs.Typed(errs.PreconditionFailed, typeChanged, "Somebody else has changed this rule meanwhile. Look at it again before you change it.")
}

// addRule makes a rule.
func (a *Alerts) addRule(ctx context.Context, r Rule) (*Rule, error) {
	list, err := a.readRules(ctx)
	if err != nil {
		return nil, err
	}
	if len(list) >= mostRules {
		return nil, errs.Newf(errs.Conflict, "There are %d rules, which is the most. Delete one first.", mostRules)
	}
	r.ID, r.Default, r.Changed = ownPrefix+uuid.NewString(), false, false
	return a.keepRule(ctx, &r, "", "alerts.rule_added")
}

// changeRule puts r in the place of the rule with its id, if that still is what was seen of it; ""
// is whatever it is. Of a default the figures and the switch can be changed, not what it is about.
func (a *Alerts) changeRule(ctx context.Context, r Rule, seen string) (*Rule, error) {
	was, kept, err := a.keptRule(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if seen != "" && seen != "*" && seen != was.etag() {
		return nil, errRuleChanged()
	}
	if !was.Default {
		r.Default, r.Changed = false, false
		return a.keepRule(ctx, &r, kept, "alerts.rule_changed")
	}
	for _, d := range Defaults(a.metrics) {
		if d.ID != r.ID {
			continue
		}
		c := d.difference(&r)
		d.apply(c)
		if err := d.check(a.metrics); err != nil {
			return nil, err
		}
		if !d.Changed {
			return a.resetRule(ctx, d.ID)
		}
		body, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		return d, a.saveRule(ctx, d, string(body), kept, "alerts.rule_changed")
	}
	return nil, errs.New(errs.NotFound, "There is no such rule.")
}

func (a *Alerts) keepRule(ctx context.Context, r *Rule, was, action string) (*Rule, error) {
	r.Name = strings.TrimSpace(r.Name)
	if err := r.check(a.metrics); err != nil {
		return nil, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return r, a.saveRule(ctx, r, string(body), was, action)
}

// saveRule keeps a rule in the place of what was kept of it. It must still be that: a rule that
// somebody else has deleted does not come back, and nobody's change is lost unseen.
func (a *Alerts) saveRule(ctx context.Context, r *Rule, body, was, action string) error {
	ok, err := a.store.setRule(ctx, r.ID, body, was, a.lent.Now())
	if err != nil {
		return err
	}
	if !ok {
		return errRuleChanged()
	}
	a.record(ctx, action, r.Name, "")
	a.changed()
	return nil
}

// dropRule deletes a rule that somebody made; its open alerts end with it.
func (a *Alerts) dropRule(ctx context.Context, id string) error {
	r, err := a.rule(ctx, id)
	if err != nil {
		return err
	}
	if r.Default {
		return errs.New(errs.Conflict, "This rule comes with the server and cannot be deleted. Switch it off instead.")
	}
	if _, err := a.store.dropRule(ctx, id); err != nil {
		return err
	}
	a.record(ctx, "alerts.rule_deleted", r.Name, "")
	a.changed()
	return nil
}

// resetRule makes a default as it comes.
func (a *Alerts) resetRule(ctx context.Context, id string) (*Rule, error) {
	r, err := a.rule(ctx, id)
	if err != nil {
		return nil, err
	}
	if !r.Default {
		return nil, errs.New(errs.Conflict, "This rule was made here: there is nothing to reset it to.")
	}
	if there, err := a.store.dropRule(ctx, id); err != nil || !there {
		return r, err
	}
	a.record(ctx, "alerts.rule_reset", r.Name, "")
	a.changed()
	return a.rule(ctx, id)
}

func (a *Alerts) record(ctx context.Context, action, target, detail string) {
	if a.lent.Record != nil {
		a.lent.Record(ctx, action, target, detail)
	}
}

// nameOf is an account's name for people.
func (a *Alerts) nameOf(id string) string {
	if a.lent.DisplayName == nil || id == "" {
		return id
	}
	return a.lent.DisplayName(id)
}
