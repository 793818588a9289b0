package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// contents makes small files that are never the same twice, within one run: equal content
// would be stored only once and look fast.
type contents struct {
	bytes  []byte
	source *rand.Rand
}

// unique starts a stream of contents.
func unique(stream uint64) *contents {
	return &contents{bytes: make([]byte, smallFile), source: rand.New(rand.NewPCG(rand.Uint64(), stream))}
}

// next makes the next content, in place.
func (c *contents) next() {
	for i := 0; i < len(c.bytes); i += 8 {
		binary.LittleEndian.PutUint64(c.bytes[i:], c.source.Uint64())
	}
}

// fillFile writes size random bytes to a new file and flushes it.
func fillFile(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("large file: %w", err)
	}
	defer f.Close()
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{1}), size); err != nil {
		return fmt.Errorf("large file: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("large file: %w", err)
	}
	return nil
}
