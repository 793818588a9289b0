package blob_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
)

func TestReceive(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef!"), 100_000)
	for _, size := range []int{0, 1, 128<<10 - 1, 128 << 10, 128<<10 + 1, 1 << 20, len(data)} {
		for name, reader := range map[string]io.Reader{
			"plain": bytes.NewReader(data[:size]), "data with EOF": iotest.DataErrReader(bytes.NewReader(data[:size])), "halves": iotest.HalfReader(bytes.NewReader(data[:size])),
		} {
			var out bytes.Buffer
			digest, n, err := blob.Receive(&out, reader)
			if err != nil || n != int64(size) || digest != blobtest.Digest(data[:size]) || !bytes.Equal(out.Bytes(), data[:size]) {
				t.Errorf("%s of %d: got %s, %d, %v", name, size, digest, n, err)
			}
		}
	}
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestReceiveErrors(t *testing.T) {
	broken := errors.New("cut")
	for _, size := range []int{10, 128 << 10, 400 << 10} {
		data := make([]byte, size)
		if _, _, err := blob.Receive(io.Discard, io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("reader fails after %d: got %v, want %v", size, err, broken)
		}
		if _, _, err := blob.Receive(&failing{size - 1}, bytes.NewReader(data)); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("writer fails at %d: got %v, want %v", size, err, io.ErrShortWrite)
		}
	}
}
