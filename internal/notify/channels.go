package notify

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"homeserver/internal/notify/channel"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

const (
	// maxChannels bounds the channels of a household.
	maxChannels = 30
	// maxName bounds a channel's name, in bytes.
	maxName = 100
	// defaultFallbackAfter is how many failures in a row another channel waits for.
	defaultFallbackAfter = 3
	// maxFallbackAfter bounds it.
	maxFallbackAfter = 100
)

// Channel is a way out of the house.
type Channel struct {
	ID            string
	Kind          string
	Name          string
	Settings      map[string]string // without secrets
	Enabled       bool
	AllowLocal    bool
	Minimum       Severity
	OnlyFallback  bool
	FallbackID    string
	FallbackAfter int64
	Quiet         bool

	Failures                         int64
	Error                            string
	position                         int64
	sealed                           string
	waitUntil, succeededAt, failedAt int64
}

// target opens a channel's secrets.
func (n *Notify) target(c *Channel) (channel.Target, error) {
	to := channel.Target{Kind: c.Kind, AllowLocal: c.AllowLocal, Settings: maps.Clone(c.Settings)}
	if to.Settings == nil {
		to.Settings = map[string]string{}
	}
	if c.sealed == "" {
		return to, nil
	}
	text, err := n.lent.Sealer.Unseal(purposeOf(c.ID), c.sealed)
	secret := map[string]string{}
	if err == nil {
		err = json.Unmarshal([]byte(text), &secret)
	}
	if err != nil {
		return to, errs.Wrap(errs.Conflict, "The channel's secrets cannot be read: the server's key (secret.key or SECRET_KEY) has changed. Enter them anew.", err)
	}
	maps.Copy(to.Settings, secret)
	return to, nil
}

// purposeOf binds sealed secrets to their channel.
func purposeOf(id string) string { return "notifications channel " + id }

// keep puts what was typed into a channel: the open part as it is, the secret part sealed.
func (n *Notify) keep(c *Channel, typed map[string]string) error {
	to, err := n.senders.Complete(channel.Target{Kind: c.Kind, AllowLocal: c.AllowLocal, Settings: typed})
	if err != nil {
		return err
	}
	open, secret := channel.Split(to)
	c.Settings, c.sealed = open, ""
	if len(secret) > 0 {
		text, err := json.Marshal(secret)
		if err != nil {
			return err
		}
		c.sealed = n.lent.Sealer.Seal(purposeOf(c.ID), string(text))
	}
	return nil
}

// judge says what is wrong with a channel beside its settings.
func (n *Notify) judge(ctx context.Context, tx *sqldb.Tx, c *Channel) error {
	c.Name = strings.TrimSpace(c.Name)
	if c.FallbackAfter == 0 {
		c.FallbackAfter = defaultFallbackAfter
	}
	list, err := n.store.channels(ctx, tx)
	if err != nil {
		return err
	}
	byID := func(id string) func(*Channel) bool { return func(o *Channel) bool { return o.ID == id } }
	switch {
	case c.Name == "" || len(c.Name) > maxName:
		return errs.Newf(errs.Invalid, "A channel needs a name of at most %d bytes.", maxName)
	case strings.ContainsFunc(c.Name, unicode.IsControl):
		return errs.New(errs.Invalid, "The name of a channel is one line, without control characters.")
	case slices.ContainsFunc(list, func(o *Channel) bool { return o.ID != c.ID && strings.EqualFold(o.Name, c.Name) }):
		return errs.Newf(errs.Conflict, "There is a channel called %s already.", c.Name)
	case len(list) >= maxChannels && !slices.ContainsFunc(list, byID(c.ID)):
		return errs.Newf(errs.Conflict, "There are %d channels, and there can be no more.", len(list))
	case c.FallbackID == c.ID || c.FallbackID != "" && !slices.ContainsFunc(list, byID(c.FallbackID)):
		return errs.New(errs.Invalid, "The channel that stands in must be another one that there is.")
	case c.FallbackAfter < 1 || c.FallbackAfter > maxFallbackAfter:
		return errs.Newf(errs.Invalid, "Another channel stands in after 1 to %d failures.", maxFallbackAfter)
	}
	return nil
}

// addChannel makes a channel.
func (n *Notify) addChannel(ctx context.Context, c *Channel, typed map[string]string) error {
	c.ID = uuid.NewString()
	if err := mayAllowLocal(ctx, c.AllowLocal); err != nil {
		return err
	}
	if err := n.keep(c, typed); err != nil {
		return err
	}
	return n.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := n.store.lockChannels(ctx, tx); err != nil {
			return err
		}
		if err := n.judge(ctx, tx, c); err != nil {
			return err
		}
		return n.store.addChannel(ctx, tx, c, n.now().UnixMicro())
	})
}

// changeChannel changes one. Secrets that were not typed stay; one typed as nothing goes.
func (n *Notify) changeChannel(ctx context.Context, c *Channel, typed map[string]string) error {
	err := n.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := n.store.lockChannels(ctx, tx); err != nil {
			return err
		}
		old, err := n.find(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if c.Kind != old.Kind {
			return errs.New(errs.Invalid, "A channel stays of its kind. Add another one.")
		}
		all, same, err := n.withSecrets(old, c, typed)
		if err != nil {
			return err
		}
		if !old.AllowLocal || !same {
			if err := mayAllowLocal(ctx, c.AllowLocal); err != nil {
				return err
			}
		}
		if err := n.keep(c, all); err != nil {
			return err
		}
		if err := n.judge(ctx, tx, c); err != nil {
			return err
		}
		return n.store.changeChannel(ctx, tx, c)
	})
	if err == nil {
		n.wake()
	}
	return err
}

// removeChannel forgets a channel and returns what it was.
func (n *Notify) removeChannel(ctx context.Context, id string) (c *Channel, err error) {
	err = n.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := n.store.lockChannels(ctx, tx); err != nil {
			return err
		}
		if c, err = n.find(ctx, tx, id); err != nil {
			return err
		}
		return n.store.removeChannel(ctx, tx, id, n.now().UnixMicro())
	})
	return c, err
}

func (n *Notify) find(ctx context.Context, q sqldb.Querier, id string) (*Channel, error) {
	c, err := n.store.channel(ctx, q, id)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errs.New(errs.NotFound, "There is no such channel.")
	}
	return c, err
}

// test sends a note by a channel now and says how it went; "" is well.
func (n *Notify) test(ctx context.Context, id string) (failure, warning string, err error) {
	c, err := n.find(ctx, n.store.db, id)
	if err != nil {
		return "", "", err
	}
	settings, err := n.settings(ctx)
	if err != nil {
		return "", "", err
	}
	to, err := n.target(c)
	if err == nil {
		now := n.now()
		image, drawErr := drawChart(samplePoints(now))
		if drawErr != nil {
			return "", "", drawErr
		}
		link := ""
		if base := n.base(settings); base != "" {
			link = base + "/static/settings.html"
		}
		warning, err = n.senders.Send(ctx, to, channel.Note{ID: uuid.NewString(), State: string(Plain), Severity: Info, Title: n.lent.Name + ": test", Times: 1, At: now, Since: now, Image: image, Link: link,
			Text: "Notifications by " + c.Name + " arrive. The chart is a sample."})
	}
	failure = sentenceOf(err)
	if noteErr := n.store.noteTest(context.WithoutCancel(ctx), id, failure, n.now().UnixMicro()); noteErr != nil {
		return "", "", noteErr
	}
	n.wake()
	return failure, warning, nil
}

// samplePoints are the chart of a test.
func samplePoints(now time.Time) []Point {
	var points []Point
	for i, v := range []float64{20, 22, 21, 40, 62, 88, 91, 70, 45, 30, 24, 22} {
		points = append(points, Point{now.Add(time.Duration(i) * time.Minute), v})
	}
	return points
}

// sentenceOf is what people read of an error.
func sentenceOf(err error) string {
	var failure *channel.Failure
	switch {
	case err == nil:
		return ""
	case errors.As(err, &failure):
		return failure.Sentence
	case errs.Detail(err) != "":
		return errs.Detail(err)
	}
	return "It could not be sent."
}
