package app

import (
	"context"
	"math"
	"path/filepath"
	"time"

	"homeserver/internal/auth"
	"homeserver/internal/monitor"
	"homeserver/internal/monitor/alerts"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/service"
)

// services is the list of rooms, in wiring order: migrations are applied in it. Adding a room
// is one line here. It returns the room that knows who is at the door.
func (a *App) services(storage string) httpd.Doors {
	a.auth = auth.New(a.db, a.config.Auth, a.log, time.Now)
	machine := monitor.New(monitor.Config{StoragePath: storage, Started: a.started, HistoryURL: "sqlite:" + filepath.Join(a.config.House.DataDir, "monitoring.db")}, a.files.Usage, a.log)
	machine.UseAlerts(a.db, a.askHouse, alerts.Lent{Record: a.record, DisplayName: a.displayName})
	a.rooms = []service.Service{
		a.auth.Service(),
		a.files.Service(),
		machine.Service(),
	}
	return a.auth
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

// planned are the services of the original's /api/v1/info whose rooms are not built.
func planned() []string { return []string{"media", "automation", "ai", "web"} }

// active are those of the original's that are.
func active() []string { return []string{"files", "monitoring"} }
