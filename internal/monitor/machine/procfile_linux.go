package machine

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// firstBuffer holds /proc/meminfo and a few disks or interfaces, in bytes; it grows.
const firstBuffer = 4 << 10

// largestRead bounds what is read of one file, in bytes: thousands of devices fit.
const largestRead = 4 << 20

// procFile is a file of /proc or /sys kept open: each read starts again at offset 0, where the
// kernel writes it anew, and costs neither open, close nor an allocation.
type procFile struct {
	path string
	file *os.File
	buf  []byte
	size int // of the first buffer, where firstBuffer is more than is ever needed
}

// head reads the first n bytes.
func (p *procFile) head(n int) ([]byte, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	got, err := p.file.ReadAt(p.buf[:n], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, p.fail(err)
	}
	return p.buf[:got], nil
}

// all reads the whole file. The result is good until the next read.
func (p *procFile) all() ([]byte, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	n := 0
	for {
		if n == len(p.buf) {
			if n >= largestRead {
				return nil, fmt.Errorf("%s is longer than %d bytes", p.path, largestRead)
			}
			p.buf = append(p.buf, make([]byte, len(p.buf))...)
		}
		got, err := p.file.ReadAt(p.buf[n:], int64(n))
		n += got
		switch {
		case errors.Is(err, io.EOF):
			return p.buf[:n], nil
		case err != nil:
			return nil, p.fail(err)
		}
	}
}

func (p *procFile) open() error {
	if p.file != nil {
		return nil
	}
	f, err := os.Open(p.path)
	if err != nil {
		return err
	}
	p.file = f
	if p.buf == nil {
		p.buf = make([]byte, cmp.Or(p.size, firstBuffer))
	}
	return nil
}

// fail closes the file, so that the next read opens it anew.
func (p *procFile) fail(err error) error {
	p.close()
	return fmt.Errorf("read %s: %w", p.path, err)
}

func (p *procFile) close() {
	if p.file != nil {
		_ = p.file.Close() // only ever read
		p.file = nil
	}
}

// nextLine splits the first line off text.
func nextLine(text []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(text, []byte{'\n'})
	return line, rest
}

// nextField splits the first word off a line. It is empty at the end.
func nextField(line []byte) (field, rest []byte) {
	start := 0
	for start < len(line) && (line[start] == ' ' || line[start] == '\t') {
		start++
	}
	end := start
	for end < len(line) && line[end] != ' ' && line[end] != '\t' {
		end++
	}
	return line[start:end], line[end:]
}

// number reads a decimal count without allocating.
func number(field []byte) (uint64, error) {
	if len(field) == 0 {
		return 0, errors.New("a number is missing")
	}
	var n uint64
	for _, c := range field {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is not a number", field)
		}
		n = n*10 + uint64(c-'0')
	}
	return n, nil
}

// decimal reads a number with a fraction.
func decimal(field []byte) (float64, error) {
	return strconv.ParseFloat(string(field), 64)
}
