package notify

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/notify/channel"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// channelBody is a channel as it is shown: without its secrets.
type channelBody struct {
	ID            string            `json:"id"`
	Kind          string            `json:"kind" enum:"ntfy,webhook,email,telegram,gotify,shoutrrr"`
	Name          string            `json:"name" example:"Ada's phone"`
	Where         string            `json:"where" doc:"Where it leads, for people" example:"alerts at ntfy.sh"`
	Settings      map[string]string `json:"settings" doc:"What the kind needs to know, without secrets"`
	SecretsSet    []string          `json:"secrets_set" nullable:"false" doc:"The secrets that are kept; they are never shown"`
	Enabled       bool              `json:"enabled"`
	AllowLocal    bool              `json:"allow_local" doc:"It may connect to addresses in the own network"`
	Minimum       string            `json:"minimum_severity" enum:"info,warning,critical"`
	OnlyFallback  bool              `json:"only_fallback" doc:"It is told only what another channel could not tell"`
	FallbackID    string            `json:"fallback_id" doc:"The channel that stands in for it; empty: none"`
	FallbackAfter int64             `json:"fallback_after" doc:"After so many failures in a row"`
	Quiet         bool              `json:"quiet" doc:"It keeps the quiet hours"`
	Waiting       int64             `json:"waiting" doc:"How many notifications wait"`
	Failures      int64             `json:"failures" doc:"In a row"`
	SucceededAt   *time.Time        `json:"succeeded_at"`
	FailedAt      *time.Time        `json:"failed_at"`
	Error         string            `json:"error" doc:"What was wrong last; empty when it went well since"`
	NextAt        *time.Time        `json:"next_at" doc:"After a failure: when it is tried again"`
}

type channelsBody struct {
	Channels []channelBody `json:"channels" nullable:"false"`
}

// ChannelSettings are what may be set of a channel of any kind.
type ChannelSettings struct {
	Name          string            `json:"name" minLength:"1" maxLength:"100" example:"Ada's phone"`
	Settings      map[string]string `json:"settings" nullable:"false" doc:"By kind. ntfy: server, topic, token or user and password. webhook: url, token, signing_key. email: host, port, security (starttls, tls, none), user, password, from, to. telegram: token, chat. gotify: server, token. shoutrrr: url. Secrets that are left out stay as they are, unless it leads elsewhere" example:"{\"topic\":\"alerts\"}"`
	Enabled       *bool             `json:"enabled,omitempty" doc:"Absent: true"`
	AllowLocal    bool              `json:"allow_local,omitempty" doc:"Let it connect to addresses in the own network"`
	Minimum       string            `json:"minimum_severity,omitempty" enum:"info,warning,critical" default:"info"`
	OnlyFallback  bool              `json:"only_fallback,omitempty"`
	FallbackID    string            `json:"fallback_id,omitempty" maxLength:"36"`
	FallbackAfter int64             `json:"fallback_after,omitempty" minimum:"1" maximum:"100" default:"3"`
	Quiet         *bool             `json:"quiet,omitempty" doc:"Absent: true"`
}

type newChannelInput struct {
	Body struct {
		Kind string `json:"kind" enum:"ntfy,webhook,email,telegram,gotify,shoutrrr"`
		ChannelSettings
	}
}

type channelInput struct {
	ID   string `path:"id"`
	Body ChannelSettings
}

type idInput struct {
	ID string `path:"id"`
}

type channelTestBody struct {
	OK     bool   `json:"ok"`
	Detail string `json:"detail" doc:"What happened, in a sentence" example:"The service took it."`
}

func (n *Notify) channelRoutes(r *httpd.Router) {
	httpd.Register(r, op(http.MethodGet, "/channels", "list-channels", "Where notifications go", "In the order in which they were made. Secrets are never shown."), n.listChannels)
	httpd.Register(r, op(http.MethodPost, "/channels", "add-channel", "Add a channel", ""), n.postChannel)
	httpd.Register(r, op(http.MethodPut, "/channels/{id}", "change-channel", "Change a channel", "Everything is set but secrets that are left out. They are needed anew when server, host, port, security or allow_local change. What waits for it is tried at once."), n.putChannel)
	httpd.Register(r, empty(op(http.MethodDelete, "/channels/{id}", "remove-channel", "Remove a channel", "What waits for it is given up.")), n.deleteChannel)
	httpd.Register(r, op(http.MethodPost, "/channels/{id}/test", "test-channel", "Try a channel", "Sends a notification at once and says what happened."), n.testChannel)
}

func (n *Notify) channelBody(c *Channel, waiting int64) channelBody {
	b := channelBody{ID: c.ID, Kind: c.Kind, Name: c.Name, Settings: c.Settings, SecretsSet: []string{}, Enabled: c.Enabled, AllowLocal: c.AllowLocal, Minimum: c.Minimum.String(),
		OnlyFallback: c.OnlyFallback, FallbackID: c.FallbackID, FallbackAfter: c.FallbackAfter, Quiet: c.Quiet, Waiting: waiting, Failures: c.Failures,
		SucceededAt: timeOrNil(c.succeededAt), FailedAt: timeOrNil(c.failedAt), Error: c.Error}
	if c.waits(n.now()) {
		b.NextAt = timeOrNil(c.waitUntil)
	}
	to, err := n.target(c)
	if err != nil {
		b.Error = sentenceOf(err)
		return b
	}
	b.Where = channel.Where(to)
	for _, f := range channel.Fields(c.Kind) {
		if f.Secret && to.Settings[f.Name] != "" {
			b.SecretsSet = append(b.SecretsSet, f.Name)
		}
	}
	return b
}

func (n *Notify) listChannels(ctx context.Context, _ *struct{}) (*out[channelsBody], error) {
	list, err := n.store.channels(ctx, n.store.db)
	if err != nil {
		return nil, err
	}
	waiting, err := n.store.waiting(ctx)
	if err != nil {
		return nil, err
	}
	body := channelsBody{Channels: []channelBody{}}
	for _, c := range list {
		body.Channels = append(body.Channels, n.channelBody(c, waiting[c.ID]))
	}
	return &out[channelsBody]{body}, nil
}

// severityOf reads a severity that may be left out.
func severityOf(name string) (Severity, bool) {
	if name == "" {
		return Info, true
	}
	return channel.SeverityOf(name)
}

// given takes over what was typed.
func (b *ChannelSettings) given(c *Channel) error {
	severity, ok := severityOf(b.Minimum)
	if !ok {
		return errs.New(errs.Invalid, "A severity is info, warning or critical.")
	}
	c.Name, c.AllowLocal, c.OnlyFallback, c.FallbackID, c.FallbackAfter, c.Minimum = b.Name, b.AllowLocal, b.OnlyFallback, b.FallbackID, b.FallbackAfter, severity
	c.Enabled, c.Quiet = b.Enabled == nil || *b.Enabled, b.Quiet == nil || *b.Quiet
	return nil
}

func (n *Notify) postChannel(ctx context.Context, in *newChannelInput) (*out[channelBody], error) {
	c := &Channel{Kind: in.Body.Kind}
	if err := in.Body.given(c); err != nil {
		return nil, err
	}
	if err := n.addChannel(ctx, c, in.Body.Settings); err != nil {
		return nil, err
	}
	n.lent.Record(ctx, "notifications.channel.added", c.Name, c.describe())
	return &out[channelBody]{n.channelBody(c, 0)}, nil
}

func (n *Notify) putChannel(ctx context.Context, in *channelInput) (*out[channelBody], error) {
	old, err := n.find(ctx, n.store.db, in.ID)
	if err != nil {
		return nil, err
	}
	c := &Channel{ID: in.ID, Kind: old.Kind}
	if err := in.Body.given(c); err != nil {
		return nil, err
	}
	if err := n.changeChannel(ctx, c, in.Body.Settings); err != nil {
		return nil, err
	}
	n.lent.Record(ctx, "notifications.channel.changed", c.Name, c.describe())
	waiting, err := n.store.waiting(ctx)
	if err != nil {
		return nil, err
	}
	if c, err = n.find(ctx, n.store.db, in.ID); err != nil {
		return nil, err
	}
	return &out[channelBody]{n.channelBody(c, waiting[c.ID])}, nil
}

// describe is the channel for the audit log.
func (c *Channel) describe() string {
	text := c.Kind
	if c.AllowLocal {
		text += ", local addresses allowed"
	}
	if !c.Enabled {
		text += ", switched off"
	}
	return text
}

func (n *Notify) deleteChannel(ctx context.Context, in *idInput) (*struct{}, error) {
	c, err := n.removeChannel(ctx, in.ID)
	if err == nil {
		n.lent.Record(ctx, "notifications.channel.removed", c.Name, c.Kind)
	}
	return nil, err
}

func (n *Notify) testChannel(ctx context.Context, in *idInput) (*out[channelTestBody], error) {
	failure, warning, err := n.test(ctx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case failure != "":
		return &out[channelTestBody]{channelTestBody{false, failure}}, nil
	case warning != "":
		return &out[channelTestBody]{channelTestBody{true, warning}}, nil
	}
	return &out[channelTestBody]{channelTestBody{true, "The service took it. Look whether it has arrived."}}, nil
}
