package app

import (
	"time"

	"homeserver/internal/auth"
	"homeserver/internal/monitor"
	"homeserver/internal/monitor/alerts"
	"homeserver/internal/notify"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/service"
)

// services is the list of rooms, in wiring order: migrations are applied in it. Adding a room
// is one line here. It returns the room that knows who is at the door.
func (a *App) services(storage string) httpd.Doors {
	a.auth = auth.New(a.db, a.config.Auth, a.log, time.Now)
	watching := a.config.Monitor
	watching.StoragePath, watching.Started, watching.Version, watching.HistoryURL = storage, a.started, a.version, "sqlite:"+historyFile(a.config)
	watching.Events = []monitor.EventSource{a.happened}
	watch := monitor.New(watching, a.files.Usage, a.log)
	a.notify = notify.New(a.db, notify.Config{}, a.log, time.Now, notify.Lent{Sealer: a.auth, Record: a.record, Watching: watch.Watching, Name: a.config.House.AppName, BaseURL: a.config.Auth.OIDC.PublicURL})
	watch.UseAlerts(a.db, a.askHouse, alerts.Lent{Outbox: outbox{a.notify}, Record: a.record, DisplayName: a.displayName})
	a.rooms = []service.Service{
		a.auth.Service(),
		a.files.Service(),
		watch.Service(),
		a.notify.Service(),
	}
	return a.auth
}

// planned are the services of the original's /api/v1/info whose rooms are not built.
func planned() []string { return []string{"media", "automation", "ai", "web"} }

// active are those of the original's that are.
func active() []string { return []string{"files", "monitoring"} }
