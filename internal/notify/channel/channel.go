// Package channel knows the ways out of the house: how a notification is handed to ntfy, a
// webhook, e-mail, Telegram, Gotify, or one of the services that shoutrrr knows. It keeps
// nothing and repeats nothing; that is the outbox's work.
//
// Invariants:
//   - Every connection is made by the doorway of package outward.
//   - An error is a sentence for people. No secret of the channel is in it, whatever the
//     service or a library put into theirs.
//   - The note's id goes along wherever the protocol has a place for one, so that a receiver can
//     tell a repetition: between sending and noting that it was sent the house may die.
package channel

import (
	"context"
	"time"

	"homeserver/internal/notify/outward"
	"homeserver/internal/platform/errs"
)

// Severity is how bad something is.
type Severity int

// The severities.
const (
	Info Severity = iota
	Warning
	Critical
)

// String is the severity's name.
func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Critical:
		return "critical"
	default:
		return "info"
	}
}

// SeverityOf reads a severity's name.
func SeverityOf(name string) (Severity, bool) {
	for _, s := range []Severity{Info, Warning, Critical} {
		if s.String() == name {
			return s, true
		}
	}
	return Info, false
}

// Note is what is sent: a message as it is told.
type Note struct {
	ID       string // the same whenever it is sent again
	Key      string
	State    string
	Severity Severity
	Title    string
	Text     string
	At       time.Time
	Since    time.Time // when the first of what is told here happened
	Times    int       // how many are told here as one
	Link     string    // a whole address, or ""
	Image    []byte    // a small PNG, or nil
}

// Target is where it is sent.
type Target struct {
	Kind       string
	AllowLocal bool
	Settings   map[string]string // with its secrets
}

// Config says what differs outside of a household. The zero value is the usual.
type Config struct {
	// Telegram is the address of Telegram's Bot API; "" for the public one.
	Telegram string
	// Outward says how connections are made.
	Outward outward.Config
}

// Failure is why a note was not taken.
type Failure struct {
	Sentence string // for people, without secrets
	// Refused says that the service took offence at this note, and may take the next.
	Refused bool
	// RetryAfter is how long the service asks to be left alone; 0 when it does not say.
	RetryAfter time.Duration
}

// Error implements error.
func (f *Failure) Error() string { return f.Sentence }

// Senders send notes.
type Senders struct {
	config  Config
	doorway *outward.Doorway
}

// publicTelegram is Telegram's own Bot API.
const publicTelegram = "https://api.telegram.org"

// New makes the senders; it does no I/O.
func New(config Config) *Senders {
	if config.Telegram == "" {
		config.Telegram = publicTelegram
	}
	return &Senders{config: config, doorway: outward.New(config.Outward)}
}

// Doorway is how the senders connect.
func (s *Senders) Doorway() *outward.Doorway { return s.doorway }

// sendTimeout bounds everything about one note.
const sendTimeout = 45 * time.Second

// Send hands a note over. A warning says what was not as it should be though it was sent; an
// error is a *Failure.
func (s *Senders) Send(ctx context.Context, to Target, n Note) (warning string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	switch to.Kind {
	case KindNtfy:
		err = s.ntfy(ctx, to, n)
	case KindWebhook:
		err = s.webhook(ctx, to, n)
	case KindGotify:
		err = s.gotify(ctx, to, n)
	case KindTelegram:
		err = s.telegram(ctx, to, n)
	case KindEmail:
		warning, err = s.email(ctx, to, n)
	case KindShoutrrr:
		err = s.shoutrrr(ctx, to, n)
	default:
		err = errs.Newf(errs.Invalid, "This version of the server knows no channels of the kind %s.", to.Kind)
	}
	if err == nil {
		return scrub(warning, to), nil
	}
	failure := &Failure{}
	if known, ok := err.(*Failure); ok { //nolint:errorlint // only as it was made, for its Refused
		*failure = *known
	} else {
		failure.Sentence = outward.Sentence(err)
	}
	failure.Sentence = scrub(failure.Sentence, to)
	return "", failure
}
