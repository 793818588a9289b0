package alerts

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/httpd"
)

// pageLink is where an alert is shown.
const pageLink = "/static/alerts.html#"

// kilo is what larger units of bytes count by, as everywhere in the house.
const kilo = 1024

// raisedMessage says what is wrong, where, how much, since when, and what to do about it.
func raisedMessage(e *Entry, points []Point) Message {
	var text strings.Builder
	text.WriteString(e.says())
	if e.Flapping {
		text.WriteString(" It comes and goes: until it is quiet for a while it counts as one alert.")
	}
	if e.Advice != "" {
		text.WriteString("\n\n" + e.Advice)
	}
	return Message{Key: e.ID, Severity: e.Severity, State: owedRaised, Title: e.title(), Text: text.String(), At: e.Raised, Link: pageLink + e.ID, Points: points}
}

// recoveredMessage says how long it lasted and how bad it was.
func recoveredMessage(e *Entry, points []Point) Message {
	title, text, until := "Over: "+e.title(), "", ""
	switch {
	case unwatched(e.Ended):
		// Nobody may take it for well again.
		title, text, until = "No longer watched: "+e.title(), e.leftAs(), " until then"
	case e.Ended == endedGone:
		text = "It has not been measured for " + inWords(goneAfter) + " and is waited for no longer."
	case e.NoFigure:
		text = "It is measured again: " + number(e.Last, e.Unit) + "."
	case e.Condition == Trend && e.Last >= never.Seconds():
		text = "It no longer looks as if it went on like that."
	default:
		text = "It is " + number(e.Last, e.Unit) + " now."
	}
	text += " It lasted " + inWords(e.Lasted) + until
	if !e.NoFigure {
		text += "; the worst was " + number(e.Worst, e.Unit)
	}
	return Message{Key: e.ID, Severity: e.Severity, State: owedRecovered, Title: title, Text: text + ".", At: e.Cleared, Link: pageLink + e.ID, Points: points}
}

// leftAs says why it is watched no longer, and how it was then.
func (e *Entry) leftAs() string {
	why := map[string]string{endedOff: "The rule was switched off.", endedDeleted: "The rule was deleted.", endedRule: "The rule was changed and is no longer for this."}[e.Ended]
	switch {
	case e.NoFigure:
		return why + " There were no figures then."
	case e.Condition == Trend:
		return why + " Nothing would be left in " + number(e.Last, e.Unit) + " if it went on as it did."
	case e.Condition == Increase:
		return why + " It had grown by " + number(e.Last, e.Unit) + " then."
	case e.Unit == metric.State:
		return why + " It was still so."
	}
	return why + " It was " + number(e.Last, e.Unit) + " then."
}

// mostWhere is how much of an instance's name a title holds, in characters: a mount point may be
// longer than what a phone shows, and than a notification takes.
const mostWhere = 60

// title names the rule and, where there is more than one, the instance.
func (e *Entry) title() string {
	where := e.SeriesTitle
	if where == "" {
		where = metric.Text(instanceOf(e.Series))
	}
	where, rule := httpd.OneLine(where), httpd.OneLine(e.RuleName)
	if letters := []rune(where); len(letters) > mostWhere {
		where = string(letters[:mostWhere-1]) + "…"
	}
	if e.NoFigure {
		if where == "" {
			return "No data: " + rule
		}
		return "No data: " + rule + " (" + where + ")"
	}
	if where == "" {
		return rule
	}
	return rule + ": " + where
}

// says is the sentence with the figures.
func (e *Entry) says() string {
	since := "since " + clock(e.Began)
	switch {
	case e.NoFigure:
		return "There have been no figures " + since + "; the last was " + number(e.Last, e.Unit) + "."
	case e.Condition == Trend && e.Last < 1:
		return "Nothing is left."
	case e.Condition == Trend:
		return fmt.Sprintf("Nothing is left in %s (%s) if it goes on as it did; it has looked so %s.", number(e.Last, e.Unit), clock(e.Raised.Add(time.Duration(e.Last*float64(time.Second)))), since)
	case e.Condition == Increase:
		return fmt.Sprintf("It grew by %s; %s or more alarm.", number(e.Last, e.Unit), number(e.Threshold, e.Unit))
	case e.Unit == metric.State:
		return "It is so " + since + "."
	case e.Condition == Below:
		return fmt.Sprintf("It is %s, which is not more than %s, %s.", number(e.Last, e.Unit), number(e.Threshold, e.Unit), since)
	}
	return fmt.Sprintf("It is %s, which is not less than %s, %s.", number(e.Last, e.Unit), number(e.Threshold, e.Unit), since)
}

// clock is a time as people in the house say it.
func clock(t time.Time) string { return t.Local().Format("Mon 2 Jan 15:04") }

// number is a figure with its unit.
func number(v float64, unit metric.Unit) string {
	switch unit {
	case metric.Percent:
		return plain(v, 1) + " %"
	case metric.Bytes:
		return bytes(v)
	case metric.BytesPerSecond:
		return bytes(v) + "/s"
	case metric.PerSecond:
		return plain(v, 1) + " per second"
	case metric.Seconds:
		return seconds(v)
	case metric.Milliseconds:
		return plain(v, 1) + " ms"
	case metric.Celsius:
		return plain(v, 1) + " °C"
	case metric.RPM:
		return plain(v, 0) + " rpm"
	case metric.Watts:
		return plain(v, 1) + " W"
	case metric.State:
		if v == 0 {
			return "no"
		}
		return "yes"
	}
	return plain(v, 2)
}

// plain writes at most so many decimals, and no zeros at the end.
func plain(v float64, decimals int) string {
	scale := math.Pow10(decimals)
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}

func bytes(v float64) string {
	units := []string{"bytes", "KB", "MB", "GB", "TB", "PB"}
	at := 0
	for math.Abs(v) >= kilo && at < len(units)-1 {
		v /= kilo
		at++
	}
	return plain(v, 1) + " " + units[at]
}

// seconds is a time that may be short.
func seconds(v float64) string {
	if math.Abs(v) < time.Minute.Seconds() {
		return plain(v, 1) + " s"
	}
	if v >= never.Seconds() {
		return "years"
	}
	return inWords(time.Duration(v * float64(time.Second)))
}

// inWords is a duration in its two largest units.
func inWords(d time.Duration) string {
	if d < 0 {
		return "-" + inWords(-d)
	}
	total := int(d.Round(time.Second) / time.Second)
	var words []string
	for _, part := range []struct {
		of   int
		name string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}} {
		n := total / part.of
		total %= part.of
		if n == 0 {
			if len(words) > 0 {
				break
			}
			continue
		}
		name := part.name
		if n > 1 {
			name += "s"
		}
		if words = append(words, fmt.Sprintf("%d %s", n, name)); len(words) == 2 {
			break
		}
	}
	if len(words) == 0 {
		return "0 seconds"
	}
	return strings.Join(words, " ")
}
