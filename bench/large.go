package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	// growthTarget is by how much the resident set may grow during a large transfer.
	growthTarget = 32 << 20
	// largeUploadTarget is the share of cp+fsync that a hashed and fsynced upload should reach.
	largeUploadTarget = 0.6
	// largeDownloadTarget is the share of nginx that a large download should reach.
	largeDownloadTarget = 0.9
	// uniqueHead is how many bytes in front make each upload's content its own.
	uniqueHead = smallFile
)

// transferLarge measures one large file, up and down, and what it does to the server's memory.
func transferLarge(ctx context.Context, b *bench) ([]row, error) {
	h, err := b.open(ctx, "large", 0)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	n, err := b.openNginx(ctx)
	if err != nil {
		return nil, err
	}
	defer n.close()
	source := filepath.Join(b.dir, "source.bin")
	if n != nil {
		source = filepath.Join(n.dir, "static", "source.bin")
	}
	b.say("making a file of %s", mebibytes(b.largeBytes))
	if err := fillFile(source, b.largeBytes); err != nil {
		return nil, err
	}
	defer os.Remove(source)
	rows, id, err := b.largeUploads(ctx, h, source)
	if err != nil {
		return rows, err
	}
	down, err := b.largeDownloads(ctx, h, id, n)
	return append(rows, down...), err
}

func (b *bench) largeUploads(ctx context.Context, h *house, source string) ([]row, string, error) {
	var id string
	var grew, peak []int64
	got, err := takeTurns(ctx, func(context.Context) (float64, error) {
		var rate float64
		g, p, err := h.growth(func() (err error) {
			rate, id, err = h.uploadFile(source, b.largeBytes)
			return err
		})
		grew, peak = append(grew, g), append(peak, p)
		return rate, err
	}, func(context.Context) (float64, error) {
		return copyDurably(source, filepath.Join(b.dir, "copy.bin"))
	})
	if err != nil {
		return nil, "", err
	}
	what := "upload of " + wholeSize(b.largeBytes)
	r := atLeast(what+", hashed and fsynced", got[0], got[1], largeUploadTarget, throughput, "cp+fsync")
	r.peak = median(peak)
	return []row{r, grown(what, grew)}, id, nil
}

func (b *bench) largeDownloads(ctx context.Context, h *house, id string, n *nginx) ([]row, error) {
	var grew, peak []int64
	var static func(context.Context) (float64, error)
	if n != nil {
		static = func(context.Context) (float64, error) { return download(n.addr, n.get("source.bin"), b.largeBytes) }
	}
	got, err := takeTurns(ctx, func(context.Context) (float64, error) {
		var rate float64
		g, p, err := h.growth(func() (err error) {
			rate, err = download(h.addr, h.get("/api/v1/files/"+id+"/download"), b.largeBytes)
			return err
		})
		grew, peak = append(grew, g), append(peak, p)
		return rate, err
	}, static)
	if err != nil {
		return nil, err
	}
	what := "download of " + wholeSize(b.largeBytes)
	r := atLeast(what, got[0], got[1], largeDownloadTarget, throughput, "nginx")
	r.peak = median(peak)
	return []row{r, grown(what, grew)}, nil
}

// grown is the row about memory.
func grown(what string, grew []int64) row {
	most := int64(0)
	for _, g := range grew {
		most = max(most, g)
	}
	return row{what: "  resident memory grew during " + what + " by at most", ours: mebibytes(most),
		target: "< " + mebibytes(growthTarget), verdict: judge(most < growthTarget)}
}

func wholeSize(n int64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%d GiB", n>>30)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// uploadFile uploads the file at path, with a fresh beginning so that its content is new to the
// server. It returns bytes per second and the new file's id.
func (h *house) uploadFile(path string, size int64) (float64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", fmt.Errorf("upload: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(uniqueHead, io.SeekStart); err != nil {
		return 0, "", fmt.Errorf("upload: %w", err)
	}
	c, err := dial(h.addr)
	if err != nil {
		return 0, "", err
	}
	defer c.conn.Close()
	fresh := unique(0)
	fresh.next()
	began := time.Now()
	if _, err := c.conn.Write(append(h.uploadHead("large.bin", size), fresh.bytes...)); err != nil {
		return 0, "", fmt.Errorf("upload: %w", err)
	}
	if _, err := io.Copy(c.conn, f); err != nil { // sendfile
		return 0, "", fmt.Errorf("upload: %w", err)
	}
	if _, err := c.conn.Write([]byte(partAfter)); err != nil {
		return 0, "", fmt.Errorf("upload: %w", err)
	}
	var body bytes.Buffer
	a, err := c.read(&body)
	if err != nil {
		return 0, "", fmt.Errorf("upload: %w", err)
	}
	took := time.Since(began)
	id, err := uploaded(a, body.Bytes())
	return float64(size) / took.Seconds(), id, err
}

// download gets size bytes and throws them away; it returns bytes per second.
func download(addr string, request []byte, size int64) (float64, error) {
	c, err := dial(addr)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		c.buf = make([]byte, 4*clientBuffer)
		_ = tcp.SetReadBuffer(4 * clientBuffer)
	}
	began := time.Now()
	a, err := c.do(request, nil)
	if err != nil {
		return 0, fmt.Errorf("download: %w", err)
	}
	if a.status != 200 || a.bytes != size {
		return 0, fmt.Errorf("download: status %d, %d bytes", a.status, a.bytes)
	}
	return float64(size) / time.Since(began).Seconds(), nil
}
