package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/sqldb"
)

// quietHours are the hours of a day in which only what is critical is told.
type quietHours struct {
	from, to time.Duration // since midnight; the same: there are none
	zone     *time.Location
}

// until returns when the quiet hours that hold at a time end; false when none hold.
func (q quietHours) until(now time.Time) (time.Time, bool) {
	if q.from == q.to {
		return time.Time{}, false
	}
	local := now.In(q.zone)
	at := func(days int, since time.Duration) time.Time {
		year, month, day := local.Date()
		// By the wall clock, also on days that have 23 or 25 hours.
		return time.Date(year, month, day+days, int(since/time.Hour), int(since%time.Hour/time.Minute), 0, 0, q.zone)
	}
	for _, days := range []int{-1, 0} { // they may have begun yesterday
		begin, end := at(days, q.from), at(days, q.to)
		if q.to < q.from {
			end = at(days+1, q.to)
		}
		if !local.Before(begin) && local.Before(end) {
			return end, true
		}
	}
	return time.Time{}, false
}

// keepQuiet holds what may not be told now, and lets go what was held once it may.
func (n *Notify) keepQuiet(ctx context.Context, c *Channel, settings Settings, now time.Time) error {
	if c.Quiet {
		if end, quiet := settings.hours().until(now); quiet {
			return n.store.hold(ctx, c.ID, end.UnixMicro(), now.UnixMicro())
		}
	}
	held, err := n.store.heldDue(ctx, n.store.db, c.ID, now.UnixMicro())
	if err != nil || len(held) == 0 {
		return err
	}
	return n.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		held, err := n.store.heldDue(ctx, tx, c.ID, now.UnixMicro())
		if err != nil {
			return err
		}
		if len(held) == 1 {
			return n.store.letGo(ctx, tx, held[0].id, now.UnixMicro())
		}
		return n.digest(ctx, tx, c, held, settings, now)
	})
}

// digest makes one message of what was held.
func (n *Notify) digest(ctx context.Context, tx *sqldb.Tx, c *Channel, held []*delivery, settings Settings, now time.Time) error {
	m := storedMessage{id: uuid.NewString(), created: now.UnixMicro()}
	m.State, m.At = digestState, now
	var lines []string
	for _, d := range held {
		m.Severity = max(m.Severity, d.message.Severity)
		lines = append(lines, line(d, settings))
	}
	m.Title = fmt.Sprintf("%d notifications from the quiet hours", len(held))
	m.Text = joined(lines)
	if err := n.store.addMessage(ctx, tx, m); err != nil {
		return err
	}
	id, err := n.store.place(ctx, tx, m, c.ID, now.UnixMicro())
	if err != nil {
		return err
	}
	told := 0
	for _, d := range held {
		ok, err := n.store.tellIn(ctx, tx, d.id, id)
		if err != nil {
			return err
		}
		if ok {
			told++
		}
	}
	if told == 0 {
		return n.store.dropDelivery(ctx, tx, id)
	}
	return nil
}

// line is a message in a digest.
func line(d *delivery, settings Settings) string {
	text := settings.clock(d.message.At) + "  " + d.message.Title
	if more := history(d, settings); more != "" {
		text += " (" + strings.TrimSuffix(more, ".") + ")"
	}
	return text
}

// joined makes a text of lines that fits into a message.
func joined(lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		rest := fmt.Sprintf("\nand %d more: see the notifications in the settings.", len(lines)-i)
		if b.Len()+len(l)+1+len(rest) > maxText {
			b.WriteString(rest)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l)
	}
	return b.String()
}
