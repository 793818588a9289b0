// Command years fills a history of the machine's figures with five years, for tests of the charts
// in a browser: a few samples a day, every minute of the last month, and every 2 s of the last
// hours, with a day's rhythm, gaps and a spike here and there.
//
//	go run ./test/years data/monitoring.db
package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
)

const (
	day = 24 * time.Hour
	// years is how far back it goes.
	years = 5 * 365 * day
	// month is remembered by the minute, and the last hours as they were measured.
	month = 30 * day
	hours = 3 * time.Hour
	// seldom is between two samples of before: a chart of years has no room for more, and each
	// hour that is written takes its time.
	seldom = 6 * time.Hour
	tick   = 2 * time.Second
)

// figures are what is filled: those that charts show at first, and no more.
func figures() []string {
	return []string{metric.CPUPercent, metric.MemoryPercent, metric.NetworkReceivedBytesPerSecond, metric.NetworkSentBytesPerSecond}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: years FILE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := fill(ctx, os.Args[1], time.Now())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "years:", err)
		os.Exit(1)
	}
}

// fill appends the figures, up to now.
func fill(ctx context.Context, file string, now time.Time) error {
	h, err := history.Open(ctx, history.Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	var samples []history.Sample
	var metrics []*metric.Metric
	registry := metric.New()
	for _, name := range figures() {
		m := registry.Find(name)
		n, err := h.Series(ctx, m.Name, "", m.Scale)
		if err != nil {
			return err
		}
		samples, metrics = append(samples, history.Sample{Series: n}), append(metrics, m)
	}
	random := rand.New(rand.NewPCG(5, 5))
	for at := now.Add(-years).Truncate(time.Hour); at.Before(now) && err == nil; at = at.Add(step(now.Sub(at))) {
		if at.Day() == 13 && at.Hour() < 6 {
			continue // it was off
		}
		for i, m := range metrics {
			samples[i].Value = figure(m, at, i, random)
		}
		err = h.Append(ctx, at, samples)
	}
	if closed := h.Close(); err == nil {
		err = closed
	}
	return err
}

// step is the time to the next sample at an age.
func step(age time.Duration) time.Duration {
	switch {
	case age > month:
		return seldom
	case age > hours:
		return time.Minute
	}
	return tick
}

// figure is a value with the rhythm of days and years.
func figure(m *metric.Metric, at time.Time, i int, random *rand.Rand) float64 {
	days := float64(at.Unix()) / day.Seconds()
	share := 0.3 + 0.15*math.Sin(2*math.Pi*days+float64(i)) + 0.1*math.Sin(2*math.Pi*days/365) + 0.05*random.NormFloat64()
	if random.IntN(2000) == 0 {
		share = 0.98
	}
	share = min(1, max(0, share))
	if m.Unit == metric.Percent {
		return 100 * share
	}
	return 1e7 * share
}
