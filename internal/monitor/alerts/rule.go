package alerts

import (
	"math"
	"strings"
	"time"
	"unicode"

	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/errs"
)

// Severity says how bad it is.
type Severity string

// The severities, from the least to the worst.
const (
	Info     Severity = "info"     // good to know
	Warning  Severity = "warning"  // look at it in the next days
	Critical Severity = "critical" // look at it now: something is lost or about to be
)

// Condition says what of a series is compared with the thresholds.
type Condition string

// The conditions.
const (
	Above    Condition = "above"    // the value is too high
	Below    Condition = "below"    // the value is too low
	Increase Condition = "increase" // it grew by too much within the window
	Trend    Condition = "trend"    // by the trend of the window it reaches the limit too soon; thresholds are seconds
)

// NoData says what to do when a series that was there is no longer measured.
type NoData string

// What to do without data. An open alert stays open, as nobody knows that it is over, but for Over.
const (
	Keep  NoData = "keep"  // show it
	Alert NoData = "alert" // raise an alert about that
	Over  NoData = "clear" // take it for well: of what is only measured while it is wrong
)

// Limits of a rule.
const (
	longestFor = 7 * 24 * time.Hour // a rule that waits for longer alarms nobody in time
	// longestWindow bounds what is asked of the history at once, in points of a minute.
	longestWindow = 7 * 24 * time.Hour
	// shortestWindow is what a trend or an increase can be told from: some minutes of figures.
	shortestWindow = 5 * time.Minute
	// shortestNoData keeps a collector that is late once from being taken for one that ended.
	shortestNoData = 30 * time.Second
	// mostThreshold is an exabyte: more of anything is not measured, and could not be read.
	mostThreshold = 1e18
	mostName      = 100 // characters
	mostAdvice    = 500 // characters
	mostInstance  = 300 // characters
	// mostRules bounds what is evaluated every 2 s.
	mostRules = 500
	// everyInstance is the pattern of all.
	everyInstance = "*"
)

// Rule says when something is wrong. Its JSON is how the database keeps it, durations in nanoseconds.
type Rule struct {
	ID        string    `json:"-"`
	Default   bool      `json:"-"` // it comes with the program
	Changed   bool      `json:"-"` // a default that somebody changed
	Name      string    `json:"name"`
	Enabled   bool      `json:"enabled"`
	Severity  Severity  `json:"severity"`
	Metric    string    `json:"metric"`
	Instance  string    `json:"instance"` // pattern: * stands for any characters; "" is the whole machine only
	Condition Condition `json:"condition"`
	Raise     float64   `json:"raise"` // threshold to raise at; reached is enough
	Clear     float64   `json:"clear"` // threshold to clear at; on the good side of Raise, or the same
	// Against is a metric with the same instances, its limits: what is compared is how much is
	// left to it. "" compares the value itself.
	Against string        `json:"against,omitempty"`
	Limit   float64       `json:"limit,omitempty"`    // Trend: what must not be reached
	AtLeast float64       `json:"at_least,omitempty"` // Trend: below this value no trend alarms
	Window  time.Duration `json:"window,omitempty"`
	For     time.Duration `json:"for,omitempty"`  // it must be wrong for so long
	Hold    time.Duration `json:"hold,omitempty"` // it must be well for so long
	NoData  NoData        `json:"no_data"`
	After   time.Duration `json:"after"`            // without data for so long is no data
	Advice  string        `json:"advice,omitempty"` // what to do about it
}

// matches reports whether the rule is for the instance.
func (r *Rule) matches(instance string) bool { return glob(r.Instance, instance) }

// glob matches a pattern in which * stands for any characters.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}

// rises reports whether a figure that grows gets worse.
func (r *Rule) rises() bool {
	return r.Against == "" && (r.Condition == Above || r.Condition == Increase)
}

// bad reports whether a figure is beyond the threshold to raise at.
func (r *Rule) bad(v float64) bool {
	if r.rises() {
		return v >= r.Raise
	}
	return v <= r.Raise
}

// good reports whether it is on the good side of the threshold to clear at. With both
// thresholds the same it is whatever is not bad.
func (r *Rule) good(v float64) bool {
	switch {
	case r.Clear == r.Raise:
		return !r.bad(v)
	case r.rises():
		return v <= r.Clear
	}
	return v >= r.Clear
}

// worse is the worse of two figures.
func (r *Rule) worse(a, b float64) float64 {
	if r.rises() {
		return math.Max(a, b)
	}
	return math.Min(a, b)
}

// after is how long without a figure is no data. A forecast is not made at every tick.
func (r *Rule) after() time.Duration {
	if r.Condition == Trend {
		return max(r.After, forecastAge)
	}
	return r.After
}

// unit is what the rule's figure counts.
func (r *Rule) unit(m *metric.Metric) metric.Unit {
	if r.Condition == Trend {
		return metric.Seconds
	}
	return m.Unit
}

// check says in a sentence what is wrong with a rule.
func (r *Rule) check(metrics *metric.Registry) error {
	name := strings.TrimSpace(r.Name)
	switch {
	case name == "" || len([]rune(name)) > mostName:
		return errs.Newf(errs.Invalid, "A rule needs a name of at most %d characters.", mostName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return errs.New(errs.Invalid, "The name of a rule is one line, without control characters: it becomes the subject of mails.")
	case strings.ContainsFunc(r.Advice, func(c rune) bool { return unicode.IsControl(c) && !strings.ContainsRune("\t\r\n", c) }):
		return errs.New(errs.Invalid, "The advice of a rule is text, without control characters other than ends of lines.")
	case metric.Text(r.Name+r.Instance+r.Advice) != r.Name+r.Instance+r.Advice:
		return errs.New(errs.Invalid, "Name, instance and advice of a rule are text, without characters of code 0.")
	case metrics.Find(r.Metric) == nil:
		return errs.Newf(errs.Invalid, "There is no metric %q; /api/v1/monitoring/metrics lists them.", r.Metric)
	case r.Against != "" && (metrics.Find(r.Against) == nil || r.Condition != Below):
		return errs.New(errs.Invalid, "What is left to another metric is compared from below, with a metric that there is.")
	case len([]rune(r.Instance)) > mostInstance || len([]rune(r.Advice)) > mostAdvice:
		return errs.Newf(errs.Invalid, "At most %d characters for the instance and %d for the advice.", mostInstance, mostAdvice)
	}
	return r.checkNumbers()
}

func (r *Rule) checkNumbers() error {
	for _, v := range []float64{r.Raise, r.Clear, r.Limit, r.AtLeast} {
		if math.IsNaN(v) || math.Abs(v) > mostThreshold {
			return errs.New(errs.Invalid, "Thresholds are numbers, of at most 19 digits.")
		}
	}
	windowed := r.Condition == Increase || r.Condition == Trend
	switch {
	case r.rises() && r.Clear > r.Raise:
		return errs.New(errs.Invalid, "The threshold to clear at must not be above the one to raise at.")
	case !r.rises() && r.Clear < r.Raise:
		return errs.New(errs.Invalid, "The threshold to clear at must not be below the one to raise at.")
	case r.Condition == Increase && r.Raise <= 0:
		return errs.New(errs.Invalid, "An increase to alarm at is more than nothing.")
	case r.Condition == Trend && (r.Raise <= 0 || r.Raise >= never.Seconds() || r.Clear > never.Seconds()):
		// What does not happen is foretold for never: that must not alarm, and must be well.
		return errs.New(errs.Invalid, "A trend needs a time ahead to alarm at, of less than ten years, and is over at ten at most.")
	case r.For < 0 || r.For > longestFor || r.Hold < 0 || r.Hold > longestFor:
		return errs.New(errs.Invalid, "A rule waits for at most 7 days.")
	case windowed && (r.Window < shortestWindow || r.Window > longestWindow):
		return errs.New(errs.Invalid, "The window is from 5 minutes to 7 days.")
	case r.After < shortestNoData || r.After > longestFor:
		return errs.New(errs.Invalid, "No data is from 30 seconds to 7 days without a figure.")
	}
	return nil
}

// Change is what a person changed of a default; nil is as it comes.
type Change struct {
	Enabled  *bool          `json:"enabled,omitempty"`
	Severity *Severity      `json:"severity,omitempty"`
	Instance *string        `json:"instance,omitempty"`
	Raise    *float64       `json:"raise,omitempty"`
	Clear    *float64       `json:"clear,omitempty"`
	AtLeast  *float64       `json:"at_least,omitempty"`
	For      *time.Duration `json:"for,omitempty"`
	Hold     *time.Duration `json:"hold,omitempty"`
	NoData   *NoData        `json:"no_data,omitempty"`
}

// difference is what turns r into want.
func (r *Rule) difference(want *Rule) Change {
	return Change{
		Enabled: other(r.Enabled, want.Enabled), Severity: other(r.Severity, want.Severity), Instance: other(r.Instance, want.Instance),
		Raise: other(r.Raise, want.Raise), Clear: other(r.Clear, want.Clear), AtLeast: other(r.AtLeast, want.AtLeast),
		For: other(r.For, want.For), Hold: other(r.Hold, want.Hold), NoData: other(r.NoData, want.NoData),
	}
}

func other[T comparable](was, is T) *T {
	if was == is {
		return nil
	}
	return &is
}

// apply makes the change.
func (r *Rule) apply(c Change) {
	set(&r.Enabled, c.Enabled)
	set(&r.Severity, c.Severity)
	set(&r.Instance, c.Instance)
	set(&r.Raise, c.Raise)
	set(&r.Clear, c.Clear)
	set(&r.AtLeast, c.AtLeast)
	set(&r.For, c.For)
	set(&r.Hold, c.Hold)
	set(&r.NoData, c.NoData)
	r.Changed = c != Change{}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
