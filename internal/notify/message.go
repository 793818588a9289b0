package notify

import (
	"bytes"
	"image/png"
	"strings"
	"time"
	"unicode/utf8"

	"homeserver/internal/notify/channel"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// Severity is how bad something is.
type Severity = channel.Severity

// The severities.
const (
	Info     = channel.Info
	Warning  = channel.Warning
	Critical = channel.Critical
)

// State says whether a message begins or ends something.
type State string

// The states.
const (
	Plain     State = "plain"     // it happened, and that is all
	Raised    State = "raised"    // it began, or is still so
	Recovered State = "recovered" // it is over
)

const (
	// maxKey, maxTitle and maxText bound a message, in bytes: what people read on a phone.
	maxKey   = 200
	maxTitle = 250
	maxText  = 4000
	maxLink  = 1000
	// maxImage bounds a picture, in bytes.
	maxImage = 256 << 10
	// maxPixels bounds a picture's width and height.
	maxPixels = 2000
)

// Message is something to tell.
type Message struct {
	// Key is what it is about, for example an alert's id: what waits about the same key collapses.
	// "" never collapses.
	Key string
	// Severity decides which channels want it. A recovery bears that of what is over.
	Severity Severity
	State    State // "" is Plain
	Title    string
	Text     string
	At       time.Time // when it happened; zero is now
	Link     string    // a page of the house, beginning with /; "" for none
	// Image is a small PNG, nil for none. Or Points, of which a chart is drawn.
	Image  []byte
	Points []Point
}

// Point is one value of the chart.
type Point struct {
	At    time.Time
	Value float64
}

// complete fills in what is left out, and judges the message.
func (m *Message) complete(now time.Time) error {
	if m.State == "" {
		m.State = Plain
	}
	if m.At.IsZero() {
		m.At = now
	}
	nul := strings.ContainsRune(m.Title+m.Text+m.Key+m.Link, 0)
	m.Title, m.Text = httpd.OneLine(m.Title), strings.TrimSpace(strings.ToValidUTF8(m.Text, "�"))
	switch {
	case m.Title == "":
		return errs.New(errs.Invalid, "A message needs a title.")
	case len(m.Title) > maxTitle || len(m.Text) > maxText:
		return errs.Newf(errs.Invalid, "A title has at most %d bytes, a text %d.", maxTitle, maxText)
	case nul:
		return errs.New(errs.Invalid, "A message holds no NUL characters.")
	case len(m.Key) > maxKey || !utf8.ValidString(m.Key):
		return errs.Newf(errs.Invalid, "A key is text of at most %d bytes.", maxKey)
	case m.State != Plain && m.State != Raised && m.State != Recovered:
		return errs.Newf(errs.Invalid, "The state %q is none of plain, raised and recovered.", m.State)
	case m.State != Plain && m.Key == "":
		return errs.New(errs.Invalid, "What is raised and recovers needs a key.")
	case m.Severity < Info || m.Severity > Critical:
		return errs.New(errs.Invalid, "A severity is info, warning or critical.")
	case m.Link != "" && (!strings.HasPrefix(m.Link, "/") || strings.HasPrefix(m.Link, "//") || len(m.Link) > maxLink || strings.ContainsFunc(m.Link, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' })):
		return errs.New(errs.Invalid, "A link is a page of this house and begins with one slash.")
	}
	if m.Image == nil && len(m.Points) > 1 {
		var err error
		if m.Image, err = drawChart(m.Points); err != nil {
			return err
		}
	}
	return judgeImage(m.Image)
}

func judgeImage(image []byte) error {
	if image == nil {
		return nil
	}
	size, err := png.DecodeConfig(bytes.NewReader(image))
	if err != nil || len(image) > maxImage || size.Width > maxPixels || size.Height > maxPixels {
		return errs.Newf(errs.Invalid, "A picture is a PNG of at most %d kB and %d pixels a side.", maxImage>>10, maxPixels)
	}
	return nil
}
