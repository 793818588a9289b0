package resume

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"homeserver/test/server"
)

const (
	// largeSize is more than 32 bits count, and no multiple of anything.
	largeSize = 5<<30 + 12345
	// diesAt is where the server is killed, breaksAt where the connection is cut.
	diesAt   = 2 << 30
	breaksAt = 4<<30 + 1<<20
	// lostAtMost is what a death may cost: what is received between two syncs, and what is on the way.
	lostAtMost = 256 << 20
)

// sparse makes a file of zeros with marks at its ends and where 32 bits end.
func sparse(t *testing.T) (file *os.File, marks map[int64]string, digest string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	marks = map[int64]string{0: "the beginning", 1<<32 - 4: "where 32 bits end", largeSize - 7: "the end"}
	if err := file.Truncate(largeSize); err != nil {
		t.Fatal(err)
	}
	for at, mark := range marks {
		if _, err := file.WriteAt([]byte(mark), at); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, largeSize)); err != nil {
		t.Fatal(err)
	}
	return file, marks, hex.EncodeToString(sum.Sum(nil))
}

var errBroken = errors.New("the network broke")

// until is a reader that calls then when it comes to a place in the file, once, and passes its error on.
type until struct {
	r    io.Reader
	left int64
	then func() error
}

func (u *until) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if u.left -= int64(n); u.left < 0 && u.then != nil {
		then := u.then
		u.then = nil
		if broken := then(); broken != nil {
			return n, broken
		}
	}
	return n, err
}

// TestLargeSparse sends 5 GiB in one request after the other, over a death of the server and a cut
// connection.
func TestLargeSparse(t *testing.T) {
	t.Parallel()
	file, marks, digest := sparse(t)
	s := server.Start(t, server.Options{Env: map[string]string{"PORT": strconv.Itoa(server.FreePort(t))}})
	s.HTTP.Timeout = 0
	answer, err := s.TUS("POST", server.Uploads, http.Header{"Upload-Length": {strconv.FormatInt(largeSize, 10)},
		"Upload-Metadata": {server.Metadata("filename", "sparse", "sha256", digest)}}, nil)
	if err != nil || answer.Status != http.StatusCreated {
		t.Fatalf("got %+v, %v", answer, err)
	}
	where := answer.Header.Get("Location")
	send := func(offset, stop int64, then func() error) (server.Answer, error) {
		r, err := s.Request("PATCH", where, http.Header{"Tus-Resumable": {"1.0.0"}, "Content-Type": {"application/offset+octet-stream"}, "Upload-Offset": {strconv.FormatInt(offset, 10)}},
			&until{io.NewSectionReader(file, offset, largeSize-offset), stop - offset, then})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = largeSize - offset
		return s.Send(r)
	}
	ask := func(atLeast int64) int64 {
		answer, err := s.TUS("HEAD", where, nil, nil)
		offset, parsed := strconv.ParseInt(answer.Header.Get("Upload-Offset"), 10, 64)
		if err != nil || parsed != nil || offset < atLeast {
			t.Fatalf("got offset %d (%v, %v), want at least %d", offset, err, parsed, atLeast)
		}
		return offset
	}
	_, err = send(0, diesAt, func() error { s.Kill(); return errBroken })
	if err == nil {
		t.Fatal("the server died, and the upload did not")
	}
	s.Start()
	if _, err = send(ask(diesAt-lostAtMost), breaksAt, func() error { return errBroken }); err == nil {
		t.Fatal("the connection was cut, and the upload was not")
	}
	answer, err = send(ask(breaksAt-lostAtMost), largeSize, nil)
	if err != nil || answer.Status != http.StatusNoContent {
		t.Fatalf("got %d %s, %v", answer.Status, answer.Body, err)
	}
	var stored server.File
	path := server.Files + "/" + answer.Header.Get("Upload-File-Id")
	s.Get(t, path+"/metadata").Expect(t, 200).Decode(t, &stored)
	if stored.Size != largeSize || stored.SHA256 == nil || *stored.SHA256 != digest {
		t.Errorf("got %+v, want %d bytes with digest %s", stored, int64(largeSize), digest)
	}
	for at, mark := range marks {
		span := fmt.Sprintf("bytes=%d-%d", at, at+int64(len(mark))-1)
		if part := s.Do(t, "GET", path+"/download", http.Header{"Range": {span}}, nil).Expect(t, 206); string(part.Body) != mark {
			t.Errorf("at %d: got %q, want %q", at, part.Body, mark)
		}
	}
	s.Stop()
}
