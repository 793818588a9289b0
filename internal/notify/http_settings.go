package notify

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"homeserver/internal/platform/httpd"
)

// notificationSettings is what is set for all channels.
type notificationSettings struct {
	QuietFrom string       `json:"quiet_from" doc:"Beginning of the quiet hours, in which only what is critical is told; empty: none" example:"22:30"`
	QuietTo   string       `json:"quiet_to" doc:"Their end" example:"07:00"`
	TimeZone  string       `json:"time_zone" doc:"Of the quiet hours and of times in texts; empty: the machine's own" example:"Europe/Berlin"`
	Now       string       `json:"now" doc:"The time in that zone" example:"2026-11-26T10:14:00+01:00"`
	BaseURL   string       `json:"base_url" doc:"Where people reach this house, for links; empty: PUBLIC_URL, and without that no links" example:"https://home.example.org"`
	Watchdog  watchdogBody `json:"watchdog"`
}

// watchdogBody is how somebody outside is told that all is well.
type watchdogBody struct {
	Enabled     bool       `json:"enabled"`
	URLSet      bool       `json:"url_set" doc:"An address is kept; it is never shown"`
	Where       string     `json:"where" doc:"Its host" example:"hc-ping.com"`
	Minutes     int        `json:"minutes" doc:"How often it is called" example:"5"`
	AllowLocal  bool       `json:"allow_local" doc:"It may be in the own network"`
	SucceededAt *time.Time `json:"succeeded_at"`
	FailedAt    *time.Time `json:"failed_at"`
	Error       string     `json:"error" doc:"What was wrong last; empty when it went well since"`
}

type settingsInput struct {
	Body struct {
		QuietFrom string `json:"quiet_from" maxLength:"5" example:"22:30"`
		QuietTo   string `json:"quiet_to" maxLength:"5" example:"07:00"`
		TimeZone  string `json:"time_zone" maxLength:"100" example:"Europe/Berlin"`
		BaseURL   string `json:"base_url" maxLength:"500" example:"https://home.example.org"`
		Watchdog  struct {
			Enabled    bool    `json:"enabled"`
			URL        *string `json:"url,omitempty" maxLength:"2000" doc:"Absent: it stays as it is"`
			Minutes    int     `json:"minutes" minimum:"1" maximum:"1440" example:"5"`
			AllowLocal bool    `json:"allow_local"`
		} `json:"watchdog"`
	}
}

func (n *Notify) settingsRoutes(r *httpd.Router) {
	httpd.Register(r, op(http.MethodGet, "/settings", "get-notification-settings", "Quiet hours and the watchdog", ""), n.getSettings)
	httpd.Register(r, op(http.MethodPut, "/settings", "set-notification-settings", "Set quiet hours and the watchdog", "All settings are set, but the watchdog's address if it is left out."), n.putSettings)
}

func (n *Notify) getSettings(ctx context.Context, _ *struct{}) (*out[notificationSettings], error) {
	values, err := n.store.settings(ctx)
	if err != nil {
		return nil, err
	}
	s, err := n.settingsFrom(values)
	if err != nil {
		return nil, err
	}
	w := watchdogBody{Enabled: s.Watchdog.Enabled, URLSet: s.Watchdog.URL != "", Minutes: s.Watchdog.Minutes, AllowLocal: s.Watchdog.AllowLocal,
		SucceededAt: kept(values[watchdogOK]), FailedAt: kept(values[watchdogErrorAt]), Error: values[watchdogError]}
	if u, err := url.Parse(s.Watchdog.URL); err == nil {
		w.Where = u.Host
	}
	return &out[notificationSettings]{notificationSettings{QuietFrom: s.QuietFrom, QuietTo: s.QuietTo, TimeZone: s.TimeZone, Now: n.now().In(s.zone).Format(time.RFC3339), BaseURL: s.BaseURL, Watchdog: w}}, nil
}

// kept is a time among the settings, nil when it is not set.
func kept(text string) *time.Time {
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return timeOrNil(at)
}

func (n *Notify) putSettings(ctx context.Context, in *settingsInput) (*out[notificationSettings], error) {
	old, err := n.settings(ctx)
	if err != nil {
		return nil, err
	}
	b := in.Body
	s := Settings{QuietFrom: b.QuietFrom, QuietTo: b.QuietTo, TimeZone: b.TimeZone, BaseURL: b.BaseURL,
		Watchdog: Watchdog{Enabled: b.Watchdog.Enabled, URL: old.Watchdog.URL, Minutes: b.Watchdog.Minutes, AllowLocal: b.Watchdog.AllowLocal}}
	if b.Watchdog.URL != nil {
		s.Watchdog.URL = *b.Watchdog.URL
	}
	if !old.Watchdog.AllowLocal || s.Watchdog.URL != old.Watchdog.URL {
		if err := mayAllowLocal(ctx, s.Watchdog.AllowLocal); err != nil {
			return nil, err
		}
	}
	if err := n.change(ctx, s); err != nil {
		return nil, err
	}
	detail := "quiet hours " + s.QuietFrom + "-" + s.QuietTo
	if s.Watchdog.Enabled {
		detail += ", watchdog on"
	}
	n.lent.Record(ctx, "notifications.settings", "", detail)
	return n.getSettings(ctx, nil)
}
