package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// warmUp is how long a round runs before it counts: connections, caches and heaps settle.
const warmUp = 300 * time.Millisecond

// load is a closed loop: each client sends its next request when the last is answered.
type load struct {
	addr    string
	clients int
	length  time.Duration
	// request returns the bytes of client's i-th request, valid until its next one.
	request func(client, i int) []byte
}

// outcome is what came of a load.
type outcome struct {
	rate      float64 // answers per second
	latencies []time.Duration
}

// percentile of the latencies, 0 to 1.
func (o outcome) percentile(p float64) time.Duration {
	if len(o.latencies) == 0 {
		return 0
	}
	return o.latencies[min(len(o.latencies)-1, int(p*float64(len(o.latencies))))]
}

// run drives the load; any answer but 2xx ends it with an error.
func (l load) run(ctx context.Context) (outcome, error) {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		all   []time.Duration
		errs  []error
	)
	begin := time.Now().Add(warmUp)
	end := begin.Add(l.length)
	for n := range l.clients {
		group.Go(func() {
			got, err := l.one(ctx, n, begin, end)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, got...)
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	group.Wait()
	if len(errs) > 0 {
		return outcome{}, fmt.Errorf("load on %s: %w", l.addr, errs[0])
	}
	if len(all) == 0 {
		return outcome{}, errors.New("no request ended within the round")
	}
	slices.Sort(all)
	return outcome{rate: float64(len(all)) / l.length.Seconds(), latencies: all}, nil
}

// one is one client's loop; it returns the latencies of what ended between begin and end.
func (l load) one(ctx context.Context, n int, begin, end time.Time) ([]time.Duration, error) {
	c, err := dial(l.addr)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	latencies := make([]time.Duration, 0, 1<<16)
	for i := 0; ; i++ {
		request := l.request(n, i)
		sent := time.Now()
		a, err := c.do(request, nil)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		if a.status/100 != 2 {
			return nil, fmt.Errorf("status %d", a.status)
		}
		if now.After(end) {
			return latencies, nil
		}
		if now.After(begin) {
			latencies = append(latencies, now.Sub(sent))
		}
	}
}

// rate runs the load and returns its answers per second.
func (l load) rate(ctx context.Context) (float64, error) {
	o, err := l.run(ctx)
	return o.rate, err
}
