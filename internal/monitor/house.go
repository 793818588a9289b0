package monitor

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"homeserver/internal/monitor/alerts"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/sqldb"
)

const (
	// houseEvery is how often the house is asked how it is: what it tells changes slowly.
	houseEvery = time.Minute
	// houseTimeout bounds one answer.
	houseTimeout = 20 * time.Second
	// houseAge is how old an answer may be; then it is a gap.
	houseAge = 3 * houseEvery
)

// House is what the house knows of itself. NaN is not known.
type House struct {
	DamagedFiles, BackupAgeSeconds, BackupOverdueSeconds float64
}

// AskHouse asks the house how it is.
type AskHouse func(ctx context.Context) (House, error)

// house is the newest answer.
type house struct {
	ask    AskHouse // nil: nobody knows
	newest atomic.Pointer[houseAnswer]
}

type houseAnswer struct {
	House
	at time.Time
}

// UseAlerts has the room keep alerts in db and watch what the house knows of itself. It is called
// before Service.
func (m *Monitor) UseAlerts(db *sqldb.DB, ask AskHouse, lent alerts.Lent) {
	lent.History, lent.Raised = m.long, m.freezeSoon
	m.house.ask = ask
	m.alerts = alerts.New(db, m.metrics, lent, m.log)
}

// askHouse asks every minute until ctx ends.
func (m *Monitor) askHouse(ctx context.Context) {
	if m.house.ask == nil {
		return
	}
	ticker := time.NewTicker(houseEvery)
	defer ticker.Stop()
	failed := false
	for {
		within, cancel := context.WithTimeout(ctx, houseTimeout)
		known, err := m.house.ask(within)
		cancel()
		switch {
		case err == nil:
			m.house.newest.Store(&houseAnswer{known, time.Now()})
		case ctx.Err() == nil && !failed:
			m.log.Warn("the house cannot be asked how it is", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// houseReadings are the figures of the house; a gap where the last answer is too old.
func (m *Monitor) houseReadings() []metric.Reading {
	if m.house.ask == nil {
		return nil
	}
	known := House{math.NaN(), math.NaN(), math.NaN()}
	if a := m.house.newest.Load(); a != nil && time.Since(a.at) < houseAge {
		known = a.House
	}
	r := m.metrics
	return []metric.Reading{
		r.Reading(metric.HouseDamagedFiles, known.DamagedFiles),
		r.Reading(metric.HouseBackupAgeSeconds, known.BackupAgeSeconds),
		r.Reading(metric.HouseBackupOverdueSeconds, known.BackupOverdueSeconds),
	}
}
