package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// tick is how often the server sends to every viewer.
	tick = 2 * time.Second
	// viewersCPU and idleCPU are shares of one core.
	viewersCPU = 0.05
	idleCPU    = 0.005
	// tickTarget is how far an interval may be from two seconds, as a share.
	tickTarget = 0.10
	// idleMemory is the resident set of an idle server: 30 MiB of it are pages of the binary.
	idleMemory = 55 << 20
	// afterwards is the same when many dashboards have come and gone: what they needed is given back.
	afterwards = 60 << 20
	// settle is how long a fresh server is left alone before it counts as idle: its periodic
	// work makes its first round.
	settle = 15 * time.Second
	// join is how long new viewers are given to fall into step.
	join = 3 * time.Second
)

// live measures an idle server, then one with many dashboards open.
func live(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "many", b.manyFiles)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	if err := pause(ctx, settle); err != nil {
		return nil, err
	}
	used, err := h.watchCPU(ctx, b.watch)
	if err != nil {
		return nil, err
	}
	now, peak := h.resident()
	rows := []row{
		cpuRow("processor time when idle", used, b.watch, idleCPU, peak),
		{what: fmt.Sprintf("resident memory when idle, %d files", b.manyFiles), ours: mebibytes(now), target: "< " + mebibytes(idleMemory), verdict: judge(now < idleMemory), peak: peak},
	}
	for _, feed := range []struct{ path, what string }{{"ws", "dashboards"}, {"live", "viewers of protocol 2, every figure of this machine"}} {
		more, err := watched(ctx, b, h, feed.path, feed.what)
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
	if err := pause(ctx, settle); err != nil {
		return rows, err
	}
	now, _ = h.resident()
	return append(rows, row{what: "resident memory when all of them have left", ours: mebibytes(now), target: "< " + mebibytes(afterwards), verdict: judge(now < afterwards)}), nil
}

// watched measures a server with many viewers of one of its live feeds.
func watched(ctx context.Context, b *bench, h *house, path, what string) ([]row, error) {
	viewers, err := watchLive(ctx, h, path, b.viewers)
	if err != nil {
		return nil, err
	}
	defer viewers.close()
	if err := pause(ctx, join); err != nil {
		return nil, err
	}
	viewers.reset()
	h.resetPeak()
	used, err := h.watchCPU(ctx, b.watch)
	if err != nil {
		return nil, err
	}
	_, peak := h.resident()
	deviation, frames, err := viewers.deviation()
	if err != nil {
		return nil, err
	}
	return []row{
		cpuRow(fmt.Sprintf("processor time for %d %s", b.viewers, what), used, b.watch, viewersCPU, peak),
		{what: "  their interval's deviation from 2 s, p99", ours: fmt.Sprintf("%.1f %% (%d frames)", deviation*100, frames),
			target: fmt.Sprintf("≤ %.0f %%", tickTarget*100), verdict: judge(deviation <= tickTarget)},
	}, nil
}

// cpuRow is processor time as seconds and as a share of one core.
func cpuRow(what string, used, length time.Duration, share float64, peak int64) row {
	got := used.Seconds() / length.Seconds()
	return row{what: what, ours: fmt.Sprintf("%.2f s in %.0f s (%.1f %% of a core)", used.Seconds(), length.Seconds(), got*100),
		target: fmt.Sprintf("< %.1f %% of a core", share*100), verdict: judge(got < share), peak: peak}
}

// watchCPU returns the processor time a process uses within length.
func (p *process) watchCPU(ctx context.Context, length time.Duration) (time.Duration, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	if err := pause(ctx, length); err != nil {
		return 0, err
	}
	after, err := p.cpu()
	return after - before, err
}

func pause(ctx context.Context, length time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(length):
		return nil
	}
}
