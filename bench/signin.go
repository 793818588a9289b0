package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// signIns come at the same time, each with the right password.
	signIns = 200
	// dashboards are open beside them, and downloaders load small files.
	dashboards, downloaders = 100, 4
	// signInMemory is how much the server's memory may grow: a few hashes of 19 MiB and the
	// garbage that they leave, not 200 of them.
	signInMemory = 128 << 20
	// benchPassword is everybody's.
	benchPassword = "correct horse battery"
)

// signInStorm measures what many sign-ins at once do to a server that is at work: password
// hashing is meant to be expensive, and must not be for the taking.
func signInStorm(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "small", 0)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	if _, err := h.post("/api/v1/users", `{"name":"ada","role":"member","password":"`+benchPassword+`"}`); err != nil {
		return nil, err
	}
	stream := unique(0)
	stream.next()
	id, err := h.upload("beside.bin", stream.bytes)
	if err != nil {
		return nil, err
	}
	viewers, err := watchLive(ctx, h, "ws", dashboards)
	if err != nil {
		return nil, err
	}
	defer viewers.close()
	downloads := b.inTurn(h.addr, downloaders, [][]byte{h.get("/api/v1/files/" + id + "/download")})
	calm, err := downloads.rate(ctx)
	if err != nil {
		return nil, err
	}
	before, _ := h.resident()
	h.resetPeak()
	viewers.reset()
	storm := h.storm()
	busy, err := downloads.rate(ctx)
	if err != nil {
		return nil, err
	}
	in, later, took, err := storm()
	if err != nil {
		return nil, err
	}
	_, peak := h.resident()
	deviation, frames, err := viewers.deviation()
	if err != nil {
		return nil, err
	}
	return []row{
		{what: fmt.Sprintf("%d sign-ins at once beside downloads and %d dashboards", signIns, dashboards), peak: peak,
			ours: fmt.Sprintf("%d let in, %d told to come back, in %.1f s", in, later, took.Seconds())},
		atLeast(fmt.Sprintf("  downloads of 4 KiB meanwhile, %d at a time", downloaders), busy, calm, 0, perSecond, "before"),
		{what: "  the dashboards' deviation from 2 s, p99", ours: fmt.Sprintf("%.1f %% (%d frames)", deviation*100, frames),
			target: fmt.Sprintf("≤ %.0f %%", tickTarget*100), verdict: judge(deviation <= tickTarget)},
		{what: "  resident memory grew by at most", ours: mebibytes(peak - before), target: "< " + mebibytes(signInMemory), verdict: judge(peak-before < signInMemory)},
	}, nil
}

// post sends JSON and returns the answer's status; anything but 200 and 429 is an error.
func (h *house) post(path, body string) (int, error) {
	c, err := dial(h.addr)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	a, err := c.do(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, h.addr, apiKey, len(body), body), nil)
	if err == nil && a.status != 200 && a.status != 429 {
		err = fmt.Errorf("POST %s: status %d", path, a.status)
	}
	return a.status, err
}

// storm begins all sign-ins at once. The returned function waits for the last answer.
func (h *house) storm() func() (in, later int, took time.Duration, err error) {
	var (
		group     sync.WaitGroup
		mu        sync.Mutex
		in, later int
		failed    error
	)
	began := time.Now()
	for range signIns {
		group.Go(func() {
			status, err := h.post("/api/v1/session", `{"name":"ada","password":"`+benchPassword+`"}`)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed = err
			case status == 200:
				in++
			default:
				later++
			}
		})
	}
	return func() (int, int, time.Duration, error) {
		group.Wait()
		return in, later, time.Since(began), failed
	}
}
