package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Writer writes a manifest.
type Writer struct {
	packed  *zstd.Encoder
	sum     hash.Hash
	records int64
	line    bytes.Buffer
	encode  *json.Encoder
}

// NewWriter begins a manifest. Close ends it; without, it does not count.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	packed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, err
	}
	m := &Writer{packed: packed, sum: sha256.New()}
	m.encode = newEncoder(&m.line)
	h.Format = Format
	return m, m.write(Record{Header: &h})
}

// newEncoder makes an encoder that leaves <, > and & as they are: nobody shows this in a page.
func newEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// Write adds a record.
func (m *Writer) Write(r Record) error {
	m.records++
	return m.write(r)
}

func (m *Writer) write(r Record) error {
	m.line.Reset()
	if err := m.encode.Encode(r); err != nil {
		return err
	}
	if m.line.Len() > maxLine {
		return fmt.Errorf("a line of the manifest would have %d bytes, more than %d", m.line.Len(), maxLine)
	}
	m.sum.Write(m.line.Bytes())
	_, err := m.packed.Write(m.line.Bytes())
	return err
}

// File adds a file and its versions.
func (m *Writer) File(f *File) error {
	if err := m.Write(Record{File: f}); err != nil {
		return err
	}
	for i := range f.Versions {
		if err := m.Write(Record{Version: &f.Versions[i]}); err != nil {
			return err
		}
	}
	return nil
}

// Close writes the trailer. It does not close what the manifest was written to.
func (m *Writer) Close() error {
	end := End{Records: m.records, Digest: hex.EncodeToString(m.sum.Sum(nil))}
	if err := m.write(Record{End: &end}); err != nil {
		return err
	}
	return m.packed.Close()
}

// AppendLine appends a record as a line of a journal.
func AppendLine(b []byte, r Record) ([]byte, error) {
	var line bytes.Buffer
	if err := newEncoder(&line).Encode(r); err != nil {
		return b, err
	}
	return append(b, line.Bytes()...), nil
}

// AppendFile appends a file and its versions as lines of a journal.
func AppendFile(b []byte, f *File) ([]byte, error) {
	b, err := AppendLine(b, Record{File: f})
	for i := range f.Versions {
		if err == nil {
			b, err = AppendLine(b, Record{Version: &f.Versions[i]})
		}
	}
	return b, err
}
