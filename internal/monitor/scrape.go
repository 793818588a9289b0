package monitor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"homeserver/internal/monitor/machine"
)

// scrapeDeadline bounds how long a scrape waits for its questions. Prometheus itself gives up after
// 10 s, unless it is told otherwise.
const scrapeDeadline = 3 * time.Second

// scraper asks what is asked when Prometheus asks. Prometheus divides what a count grew by between
// two scrapes by the time between them, so what it is told must be as old as the answer: with the
// counts of the last tick, every rate over 15 s was wrong by up to a seventh. What is asked for
// figures as well is read once more, by readers of the scraper's own, so that the figures' own
// baselines stay those of the ticks.
type scraper struct {
	log       *slog.Logger
	questions func() []machine.Question

	mu    sync.Mutex
	asked []*scraped // made at the first scrape: a house that nobody scrapes keeps nothing of it
}

// scraped is one question of the scraper's.
type scraped struct {
	machine.Question
	asking *collector[struct{}]
}

func newScraper(log *slog.Logger, questions func() []machine.Question) *scraper {
	return &scraper{log: log, questions: questions}
}

// ask asks every question at once and returns what they said in time. One scrape at a time does.
func (s *scraper) ask(ctx context.Context) []Measured {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		for _, q := range s.questions() {
			s.asked = append(s.asked, &scraped{q, newCollector("scrape: "+q.Name, s.log, func() (struct{}, error) { return struct{}{}, q.Read() })})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, scrapeDeadline)
	defer cancel()
	for _, one := range s.asked {
		one.asking.start()
	}
	all := make([]Measured, 0, len(s.asked))
	for _, one := range s.asked {
		r, ok := one.asking.take(ctx)
		m := Measured{Name: one.Name, Class: one.Class, Err: r.err, Took: r.took}
		if ok {
			m.Batch = &machine.Batch{At: r.at}
			one.Emit(m.Batch)
		}
		all = append(all, m)
	}
	return all
}

// close lets go of the files kept open.
func (s *scraper) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.asked {
		if c, ok := one.Reader.(machine.Closer); ok && !one.asking.busy {
			c.Close()
		}
	}
	s.asked = nil
}
