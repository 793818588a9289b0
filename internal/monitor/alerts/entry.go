package alerts

import (
	"time"

	"homeserver/internal/monitor/metric"
)

// Why an alert is over.
const (
	endedRecovered = "recovered" // it is well again
	endedFound     = "data"      // there are data again
	endedRule      = "rule"      // the rule was changed so that it is no longer for it
	endedOff       = "off"       // the rule was switched off
	endedDeleted   = "deleted"   // the rule was deleted
	endedGone      = "gone"      // not measured for so long that nobody waits for it any more
)

// unwatched reports whether it is over only because nobody looks any more.
func unwatched(ended string) bool {
	return ended == endedRule || ended == endedOff || ended == endedDeleted
}

// What is owed to whoever is notified.
const (
	owedNothing   = ""
	owedRaised    = "raised"
	owedRecovered = "recovered"
)

// Entry is one alert.
type Entry struct {
	ID, RuleID, RuleName string
	Severity             Severity
	Series, SeriesTitle  string // key and title of the series
	Unit                 metric.Unit
	Condition            Condition
	NoFigure             bool // it is about data that are missing
	Flapping             bool
	Threshold            float64
	First, Worst, Last   float64
	Advice               string
	Began                time.Time // when it went wrong
	Raised               time.Time
	Cleared              time.Time // zero while it is open
	Lasted               time.Duration
	Ended                string
	Acked                time.Time // zero: by nobody
	AckedBy, Note        string
	owed                 string
	opened               time.Duration // by the engine's clock
	resumed              bool          // opened in an earlier life of the server
	saved                bool          // it is in the database
}

// Silence keeps alerts from being notified of.
type Silence struct {
	ID, RuleID, Series string
	Until, Created     time.Time
	By, Reason         string
}

// covers reports whether the silence is about alerts of the rule and series, at now.
func (s *Silence) covers(ruleID, series string, now time.Time) bool {
	return now.Before(s.Until) && (s.RuleID == "" || s.RuleID == ruleID) && (s.Series == "" || s.Series == series)
}
