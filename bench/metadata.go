package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// metadataClients ask for metadata at the same time.
	metadataClients = 8
	// metadataTarget is the share of the bare handler that metadata should reach.
	metadataTarget = 0.4
	// manyReaders is under how many clients latencies are measured.
	manyReaders = 16
	// slowest is what 99 of 100 answers should stay under.
	slowest = 10 * time.Millisecond
	// askedIDs is how many different files are asked for in turn, spread over the library.
	askedIDs = 1000
)

// metadata measures reading one row, beside a handler that does nothing else.
func metadata(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "many", b.manyFiles)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	ids, err := h.ids(askedIDs)
	if err != nil {
		return nil, err
	}
	bare, err := b.openReference(ctx, "-database", h.database())
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	var ours, reference [][]byte
	for _, id := range ids {
		ours = append(ours, h.get("/api/v1/files/"+id+"/metadata"))
		reference = append(reference, fmt.Appendf(nil, "GET /api/v1/files/%s/metadata HTTP/1.1\r\nHost: %s\r\n\r\n", id, bare.addr))
	}
	h.resetPeak()
	got, err := takeTurns(ctx, b.inTurn(h.addr, metadataClients, ours).rate, b.inTurn(bare.addr, metadataClients, reference).rate)
	if err != nil {
		return nil, err
	}
	r := atLeast(fmt.Sprintf("metadata, %d at a time, signed in and logged", metadataClients), got[0], got[1], metadataTarget, perSecond, "bare net/http")
	_, r.peak = h.resident()
	late, err := b.latency(ctx, h, fmt.Sprintf("  p99 of %d clients, %d files", manyReaders, b.manyFiles), ours, bare, reference)
	return append([]row{r}, late), err
}

// openReference starts the bare net/http server.
func (b *bench) openReference(ctx context.Context, args ...string) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return startProcess(ctx, addr, filepath.Join(b.dir, "reference.log"), os.Environ(), b.reference, append([]string{"-listen", addr}, args...)...)
}

// latency is the row of the p99 of many readers; of three rounds the median. The bare
// server's p99 beside it shows how much of it the machine makes.
func (b *bench) latency(ctx context.Context, h *house, what string, ours [][]byte, bare *process, reference [][]byte) (row, error) {
	h.resetPeak()
	var middle, late, bareLate []time.Duration
	var rates []float64
	for range rounds {
		o, err := b.inTurn(h.addr, manyReaders, ours).run(ctx)
		if err != nil {
			return row{}, err
		}
		middle, late, rates = append(middle, o.percentile(0.5)), append(late, o.percentile(0.99)), append(rates, o.rate)
		if bare == nil {
			continue
		}
		if o, err = b.inTurn(bare.addr, manyReaders, reference).run(ctx); err != nil {
			return row{}, err
		}
		bareLate = append(bareLate, o.percentile(0.99))
	}
	p99 := median(late)
	r := row{what: what, ours: fmt.Sprintf("%s (p50 %s, %s)", millis(p99), millis(median(middle)), perSecond(median(rates))),
		target: "< " + millis(slowest), verdict: judge(p99 < slowest)}
	if bare != nil {
		r.reference, r.ratio = "bare net/http "+millis(median(bareLate)), float64(p99)/float64(median(bareLate))
	}
	_, r.peak = h.resident()
	return r, nil
}
