// Package notify tells people what happens in the house: by ntfy, webhooks, e-mail, Telegram,
// Gotify, and the services that shoutrrr knows.
//
// The story of a message. Whoever has something to tell calls Enqueue in the transaction that
// makes it true, so that there is never an alert without its message nor a message without its
// alert. The message becomes one delivery for each channel that wants it. Copies of the server
// take turns at a channel by a lease on its row; whoever has it sends what is due, in order, and
// notes how it went. What fails is tried again with growing pauses, for days; after some
// failures in a row another channel stands in. In quiet hours what is not critical is held,
// and told together when they end.
//
// Invariants:
//   - What was enqueued is told, collapsed into a later message about the same, or visibly given
//     up; a restart, a crash or an hour without network loses nothing.
//   - It is told once, as far as the receiver allows: a delivery is marked before it is sent, and
//     one whose sender died is sent again under the same id, by which a receiver can tell.
//   - While something waits, what is said about the same key replaces it, and tells since when,
//     how often and how bad. A raise and a recovery that both wait become one message.
//   - Secrets of channels are sealed in the database, and are in no answer, log or error.
//   - Nothing connects to the household's own network unless an administrator allowed that.
package notify

import (
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"homeserver/internal/notify/channel"
	"homeserver/internal/platform/jobs"
	"homeserver/internal/platform/service"
	"homeserver/internal/platform/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Sealer keeps secrets for the database; the auth room is it.
type Sealer interface {
	// Seal encrypts text; purpose binds it to its place.
	Seal(purpose, text string) string
	// Unseal decrypts what Seal made for the same purpose.
	Unseal(purpose, sealed string) (string, error)
}

// Lent is what the house lends this room.
type Lent struct {
	Sealer Sealer
	// Record writes a line of the audit log.
	Record func(ctx context.Context, action, target, detail string)
	// Watching reports whether the machine is being watched: without that the watchdog outside
	// is not told that all is well.
	Watching func() bool
	// Name is what the house calls itself.
	Name string
	// BaseURL is where people reach it, if that is configured; the settings may say otherwise.
	BaseURL string
}

// Config says what differs outside of a household. The zero value is the usual.
type Config struct {
	Channel channel.Config
}

// Notify is the room.
type Notify struct {
	store   store
	log     *slog.Logger
	now     func() time.Time
	lent    Lent
	senders *channel.Senders
	holder  string        // who this copy of the server is, in leases
	nudge   chan struct{} // one slot: something was enqueued

	mu      sync.Mutex
	working map[string]bool // channels that this copy works at
}

// New makes the room; it does no I/O.
func New(db *sqldb.DB, config Config, log *slog.Logger, now func() time.Time, lent Lent) *Notify {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host" // only for people to read; the random part tells holders apart
	}
	return &Notify{store: store{db}, log: log, now: now, lent: lent, senders: channel.New(config.Channel),
		holder: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()), nudge: make(chan struct{}, 1), working: map[string]bool{}}
}

// Service is what the room offers the house.
func (n *Notify) Service() service.Service {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic("notify: the embedded migrations have moved: " + err.Error())
	}
	return service.Service{Name: "notifications", Migrations: sub, Routes: n.routes, Jobs: n.jobs, Run: n.Run}
}

// tidyEvery is how often old messages are removed.
const tidyEvery = 24 * time.Hour

func (n *Notify) jobs(w *jobs.Workers) { w.Every("notifications.tidy", tidyEvery, n.Tidy) }

const (
	// lookEvery is how often this copy looks whether something is due: what another copy enqueued,
	// and what was enqueued in a transaction that took its time. It reads an index.
	lookEvery = 2 * time.Second
	// nudgePause is how long after Enqueue the first look is: its transaction must end first.
	nudgePause = 50 * time.Millisecond
	// maxAtWork is how many channels are worked at side by side: a slow one must not hold up
	// the others.
	maxAtWork = 8
)

// Run sends what is due, and tells the watchdog outside that the house lives, until ctx ends.
func (n *Notify) Run(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	return n.run(ctx, func() error { return n.look(ctx, &group) })
}

// run looks every 2 s, and soon after something was enqueued, until ctx ends.
func (n *Notify) run(ctx context.Context, look func() error) error {
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	// A nudge brings the next look forward and never puts it off: while much is enqueued they come
	// without a pause. One that comes before that look has another look follow.
	soon, again := false, false
	for said := ""; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			next := lookEvery
			if again {
				next = nudgePause
			}
			soon, again = again, false
			timer.Reset(next)
		case <-n.nudge:
			if again = soon; !soon {
				soon = true
				timer.Reset(nudgePause)
			}
			continue
		}
		if err := look(); err != nil && ctx.Err() == nil {
			if text := err.Error(); text != said { // once, not at every look
				n.log.WarnContext(ctx, "notifications wait: the database did not answer", "error", err)
				said = text
			}
			continue
		}
		said = ""
	}
}

// look starts work at every channel that has something due.
func (n *Notify) look(ctx context.Context, group *sync.WaitGroup) error {
	now := n.now()
	due, err := n.store.dueChannels(ctx, now.UnixMicro())
	if err != nil {
		return err
	}
	for _, id := range due {
		if n.take(id) {
			group.Go(func() {
				defer n.leave(id)
				n.work(ctx, id)
			})
		}
	}
	if n.take(watchdog) {
		group.Go(func() {
			defer n.leave(watchdog)
			n.tellWatchdog(ctx)
		})
	}
	return nil
}

// take notes that this copy works at something, unless it does already or has enough to do.
func (n *Notify) take(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.working[id] || len(n.working) >= maxAtWork && id != watchdog {
		return false
	}
	n.working[id] = true
	return true
}

func (n *Notify) leave(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.working, id)
}

// wake has Run look soon.
func (n *Notify) wake() {
	select {
	case n.nudge <- struct{}{}:
	default: // it will
	}
}

// keptFor is how long what was told stays in the list.
const keptFor = 60 * 24 * time.Hour

// Tidy removes messages that were told, or given up, long ago.
func (n *Notify) Tidy(ctx context.Context) error {
	now := n.now()
	return n.store.tidy(ctx, now.Add(-keptFor).UnixMicro(), now.UnixMicro())
}
