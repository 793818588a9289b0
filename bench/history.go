package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"homeserver/internal/monitor/history"
)

const (
	// historySeries are figures of the kinds that a machine has: slow, noisy, jumping, still.
	historySeries = 20
	// historyDays are simulated; with -quick a month is.
	historyDays, historyDaysQuick = 2 * 365, 30
	// historyPoints is what a chart on a wide screen asks for.
	historyPoints = 1000
	// bytesTarget is what a sample may take on the disk.
	bytesTarget = 1.5
	// chartTarget is how long any chart may take.
	chartTarget = 100 * time.Millisecond
)

// remember simulates years of figures, one every 2 s, and asks for charts of every span.
func remember(ctx context.Context, b *bench) ([]row, error) {
	days := historyDays
	if b.quick {
		days = historyDaysQuick
	}
	log := slog.New(slog.DiscardHandler)
	config := history.Config{URL: "sqlite:" + filepath.Join(b.dir, "monitoring.db")}
	h, err := history.Open(ctx, config, log)
	if err != nil {
		return nil, err
	}
	now := time.Now().Truncate(time.Hour)
	began := time.Now()
	samples, err := simulate(ctx, h, now.AddDate(0, 0, -days), now)
	took := time.Since(began)
	if err == nil {
		err = h.Trim(ctx, now)
	}
	if err != nil {
		_ = h.Close()
		return nil, err
	}
	slowest, span, err := slowestChart(ctx, h, now, days)
	if closed := h.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	began = time.Now()
	report, err := history.Verify(ctx, config, log, nil)
	if err != nil {
		return nil, err
	}
	verified := time.Since(began)
	each := float64(report.Bytes) / float64(report.Samples)
	return []row{
		{what: fmt.Sprintf("history, %d days of %d figures: a kept sample, all tiers", days, historySeries), ours: fmt.Sprintf("%.2f bytes", each),
			target: fmt.Sprintf("< %.1f bytes", bytesTarget), verdict: judge(each < bytesTarget), note: "of " + mebibytes(report.Bytes)},
		{what: "to remember a sample", ours: fmt.Sprintf("%.0f ns", float64(took.Nanoseconds())/float64(samples)), note: "with its share of fsync"},
		{what: "slowest chart of 1 minute to all of it", ours: millis(slowest), target: "< " + millis(chartTarget), verdict: judge(slowest < chartTarget), note: "of " + span.String()},
		{what: "every page read, tiers compared", ours: verified.Round(time.Millisecond).String(), reference: fmt.Sprintf("%d pages", report.Pages),
			target: "no problem", verdict: judge(report.OK()), note: fmt.Sprintf("%d problems", len(report.Problems))},
	}, nil
}

// simulate appends a tick every 2 s, and trims once a day as a server does.
func simulate(ctx context.Context, h *history.History, from, to time.Time) (samples int64, err error) {
	tick := make([]history.Sample, historySeries)
	for i := range tick {
		if tick[i].Series, err = h.Series(ctx, fmt.Sprintf("figure{%d}", i), "", 10); err != nil {
			return 0, err
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	n := 0
	for at := from; at.Before(to); at = at.Add(2 * time.Second) {
		for i := range tick {
			slow := 50 + 40*math.Sin(float64(n)/9000+float64(i))
			switch i % 4 {
			case 0: // a processor
				tick[i].Value = slow + 5*random.NormFloat64()
			case 1: // a temperature
				tick[i].Value = math.Round(slow + random.NormFloat64())
			case 2: // a disk that fills
				tick[i].Value = float64(n / 500)
			default: // a network that is mostly still
				tick[i].Value = max(0, random.NormFloat64()-2) * 1e5
			}
		}
		if err := h.Append(ctx, at, tick); err != nil {
			return 0, err
		}
		if n++; n%43_200 == 0 {
			if err := h.Trim(ctx, at); err != nil {
				return 0, err
			}
		}
	}
	return int64(n) * historySeries, nil
}

// slowestChart asks for every span of a chart a few times, at its end and within.
func slowestChart(ctx context.Context, h *history.History, now time.Time, days int) (slowest time.Duration, span time.Duration, err error) {
	const day = 24 * time.Hour
	all := time.Duration(days) * day
	for _, s := range []time.Duration{time.Minute, time.Hour, 6 * time.Hour, day, 7 * day, 30 * day, 90 * day, 365 * day, all} {
		var took []time.Duration
		for i := range 5 {
			to := now.Add(-time.Duration(i) * (all - min(s, all)) / 5)
			began := time.Now()
			if _, err := h.Query(ctx, history.Range{From: to.Add(-s), To: to, Points: historyPoints}, "figure{0}"); err != nil {
				return 0, 0, err
			}
			took = append(took, time.Since(began))
		}
		if worst := slices.Max(took); worst > slowest {
			slowest, span = worst, s
		}
	}
	return slowest, span, nil
}
