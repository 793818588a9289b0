package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

const (
	// starts is how often the server is started.
	starts = 5
	// startTarget is how long it may take from the start of the process to its first answer.
	startTarget = 200 * time.Millisecond
)

// start measures start-up and the size of the binary.
func start(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "many", b.manyFiles)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	var peaks []int64
	for range starts {
		h.stop()
		if err := h.start(ctx, b); err != nil {
			return nil, err
		}
		_, peak := h.resident()
		took, peaks = append(took, h.answers), append(peaks, peak)
	}
	h.stop()
	middle := median(took)
	rows := []row{{what: fmt.Sprintf("start to first answer, %d files", b.manyFiles), ours: millis(middle), target: "< " + millis(startTarget),
		verdict: judge(middle < startTarget), peak: median(peaks)}}
	info, err := os.Stat(b.binary)
	if err != nil {
		return rows, fmt.Errorf("binary: %w", err)
	}
	return append(rows, row{what: "size of the binary", ours: mebibytes(info.Size())}), nil
}
