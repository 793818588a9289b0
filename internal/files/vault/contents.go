package vault

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"homeserver/internal/platform/blob"
)

// ContentsPart is the part of a snapshot that lists its content: a digest and a size a line, in
// the order of digests, compressed with zstd.
const ContentsPart = "contents.zst"

// Content is one line of the list.
type Content struct {
	SHA256 string
	Size   int64
}

// Contents reads a list.
type Contents struct {
	f      io.Closer
	packed *zstd.Decoder
	lines  *bufio.Scanner
	next   Content
	ahead  bool
	done   bool
}

// ContentsWriter writes a list.
type ContentsWriter struct {
	packed *zstd.Encoder
	last   string
	line   []byte
}

// NewContentsWriter begins a list.
func NewContentsWriter(w io.Writer) (*ContentsWriter, error) {
	packed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	return &ContentsWriter{packed: packed}, err
}

// Write adds a line; digests come in order, each once.
func (w *ContentsWriter) Write(c Content) error {
	if !blob.ValidDigest(c.SHA256) || c.SHA256 <= w.last {
		return fmt.Errorf("the digest %q does not follow %q", c.SHA256, w.last)
	}
	w.last = c.SHA256
	w.line = append(strconv.AppendInt(append(append(w.line[:0], c.SHA256...), ' '), c.Size, 10), '\n')
	_, err := w.packed.Write(w.line)
	return err
}

// Close ends the list.
func (w *ContentsWriter) Close() error { return w.packed.Close() }

// Contents opens a snapshot's list.
func (v *Vault) Contents(snapshot string) (*Contents, error) {
	return v.openContents(filepath.Join(v.dir, snapshotsDir, snapshot, ContentsPart))
}

// Contents opens a list that lies in an unfinished snapshot.
func (d *Draft) Contents(name string) (*Contents, error) { return d.v.openContents(d.Path(name)) }

func (v *Vault) openContents(path string) (*Contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, v.explain(err)
	}
	packed, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		f.Close()
		return nil, v.explain(err)
	}
	return &Contents{f: f, packed: packed, lines: bufio.NewScanner(packed)}, nil
}

// Next returns the next line; io.EOF after the last.
func (c *Contents) Next() (Content, error) {
	if c.ahead {
		c.ahead = false
		return c.next, nil
	}
	if c.done || !c.lines.Scan() {
		c.done = true
		return Content{}, cmp.Or(c.lines.Err(), io.EOF)
	}
	digest, size, _ := strings.Cut(c.lines.Text(), " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n < 0 || !blob.ValidDigest(digest) || digest <= c.next.SHA256 {
		return Content{}, fmt.Errorf("the list of a snapshot's content has a damaged line: %.80q", c.lines.Text())
	}
	c.next = Content{digest, n}
	return c.next, nil
}

// Folder returns the lines whose digests begin with folder. Folders are asked for in order.
func (c *Contents) Folder(folder string) ([]Content, error) {
	var list []Content
	for {
		line, err := c.Next()
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		case line.SHA256[:2] > folder:
			c.ahead = true
			return list, nil
		case line.SHA256[:2] == folder:
			list = append(list, line)
		}
	}
}

// Close closes the list.
func (c *Contents) Close() error {
	c.packed.Close()
	return c.f.Close()
}

// folders are the names of the folders of blobs/, in order.
func folders(yield func(string) bool) {
	for i := range 256 {
		if !yield(fmt.Sprintf("%02x", i)) {
			return
		}
	}
}
