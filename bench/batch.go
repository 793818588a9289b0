package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// batchFiles is how many small files one batch brings.
	batchFiles = 10_000
	// batchTarget is how many times the durable rate of the plain endpoint a batch should reach.
	batchTarget = 3
)

// uploadBatch measures the durable upload of 10,000 files of 4 KiB in one request, beside as
// many by the plain endpoint and beside the bare loop.
func uploadBatch(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "small", 0)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	h.resetPeak()
	got, err := takeTurns(ctx, func(context.Context) (float64, error) {
		return h.uploadTogether(batchFiles)
	}, b.uploadLoad(h, manyClients).rate, func(ctx context.Context) (float64, error) {
		return bareLoop(ctx, b.dir, manyClients, b.round)
	})
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("durable upload of %d files of 4 KiB in one batch", batchFiles)
	r := atLeast(what, got[0], got[1], batchTarget, perSecond, fmt.Sprintf("plain, %d at a time", manyClients))
	_, r.peak = h.resident()
	return []row{r, atLeast(fmt.Sprintf("  beside the bare loop, %d at a time", manyClients), got[0], got[2], 0, perSecond, "bare loop")}, nil
}

// uploadTogether uploads files in one request and returns how many were stored per second, from
// the first byte sent to the last line of the answer.
func (h *house) uploadTogether(files int) (float64, error) {
	stream := unique(0)
	run := stream.source.Uint32()
	before := func(i int) string { return "\r\n" + fmt.Sprintf(partBefore, fmt.Sprintf("batch-%d-%d.bin", run, i)) }
	length := len(partAfter)
	for i := range files {
		length += len(before(i)) + smallFile
	}
	c, err := dial(h.addr)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	began := time.Now()
	var sending sync.WaitGroup
	var failed error
	sending.Go(func() {
		body := new(bytes.Buffer)
		fmt.Fprintf(body, "POST /api/v1/files/batch HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\nContent-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n", h.addr, apiKey, boundary, length)
		for i := range files {
			stream.next()
			body.WriteString(before(i))
			body.Write(stream.bytes)
			if i == files-1 {
				body.WriteString(partAfter)
			}
			if body.Len() < 1<<16 && i < files-1 {
				continue
			}
			if _, failed = io.Copy(c.conn, body); failed != nil {
				return
			}
		}
	})
	var last lastLine
	a, err := c.read(&last)
	sending.Wait()
	took := time.Since(began)
	if err == nil {
		err = failed
	}
	var sum struct {
		Stored int    `json:"stored"`
		Detail string `json:"detail"`
	}
	if err == nil && a.status == 200 {
		err = json.Unmarshal(last.line(), &sum)
	}
	if err != nil || a.status != 200 || sum.Stored != files {
		return 0, fmt.Errorf("batch: status %d, %d of %d files stored %s: %w", a.status, sum.Stored, files, sum.Detail, err)
	}
	return float64(files) / took.Seconds(), nil
}

// lastLine keeps the last line of what is written to it.
type lastLine struct{ bytes []byte }

// lastLineRoom is what the last line fits into, in bytes.
const lastLineRoom = 4 << 10

// Write implements io.Writer.
func (l *lastLine) Write(p []byte) (int, error) {
	l.bytes = append(l.bytes, p...)
	l.bytes = l.bytes[max(0, len(l.bytes)-lastLineRoom):]
	return len(p), nil
}

func (l *lastLine) line() []byte {
	text := bytes.TrimRight(l.bytes, "\n")
	return text[bytes.LastIndexByte(text, '\n')+1:]
}
