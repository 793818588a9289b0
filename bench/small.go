package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

const (
	// manyClients upload small files at the same time.
	manyClients = 8
	// readers download small files at the same time.
	readers = 16
	// smallFiles is how many different small files are downloaded in turn.
	smallFiles = 256
	// uploadTarget is the share of the bare loop that small uploads should reach, 8 at a time.
	uploadTarget = 0.4
	// downloadTarget is the share of nginx that small downloads should reach.
	downloadTarget = 0.4
)

// uploadSmall measures durable uploads of 4 KiB files.
func uploadSmall(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "small", 0)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	n, err := b.openNginx(ctx)
	if err != nil {
		return nil, err
	}
	defer n.close()
	var rows []row
	for _, clients := range []int{1, manyClients} {
		var dav func(context.Context) (float64, error)
		if n != nil {
			dav = b.davLoad(n, clients).rate
		}
		h.resetPeak()
		got, err := takeTurns(ctx, b.uploadLoad(h, clients).rate, func(ctx context.Context) (float64, error) {
			return bareLoop(ctx, b.dir, clients, b.round)
		}, dav)
		if err != nil {
			return rows, err
		}
		share := 0.0
		if clients == manyClients {
			share = uploadTarget
		}
		what := fmt.Sprintf("durable upload of 4 KiB, %d at a time", clients)
		r := atLeast(what, got[0], got[1], share, perSecond, "bare loop")
		_, r.peak = h.resident()
		rows = append(rows, r)
		if n != nil {
			rows = append(rows, atLeast("  beside nginx DAV PUT, which does not fsync", got[0], got[2], 0, perSecond, "nginx"))
		}
	}
	return rows, nil
}

// uploadLoad is clients uploading small files, each of them unlike all others.
func (b *bench) uploadLoad(h *house, clients int) load {
	streams := make([]*contents, clients)
	requests := make([][]byte, clients)
	for i := range clients {
		streams[i] = unique(uint64(i))
		requests[i] = h.uploadHead(fmt.Sprintf("small-%d.bin", i), smallFile)
	}
	return load{addr: h.addr, clients: clients, length: b.round, request: func(client, i int) []byte {
		head := requests[client]
		streams[client].next()
		return append(append(head[:len(head):len(head)], streams[client].bytes...), partAfter...)
	}}
}

// davLoad is the same with nginx.
func (b *bench) davLoad(n *nginx, clients int) load {
	streams := make([]*contents, clients)
	for i := range clients {
		streams[i] = unique(uint64(i))
	}
	return load{addr: n.addr, clients: clients, length: b.round, request: func(client, i int) []byte {
		streams[client].next()
		name := strconv.Itoa(client) + "-" + strconv.FormatUint(streams[client].source.Uint64(), 36)
		return append(n.put(name, smallFile), streams[client].bytes...)
	}}
}

// downloadSmall measures downloads of 4 KiB files.
func downloadSmall(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "small", 0)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	n, err := b.openNginx(ctx)
	if err != nil {
		return nil, err
	}
	defer n.close()
	stream := unique(0)
	var ours, static [][]byte
	for i := range smallFiles {
		stream.next()
		name := fmt.Sprintf("read-%d.bin", i)
		id, err := h.upload(name, stream.bytes)
		if err != nil {
			return nil, err
		}
		ours = append(ours, h.get("/api/v1/files/"+id+"/download"))
		if n == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(n.dir, "static", name), stream.bytes, 0o600); err != nil {
			return nil, fmt.Errorf("static file: %w", err)
		}
		static = append(static, n.get(name))
	}
	var nginxRate, bareRate func(context.Context) (float64, error)
	if n != nil {
		nginxRate = b.inTurn(n.addr, readers, static).rate
		bare, err := b.openReference(ctx, "-static", filepath.Join(n.dir, "static"))
		if err != nil {
			return nil, err
		}
		defer bare.stop()
		bareRate = b.inTurn(bare.addr, readers, static).rate
	}
	h.resetPeak()
	got, err := takeTurns(ctx, b.inTurn(h.addr, readers, ours).rate, nginxRate, bareRate)
	if err != nil {
		return nil, err
	}
	r := atLeast(fmt.Sprintf("download of 4 KiB, %d at a time", readers), got[0], got[1], downloadTarget, perSecond, "nginx")
	_, r.peak = h.resident()
	if n == nil {
		return []row{r}, nil
	}
	return []row{r, atLeast("  beside Go's bare http.FileServer", got[0], got[2], 0, perSecond, "FileServer")}, nil
}

// inTurn is clients sending prepared requests one after the other, each starting elsewhere.
func (b *bench) inTurn(addr string, clients int, requests [][]byte) load {
	return load{addr: addr, clients: clients, length: b.round, request: func(client, i int) []byte {
		return requests[(i+client*len(requests)/clients)%len(requests)]
	}}
}
