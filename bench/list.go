package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"
)

const (
	// page is the size of the pages measured, and bigStep of those that lead to the last.
	page    = 100
	bigStep = 1000
	// wholeLists is how often the whole list is taken: processor time counts in steps of 10 ms.
	wholeLists = 10
	// The original's whole list of 10,000 files, on such a machine.
	originalList    = 690 * time.Millisecond
	originalListCPU = 345 * time.Millisecond
	// listTarget is the share of the original's time that the whole list may take.
	listTarget = 0.1
)

// list measures the first and the last page of a large library.
func list(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "many", b.manyFiles)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	cursor, err := h.lastCursor()
	if err != nil {
		return nil, err
	}
	bare, err := b.openReference(ctx, "-database", h.database())
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	first := "/api/v1/files/list?limit=" + strconv.Itoa(page)
	var rows []row
	for _, p := range []struct{ name, path string }{{"first", first}, {"last", first + "&cursor=" + url.QueryEscape(cursor)}} {
		r, err := b.latency(ctx, h, fmt.Sprintf("list, %s page of %d out of %d, p99 of %d clients", p.name, page, b.manyFiles, manyReaders), [][]byte{h.get(p.path)}, bare, [][]byte{h.get(first)})
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// lastCursor walks the list to the cursor of its last page.
func (h *house) lastCursor() (string, error) {
	var answer struct {
		Total int    `json:"total"`
		Next  string `json:"next_cursor"`
	}
	cursor, seen := "", 0
	for {
		step := page
		if answer.Total-seen > bigStep {
			step = bigStep
		}
		path := "/api/v1/files/list?limit=" + strconv.Itoa(step)
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		answer.Next = ""
		if err := h.fetch(path, &answer); err != nil {
			return "", err
		}
		seen += step
		if answer.Next == "" {
			if cursor == "" {
				return "", errors.New("the list has only one page")
			}
			return cursor, nil
		}
		cursor = answer.Next
	}
}

// wholeList measures the list without a limit.
func wholeList(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "some", b.listFiles)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	c, err := dial(h.addr)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	request := h.get("/api/v1/files/list")
	var times []time.Duration
	var size int64
	once := func() error {
		began := time.Now()
		a, err := c.do(request, io.Discard)
		if err != nil || a.status != 200 {
			return fmt.Errorf("whole list: status %d, %w", a.status, err)
		}
		times, size = append(times, time.Since(began)), a.bytes
		return ctx.Err()
	}
	if err := once(); err != nil { // the first fills caches
		return nil, err
	}
	times = nil
	before, cpuErr := h.cpu()
	grew, peak, err := h.growth(func() error {
		for range wholeLists {
			if err := once(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	took := median(times)
	ratio := float64(took) / float64(originalList)
	what := fmt.Sprintf("whole list of %d files (%s)", b.listFiles, mebibytes(size))
	rows := []row{{what: what, ours: millis(took), reference: "original " + millis(originalList), ratio: ratio,
		target: fmt.Sprintf("ratio ≤ %.2f", listTarget), verdict: judge(ratio <= listTarget), peak: peak}}
	if after, err := h.cpu(); err == nil && cpuErr == nil {
		used := (after - before) / wholeLists
		rows = append(rows, row{what: "  processor time of the server for it", ours: millis(used), reference: "original " + millis(originalListCPU), ratio: float64(used) / float64(originalListCPU)})
	}
	return append(rows, grown("it", []int64{grew})), nil
}
