package notify

import (
	"context"
	"strconv"
	"strings"
	"time"

	"homeserver/internal/notify/outward"
	"homeserver/internal/platform/errs"
)

// Settings are the household's, and live in the database.
type Settings struct {
	QuietFrom string
	QuietTo   string
	TimeZone  string
	BaseURL   string
	Watchdog  Watchdog
	zone      *time.Location
}

// Watchdog is somebody outside who is called while all is well, and raises the alarm when the
// calls stop.
type Watchdog struct {
	Enabled    bool
	URL        string // a secret: whoever knows it can call in our stead
	Minutes    int
	AllowLocal bool
}

// The keys of settings in the database.
const (
	keyQuietFrom    = "quiet_from"
	keyQuietTo      = "quiet_to"
	keyZone         = "time_zone"
	keyBase         = "base_url"
	watchdogEnabled = "watchdog_enabled"
	watchdogURL     = "watchdog_url"
	watchdogMinutes = "watchdog_minutes"
	watchdogLocal   = "watchdog_local"
	watchdogLast    = "watchdog_last"
	watchdogOK      = "watchdog_ok_at"
	watchdogErrorAt = "watchdog_error_at"
	watchdogError   = "watchdog_error"
)

const (
	// defaultMinutes is how often the watchdog is called when nobody said.
	defaultMinutes = 5
	// maxMinutes is the longest pause between calls: a day.
	maxMinutes = 24 * 60
	// watchdogPurpose binds the sealed address to its place.
	watchdogPurpose = "notifications watchdog"
)

// settings reads what is set.
func (n *Notify) settings(ctx context.Context) (Settings, error) {
	values, err := n.store.settings(ctx)
	if err != nil {
		return Settings{}, err
	}
	return n.settingsFrom(values)
}

func (n *Notify) settingsFrom(values map[string]string) (Settings, error) {
	s := Settings{QuietFrom: values[keyQuietFrom], QuietTo: values[keyQuietTo], TimeZone: values[keyZone], BaseURL: values[keyBase]}
	s.Watchdog = Watchdog{Enabled: values[watchdogEnabled] == "true", AllowLocal: values[watchdogLocal] == "true", Minutes: defaultMinutes}
	if minutes, err := strconv.Atoi(values[watchdogMinutes]); err == nil {
		s.Watchdog.Minutes = minutes
	}
	if sealed := values[watchdogURL]; sealed != "" {
		address, err := n.lent.Sealer.Unseal(watchdogPurpose, sealed)
		if err != nil {
			n.log.Warn("the watchdog's address cannot be read; enter it anew", "error", err)
		}
		s.Watchdog.URL = address
	}
	zone, err := zoneOf(s.TimeZone)
	if err != nil {
		zone = time.Local // the machine's own list of zones may have changed
	}
	s.zone = zone
	return s, nil
}

// zoneOf reads a time zone; "" is the machine's own.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errs.Newf(errs.Invalid, "The time zone %q is not known; for example Europe/Berlin.", name)
	}
	return zone, nil
}

// base is where people reach the house, "" when nobody said.
func (n *Notify) base(s Settings) string {
	if s.BaseURL != "" {
		return s.BaseURL
	}
	return strings.TrimSuffix(n.lent.BaseURL, "/")
}

// clock is a time for people, in the house's zone.
func (s Settings) clock(at time.Time) string { return at.In(s.zone).Format("2 Jan 15:04") }

// hours are the quiet hours.
func (s Settings) hours() quietHours {
	from, err := timeOfDay(s.QuietFrom)
	to, err2 := timeOfDay(s.QuietTo)
	if err != nil || err2 != nil || s.QuietFrom == "" || s.QuietTo == "" {
		return quietHours{}
	}
	return quietHours{from: from, to: to, zone: s.zone}
}

// timeOfDay reads "22:30".
func timeOfDay(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	at, err := time.Parse("15:04", text)
	if err != nil {
		return 0, errs.Newf(errs.Invalid, "%q is not a time of day such as 22:30.", text)
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, nil
}

// check says what is wrong with settings.
func (n *Notify) check(s Settings) error {
	from, err := timeOfDay(s.QuietFrom)
	if err != nil {
		return err
	}
	to, err := timeOfDay(s.QuietTo)
	if err != nil {
		return err
	}
	if (s.QuietFrom == "") != (s.QuietTo == "") || s.QuietFrom != "" && from == to {
		return errs.New(errs.Invalid, "Quiet hours need a beginning and another end; leave out both for none.")
	}
	if _, err := zoneOf(s.TimeZone); err != nil {
		return err
	}
	if s.BaseURL != "" {
		u, err := outward.ParseURL("The address of the house", s.BaseURL)
		if err != nil {
			return err
		}
		if u.RawQuery != "" || u.Fragment != "" {
			return errs.New(errs.Invalid, "The address of the house is not one such as https://home.example.org.")
		}
	}
	w := s.Watchdog
	switch {
	case w.Minutes < 1 || w.Minutes > maxMinutes:
		return errs.Newf(errs.Invalid, "The watchdog is called every 1 to %d minutes.", maxMinutes)
	case w.URL == "" && w.Enabled:
		return errs.New(errs.Invalid, "The watchdog needs an address to call, for example https://hc-ping.com/….")
	case w.URL == "":
		return nil
	}
	return n.senders.Doorway().CheckURL("The watchdog's address", w.URL, w.AllowLocal)
}

// change keeps settings.
func (n *Notify) change(ctx context.Context, s Settings) error {
	s.BaseURL = strings.TrimSuffix(s.BaseURL, "/")
	if err := n.check(s); err != nil {
		return err
	}
	sealed := ""
	if s.Watchdog.URL != "" {
		sealed = n.lent.Sealer.Seal(watchdogPurpose, s.Watchdog.URL)
	}
	err := n.store.saveSettings(ctx, map[string]string{keyQuietFrom: s.QuietFrom, keyQuietTo: s.QuietTo, keyZone: s.TimeZone, keyBase: s.BaseURL,
		watchdogEnabled: strconv.FormatBool(s.Watchdog.Enabled), watchdogURL: sealed, watchdogMinutes: strconv.Itoa(s.Watchdog.Minutes), watchdogLocal: strconv.FormatBool(s.Watchdog.AllowLocal),
		watchdogLast: "0", watchdogError: "", watchdogErrorAt: "0"}, n.now().UnixMicro())
	n.wake()
	return err
}
