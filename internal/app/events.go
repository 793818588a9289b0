package app

import (
	"context"
	"time"

	"homeserver/internal/files"
	"homeserver/internal/monitor"
)

// happened tells charts of the machine what the files room did.
func (a *App) happened(ctx context.Context, from, to time.Time, most int) ([]monitor.Event, error) {
	list, err := a.files.Happened(ctx, from, to, most)
	events := make([]monitor.Event, 0, len(list))
	for _, h := range list {
		events = append(events, eventOf(h))
	}
	return events, err
}

func eventOf(h files.Happening) monitor.Event {
	e := monitor.Event{At: h.At, Kind: h.Kind, Count: h.Count}
	if !h.Until.IsZero() {
		e.Until = &h.Until
	}
	if h.Failed {
		e.Title = "failed"
	}
	return e
}
