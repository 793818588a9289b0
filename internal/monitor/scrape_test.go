package monitor

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeserver/internal/monitor/machine"
)

// counting is a reader that counts how often it was asked, and hangs or fails as it is told.
type counting struct {
	raw   *machine.RawSeries
	asked atomic.Int64
	fails atomic.Bool
	hangs chan struct{} // closed: it does not
}

func newCounting(name string) *counting {
	c := &counting{raw: &machine.RawSeries{Name: name, Type: machine.Counter, Help: "How often it was asked."}, hangs: make(chan struct{})}
	return c
}

func (c *counting) Read() error {
	c.asked.Add(1)
	<-c.hangs
	if c.fails.Load() {
		return errors.New("no answer")
	}
	return nil
}

func (c *counting) Emit(to *machine.Batch) { to.AddRaw(c.raw, float64(c.asked.Load())) }

// TestScrapeAsksAnew: what counts is read when it is asked for, and at no other time; what cannot be
// read then is left out instead of told as of the tick before, and one that hangs is waited for up
// to the deadline, holds nothing else up and is not asked again.
func TestScrapeAsksAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := newCounting("good_total"), newCounting("bad_total")
		close(good.hangs)
		m := New(Config{StoragePath: t.TempDir()}, fixedUsage, quiet())
		m.scraper = newScraper(quiet(), func() []machine.Question {
			return []machine.Question{{Name: "good", Class: machine.EveryTick, Reader: good}, {Name: "bad", Class: machine.EveryTick, Reader: bad}}
		})
		older := func(c *counting) Measured {
			return Measured{Name: strings.TrimSuffix(c.raw.Name, "_total"), Batch: &machine.Batch{Raw: []machine.RawValue{{RawSeries: c.raw, Value: 1000}}}}
		}
		tickOnly := &machine.RawSeries{Name: "tick_bytes", Type: machine.Gauge, Help: "Of a tick."}
		s := &Snapshot{At: time.Now(), Measured: []Measured{older(good), older(bad), {Name: "tick", Took: time.Second, Batch: &machine.Batch{Raw: []machine.RawValue{
			{RawSeries: tickOnly, Value: 7}, {RawSeries: good.raw, Value: 1000}}}}}}
		if good.asked.Load() != 0 {
			t.Fatal("it was asked though nobody scrapes")
		}
		scrape := func(wantTime time.Duration, want map[string]float64, gone ...string) {
			t.Helper()
			began := time.Now()
			samples, _, err := parseExposition(string(m.exposition(t.Context(), s)))
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != wantTime {
				t.Errorf("took %v, want %v", took, wantTime)
			}
			for key, value := range want {
				if got, ok := samples[key]; !ok || got != value {
					t.Errorf("%s: got %v (%v), want %v", key, got, ok, value)
				}
			}
			for _, key := range gone {
				if got, ok := samples[key]; ok {
					t.Errorf("%s is told: %v", key, got)
				}
			}
		}
		success := func(name string) string { return `node_scrape_collector_success{collector="` + name + `"}` }
		duration := func(name string) string { return `node_scrape_collector_duration_seconds{collector="` + name + `"}` }

		scrape(scrapeDeadline, map[string]float64{"good_total{}": 1, "tick_bytes{}": 7, success("good"): 1, success("bad"): 0, success("tick"): 1, duration("tick"): 1}, "bad_total{}")
		scrape(0, map[string]float64{"good_total{}": 2, success("bad"): 0}, "bad_total{}")
		if n := bad.asked.Load(); n != 1 {
			t.Errorf("what hangs was asked %d times, want once", n)
		}
		close(bad.hangs)
		synctest.Wait()
		scrape(0, map[string]float64{"good_total{}": 3, "bad_total{}": 2, success("bad"): 1})
		bad.fails.Store(true)
		scrape(0, map[string]float64{success("bad"): 0}, "bad_total{}")
		m.scraper.close()
	})
}
