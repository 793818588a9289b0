package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// viewerBuffer is how many bytes a viewer reads at once: a frame or two.
const viewerBuffer = 4 << 10

// viewers are open WebSockets that note when frames come.
type viewers struct {
	clients []*client
	group   sync.WaitGroup
	mu      sync.Mutex
	times   [][]time.Time
	err     error
	closing bool
}

// watchLive opens n WebSockets of one of the live feeds.
func watchLive(ctx context.Context, h *house, path string, n int) (*viewers, error) {
	v := &viewers{times: make([][]time.Time, n)}
	request := fmt.Appendf(nil, "GET /api/v1/monitoring/%s HTTP/1.1\r\nHost: %s\r\nX-API-Key: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, h.addr, apiKey)
	for i := range n {
		c, err := dial(h.addr)
		if err == nil {
			v.clients = append(v.clients, c)
			c.buf = make([]byte, viewerBuffer)
			var a answer
			if a, err = c.do(request, nil); err == nil && a.status != 101 {
				err = fmt.Errorf("WebSocket: status %d", a.status)
			}
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			v.close()
			return nil, err
		}
		v.group.Go(func() { v.follow(c, i) })
	}
	return v, nil
}

// follow reads frames until the connection ends.
func (v *viewers) follow(c *client, i int) {
	for {
		err := c.frame()
		v.mu.Lock()
		if err != nil {
			if !v.closing && v.err == nil {
				v.err = fmt.Errorf("viewer %d: %w", i, err)
			}
			v.mu.Unlock()
			return
		}
		v.times[i] = append(v.times[i], time.Now())
		v.mu.Unlock()
	}
}

// frame reads one text frame; pings are passed over, since none comes within a run this short.
func (c *client) frame() error {
	for {
		var head, long [2]byte
		if err := c.exactly(head[:]); err != nil {
			return err
		}
		size := int64(head[1] & 0x7f)
		switch size {
		case 126:
			if err := c.exactly(long[:]); err != nil {
				return err
			}
			size = int64(binary.BigEndian.Uint16(long[:]))
		case 127: // a schema of thousands of series
			var longer [8]byte
			if err := c.exactly(longer[:]); err != nil {
				return err
			}
			size = int64(binary.BigEndian.Uint64(longer[:]))
		}
		if err := c.body(size, nil); err != nil {
			return err
		}
		switch head[0] & 0x0f {
		case 1:
			return nil
		case 8:
			return io.EOF
		}
	}
}

// exactly fills p.
func (c *client) exactly(p []byte) error {
	for n := 0; n < len(p); {
		if c.r == c.w {
			if err := c.fill(); err != nil {
				return err
			}
		}
		moved := copy(p[n:], c.buf[c.r:c.w])
		c.r, n = c.r+moved, n+moved
	}
	return nil
}

// reset forgets the frames so far, but for each viewer's last.
func (v *viewers) reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, times := range v.times {
		if len(times) > 0 {
			v.times[i] = slices.Clone(times[len(times)-1:])
		}
	}
}

// deviation is the 99th percentile of how far intervals are from two seconds, as a share.
func (v *viewers) deviation() (share float64, frames int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return 0, 0, v.err
	}
	var all []float64
	for _, times := range v.times {
		for i := 1; i < len(times); i++ {
			off := times[i].Sub(times[i-1]) - tick
			all = append(all, max(off, -off).Seconds()/tick.Seconds())
		}
	}
	if len(all) == 0 {
		return 0, 0, errors.New("no frame came")
	}
	slices.Sort(all)
	return all[min(len(all)-1, len(all)*99/100)], len(all), nil
}

// close ends the connections without a word.
func (v *viewers) close() {
	v.mu.Lock()
	v.closing = true
	v.mu.Unlock()
	for _, c := range v.clients {
		c.conn.Close()
	}
	v.group.Wait()
}
