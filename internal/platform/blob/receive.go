package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"sync"
)

const (
	// chunkSize is how much is read, hashed and written at once, in bytes: large enough that
	// system calls do not count, small enough for a hundred uploads at a time.
	chunkSize = 128 << 10
	// chunksAhead is how many chunks of one upload may be between reader and hash.
	chunksAhead = 4
)

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// Receive copies src to dst and returns the SHA-256, in hex, and the length of what it
// copied. Content beyond one chunk is hashed by a second goroutine while the next chunk is
// being read. Memory is bounded whatever the size.
func Receive(dst io.Writer, src io.Reader) (digest string, size int64, err error) {
	sum := sha256.New()
	if size, err = Copy(dst, sum, src); err != nil {
		return "", size, err
	}
	return hex.EncodeToString(sum.Sum(nil)), size, nil
}

// Copy is Receive with a hash of the caller's, which has seen everything when Copy returns. On
// an error it is not known how much dst and sum have seen.
func Copy(dst, sum io.Writer, src io.Reader) (size int64, err error) {
	first := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(first)
	n, err := fill(src, first[:])
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if _, werr := dst.Write(first[:n]); werr != nil {
		return 0, werr
	}
	_, _ = sum.Write(first[:n]) // a hash never fails
	size = int64(n)
	if err == nil {
		var rest int64
		rest, err = receiveRest(dst, src, sum)
		size += rest
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return size, err
}

// piece is a chunk with as many bytes in use.
type piece struct {
	chunk *[chunkSize]byte
	n     int
}

// receiveRest goes on after the first chunk. The error io.EOF is the good end.
func receiveRest(dst io.Writer, src io.Reader, sum io.Writer) (size int64, err error) {
	work, free := make(chan piece, chunksAhead), make(chan *[chunkSize]byte, chunksAhead)
	for range chunksAhead {
		free <- chunks.Get().(*[chunkSize]byte)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := range work {
			_, _ = sum.Write(p.chunk[:p.n]) // a hash never fails
			free <- p.chunk
		}
	}()
	for err == nil {
		p := piece{chunk: <-free}
		p.n, err = fill(src, p.chunk[:])
		if err != nil && !errors.Is(err, io.EOF) {
			p.n = 0
		}
		var werr error
		if p.n > 0 {
			work <- p
			_, werr = dst.Write(p.chunk[:p.n]) // reads the chunk, as the hash does, before it is free again
			size += int64(p.n)
		} else {
			free <- p.chunk
		}
		if werr != nil {
			err = werr
		}
	}
	close(work)
	<-done
	for range chunksAhead {
		chunks.Put(<-free)
	}
	return size, err
}

// fill reads until buf is full. io.EOF says that src ended, perhaps after some bytes.
func fill(src io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = src.Read(buf[n:])
		n += m
	}
	return n, err
}
