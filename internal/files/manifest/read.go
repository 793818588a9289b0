package manifest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// readBuffer is how much is read at once, in bytes.
const readBuffer = 64 << 10

// plain is a manifest being read.
type plain struct {
	unpacked *zstd.Decoder
	lines    *bufio.Reader
	header   Header
	sum      hash.Hash // of the lines so far
}

// begin reads the header.
func begin(r io.Reader) (*plain, error) {
	unpacked, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	p := &plain{unpacked: unpacked, lines: bufio.NewReaderSize(unpacked, readBuffer), sum: sha256.New()}
	line, err := readLine(p.lines)
	var first Record
	if err != nil || json.Unmarshal(line, &first) != nil || first.Header == nil || first.Header.Format < 1 {
		unpacked.Close()
		return nil, errors.Join(ErrFormat, err)
	}
	p.sum.Write(line)
	p.header = *first.Header
	return p, nil
}

// ended reports whether the trailer says what was read.
func (p *plain) ended(end *End, records int64) error {
	if end == nil || end.Records != records || end.Digest != hex.EncodeToString(p.sum.Sum(nil)) {
		return ErrCut
	}
	return nil
}

// Read reads a manifest and calls fn with every record between header and trailer. Whether the
// manifest is whole is known only at the end: on ErrCut the records were still real ones.
func Read(r io.Reader, fn func(Record) error) (Header, error) {
	p, err := begin(r)
	if err != nil {
		return Header{}, err
	}
	defer p.unpacked.Close()
	if p.header.Format > Format {
		return p.header, fmt.Errorf("%w: it has format %d", ErrFormat, p.header.Format)
	}
	for records := int64(0); ; records++ {
		line, err := readLine(p.lines)
		var record Record
		if err == nil {
			err = json.Unmarshal(line, &record)
		}
		if err != nil {
			return p.header, errors.Join(ErrCut, err)
		}
		if record.End != nil {
			return p.header, p.ended(record.End, records)
		}
		p.sum.Write(line)
		if err := fn(record); err != nil {
			return p.header, err
		}
	}
}

// Check makes sure that a manifest is whole, without looking at what its records say, and
// returns its header. It takes a fraction of what Read does.
func Check(r io.Reader) (Header, error) {
	p, err := begin(r)
	if err != nil {
		return Header{}, err
	}
	defer p.unpacked.Close()
	for records := int64(0); ; records++ {
		line, err := readLine(p.lines)
		if err != nil {
			return p.header, errors.Join(ErrCut, err)
		}
		if bytes.HasPrefix(line, []byte(`{"end":`)) {
			var last Record
			err := json.Unmarshal(line, &last)
			return p.header, errors.Join(err, p.ended(last.End, records))
		}
		p.sum.Write(line)
	}
}

// errLong says that a line is longer than any this package writes.
var errLong = fmt.Errorf("a line has more than %d bytes", maxLine)

// readLine returns the next line with its end. A line without one is io.ErrUnexpectedEOF.
func readLine(r *bufio.Reader) ([]byte, error) {
	var whole []byte
	for {
		part, err := r.ReadSlice('\n')
		if err == nil && whole == nil {
			return part, nil
		}
		if len(whole)+len(part) > maxLine {
			return nil, errLong
		}
		whole = append(whole, part...)
		switch {
		case err == nil:
			return whole, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(whole) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// ReadJournal calls fn with every record of a journal that can be read and counts the lines
// that cannot, but for a torn last one, which is what a crash leaves.
func ReadJournal(r io.Reader, fn func(Record) error) (damaged int, err error) {
	lines := bufio.NewReaderSize(r, readBuffer)
	for {
		line, err := readLine(lines)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return damaged, nil
		case errors.Is(err, errLong):
			damaged++
			if err := skipLine(lines); err != nil {
				return damaged, nil //nolint:nilerr // the end, in the middle of a line
			}
			continue
		case err != nil:
			return damaged, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var record Record
		if json.Unmarshal(line, &record) != nil {
			damaged++
			continue
		}
		if err := fn(record); err != nil {
			return damaged, err
		}
	}
}

// skipLine reads to the end of a line.
func skipLine(r *bufio.Reader) error {
	for {
		_, err := r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
