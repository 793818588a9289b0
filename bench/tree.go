package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const (
	// treeAsks is how often each question about a tree is asked; the median counts.
	treeAsks = 21
	// treePage is how many entries of a folder a page holds: what a browser asks for.
	treePage = 200
	// firstPageTarget is how long the first page of a large folder may take, whatever the order.
	firstPageTarget = 100 * time.Millisecond
	// moveTarget is how long moving the large folder may take.
	moveTarget = 50 * time.Millisecond
	// trashTarget is how long the large folder may take to the trash.
	trashTarget = 2 * time.Second
	// largeStartTarget is how long the server may take to its first answer with a large library,
	// and largeMemoryTarget how much memory in bytes it may have then and after all this.
	largeStartTarget  = time.Second
	largeMemoryTarget = 150 << 20
)

// tree measures a large folder in a large library: its first page in each order, moving it, and
// the start of the server.
func tree(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "tree", b.treeFiles)
	if err != nil {
		return nil, err
	}
	defer func() { h.stop() }()
	if err := h.makeBigFolder(ctx, b); err != nil {
		return nil, err
	}
	rows := []row{}
	for _, query := range []string{"sort=name", "sort=date", "sort=size", "sort=name&order=desc"} {
		path := "/api/v1/folders/" + bigFolder + "/entries?limit=" + strconv.Itoa(treePage) + "&" + query
		took, err := h.median(func() error {
			var page struct{ Files []struct{} }
			if err := h.fetch(path, &page); err != nil || len(page.Files) != treePage {
				return fmt.Errorf("a page of %d files: %w", len(page.Files), err)
			}
			return ctx.Err()
		})
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{what: fmt.Sprintf("first page of a folder of %d files out of %d, %s", b.treeFiles/bigShare, b.treeFiles, query), ours: millis(took), target: "< " + millis(firstPageTarget), verdict: judge(took < firstPageTarget)})
	}
	moved, err := h.moveBigFolder()
	if err != nil {
		return rows, err
	}
	trashed, back, err := h.trashBigFolder()
	if err != nil {
		return rows, err
	}
	rows = append(rows, row{what: fmt.Sprintf("  trash of the folder of %d", b.treeFiles/bigShare), ours: millis(trashed), target: "< " + millis(trashTarget), verdict: judge(trashed < trashTarget)},
		row{what: "  taking it out again", ours: millis(back)})
	_, peak := h.resident()
	rows = append(rows, row{what: "  moving it", ours: millis(moved), target: "< " + millis(moveTarget), verdict: judge(moved < moveTarget), peak: peak})
	var took []time.Duration
	for range starts {
		h.stop()
		if err := h.start(ctx, b); err != nil {
			return rows, err
		}
		took = append(took, h.answers)
	}
	now, _ := h.resident()
	rows = append(rows, row{what: fmt.Sprintf("  start to first answer with %d files", b.treeFiles), ours: millis(median(took)), target: "< " + millis(largeStartTarget), verdict: judge(median(took) < largeStartTarget)})
	return append(rows, row{what: "  resident memory, the most during all this", ours: mebibytes(max(now, peak)), target: "< " + mebibytes(largeMemoryTarget), verdict: judge(max(now, peak) < largeMemoryTarget)}), nil
}

// median is how long something takes.
func (h *house) median(once func() error) (time.Duration, error) {
	var took []time.Duration
	for range treeAsks {
		began := time.Now()
		if err := once(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return median(took), nil
}

// makeBigFolder puts every bigShare-th file into one folder.
func (h *house) makeBigFolder(ctx context.Context, b *bench) error {
	h.stop()
	if err := seedBigFolder(ctx, h.database()); err != nil {
		return err
	}
	return h.start(ctx, b)
}

// moveBigFolder moves the large folder to and fro.
func (h *house) moveBigFolder() (time.Duration, error) {
	var other struct{ ID string }
	if err := h.ask("/api/v1/folders", map[string]any{"parent": "household", "name": "other"}, &other); err != nil {
		return 0, err
	}
	to, away := other.ID, "household"
	return h.median(func() error {
		var answer struct{ Done []struct{} }
		err := h.ask("/api/v1/files/move", map[string]any{"folders": []any{map[string]any{"id": bigFolder}}, "to": to}, &answer)
		if err == nil && len(answer.Done) != 1 {
			err = fmt.Errorf("the folder was not moved to %s", to)
		}
		to, away = away, to
		return err
	})
}

// trashBigFolder puts the large folder into the trash and takes it out at once.
func (h *house) trashBigFolder() (trashed, back time.Duration, err error) {
	began := time.Now()
	var answer struct{ Trash []string }
	err = h.ask("/api/v1/files/delete", map[string]any{"folders": []string{bigFolder}, "confirm": "1000000000"}, &answer)
	if err == nil && len(answer.Trash) != 1 {
		err = errors.New("the folder did not go to the trash")
	}
	if err != nil {
		return 0, 0, err
	}
	trashed, began = time.Since(began), time.Now()
	var restored struct{ Restored []struct{} }
	err = h.ask("/api/v1/trash/restore", map[string]any{"ids": answer.Trash}, &restored)
	if err == nil && len(restored.Restored) != 1 {
		err = errors.New("the folder did not come back")
	}
	return trashed, time.Since(began), err
}

// ask sends JSON and decodes the answer.
func (h *house) ask(path string, body, into any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c, err := dial(h.addr)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, h.addr, apiKey, len(encoded), encoded)
	var answer bytes.Buffer
	a, err := c.do(request, &answer)
	if err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	if a.status >= 300 {
		return fmt.Errorf("POST %s: status %d: %.200s", path, a.status, answer.String())
	}
	return json.Unmarshal(answer.Bytes(), into)
}
