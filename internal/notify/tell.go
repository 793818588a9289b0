package notify

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"homeserver/internal/notify/channel"
)

// late is the age from which on a message says when it happened: services show when they got it.
const late = 10 * time.Minute

// note makes of a delivery what is sent.
func (n *Notify) note(d *delivery, settings Settings) channel.Note {
	image, err := base64.StdEncoding.DecodeString(d.image)
	if err != nil || len(image) == 0 {
		image = nil // the words are worth more than the picture
	}
	m := d.message
	text := []string{}
	if m.Text != "" {
		text = append(text, m.Text)
	}
	if told := history(d, settings); told != "" {
		text = append(text, told)
	} else if n.now().Sub(m.At) >= late && m.State != digestState {
		text = append(text, "This was at "+settings.clock(m.At)+" and could not be told before.")
	}
	state := m.State
	if state == digestState {
		state = Plain
	}
	link := ""
	if base := n.base(settings); m.Link != "" && base != "" {
		link = base + m.Link
	}
	return channel.Note{ID: d.id, Key: m.Key, State: string(state), Severity: m.Severity, Title: m.Title, Text: strings.Join(text, "\n\n"),
		At: m.At, Since: micro(d.since), Times: int(d.times), Link: link, Image: image}
}

// history tells what collapsed into a delivery: since when, how long, how often and how bad.
func history(d *delivery, settings Settings) string {
	m := d.message
	since := micro(d.since)
	worst := Severity(d.worst)
	switch {
	case d.times < 2:
		return ""
	case m.State == Recovered && d.raised > 0:
		text := fmt.Sprintf("It was so from %s to %s (%s), at worst %s", settings.clock(since), settings.clock(m.At), duration(m.At.Sub(since)), worst)
		if d.raised > 1 {
			text += fmt.Sprintf(", raised %d times", d.raised)
		}
		return text + "."
	case worst > m.Severity:
		return fmt.Sprintf("Said %d times since %s, at worst %s.", d.times, settings.clock(since), worst)
	default:
		return fmt.Sprintf("Said %d times since %s.", d.times, settings.clock(since))
	}
}

// duration is a time span for people.
func duration(d time.Duration) string {
	switch d = max(d, 0).Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days %d h", int(d.Hours())/24, int(d.Hours())%24)
}
