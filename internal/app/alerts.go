package app

import (
	"context"
	"math"
	"time"
	"unicode/utf8"

	"homeserver/internal/monitor"
	"homeserver/internal/monitor/alerts"
	"homeserver/internal/notify"
	"homeserver/internal/platform/sqldb"
)

// outbox hands what the alerts have to say over to the notifications.
type outbox struct{ notify *notify.Notify }

var _ alerts.Outbox = outbox{}

// Enqueue keeps the message in the transaction of its alert.
func (o outbox) Enqueue(ctx context.Context, tx *sqldb.Tx, m alerts.Message) error {
	points := make([]notify.Point, 0, len(m.Points))
	for _, p := range m.Points {
		points = append(points, notify.Point{At: p.At, Value: p.Value})
	}
	severity := notify.Info
	switch m.Severity {
	case alerts.Warning:
		severity = notify.Warning
	case alerts.Critical:
		severity = notify.Critical
	}
	return o.notify.Enqueue(ctx, tx, notify.Message{
		Key: m.Key, Severity: severity, State: notify.State(m.State), Title: cut(m.Title, mostTitle), Text: m.Text, At: m.At, Link: m.Link, Points: points,
	})
}

// mostTitle is how long the title of a notification is at most, in bytes.
const mostTitle = 240

// cut shortens a text to at most so many bytes, at the end of a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// askHouse tells the monitoring what the library knows of itself.
func (a *App) askHouse(ctx context.Context) (monitor.House, error) {
	h, err := a.files.Health(ctx)
	seconds := func(d time.Duration) float64 {
		if d < 0 {
			return math.NaN()
		}
		return d.Seconds()
	}
	return monitor.House{DamagedFiles: float64(h.Damaged), BackupAgeSeconds: seconds(h.BackupAge), BackupOverdueSeconds: seconds(h.BackupOverdue)}, err
}
