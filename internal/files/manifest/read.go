package manifest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// readBuffer is how much is read at once, in bytes.
const readBuffer = 64 << 10

// Read reads a manifest and calls fn with every record between header and trailer. Whether the
// manifest is whole is known only at the end: on ErrCut the records were still real ones.
func Read(r io.Reader, fn func(Record) error) (Header, error) {
	unpacked, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	defer unpacked.Close()
	lines := bufio.NewReaderSize(unpacked, readBuffer)
	line, err := readLine(lines)
	var first Record
	if err != nil || json.Unmarshal(line, &first) != nil || first.Header == nil || first.Header.Format < 1 {
		return Header{}, errors.Join(ErrFormat, err)
	}
	if first.Header.Format > Format {
		return *first.Header, fmt.Errorf("%w: it has format %d", ErrFormat, first.Header.Format)
	}
	sum := sha256.New()
	sum.Write(line)
	for records := int64(0); ; records++ {
		line, err := readLine(lines)
		if err != nil {
			return *first.Header, errors.Join(ErrCut, err)
		}
		var record Record
		if err := json.Unmarshal(line, &record); err != nil {
			return *first.Header, errors.Join(ErrCut, err)
		}
		if record.End != nil {
			if record.End.Records != records || record.End.Digest != hex.EncodeToString(sum.Sum(nil)) {
				return *first.Header, ErrCut
			}
			return *first.Header, nil
		}
		sum.Write(line)
		if err := fn(record); err != nil {
			return *first.Header, err
		}
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
