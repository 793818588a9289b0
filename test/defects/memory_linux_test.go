package defects

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"homeserver/test/server"
)

// proc reads one number of a file under /proc/PID.
func proc(t *testing.T, pid int, file, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^` + name + `:\s*(\d+)`).FindSubmatch(text)
	if match == nil {
		t.Fatalf("no %s in %s", name, text)
	}
	n, err := strconv.ParseInt(string(match[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDefect01MemoryStaysFlat moves 512 MiB in and out and lets four clients stall.
//
// The original held the whole file in memory: 574 MB resident for the upload, 1,073 MB for
// the download, 4 GB for four stalled downloads; and the upload was first copied to /tmp.
func TestDefect01MemoryStaysFlat(t *testing.T) {
	const size = 512 << 20
	const growth = 64 << 10 // kB: an eighth of the file would show; buffers and garbage do not
	s := server.Start(t, server.Options{})
	s.Upload(t, "warm.bin", make([]byte, 1<<20))
	before := proc(t, s.PID(), "status", "VmRSS")
	written := proc(t, s.PID(), "io", "wchar")
	check := func(what string) {
		t.Helper()
		peak := proc(t, s.PID(), "status", "VmHWM")
		t.Logf("%s: peak %d kB resident, %d kB before", what, peak, before)
		if peak-before > growth {
			t.Errorf("%s: resident memory grew by %d kB, want less than %d", what, peak-before, growth)
		}
	}

	file := upload(t, s.Client, "half-a-gigabyte.bin", zeros{}, size)
	check("upload")
	if copied := proc(t, s.PID(), "io", "wchar") - written; copied > size*5/4 {
		t.Errorf("the upload wrote %d bytes, want its %d once", copied, size)
	}
	if left := contents(t, filepath.Join(s.Dir, "tmp")); len(left) > 0 {
		t.Errorf("temporary files: got %v, want none", left)
	}

	request, err := s.Request("GET", server.Files+"/"+file.ID+"/download", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, response.Body); n != size || err != nil {
		t.Errorf("download: got %d bytes (%v), want %d", n, err, size)
	}
	response.Body.Close()
	check("download")

	for range 4 { // each asks for the file, takes a little and then nothing
		conn := s.Dial(t)
		fmt.Fprint(conn, s.Head("GET", server.Files+"/"+file.ID+"/download"))
		if _, err := io.ReadFull(conn, make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 { // the stalled ones are full by the time these are through
		s.Get(t, server.Files+"/list").Expect(t, 200)
	}
	check("four stalled downloads")
}

// TestDefect02ContentIsDurableBeforeTheAnswer looks at the disk during and after an upload.
//
// The original wrote the content under its final name, without fsync and rename: a power cut
// left a row without its content, or half of it.
func TestDefect02ContentIsDurableBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	const size = 8 << 20
	reader, writer := io.Pipe()
	request, err := s.StreamUpload("slow.bin", reader, size)
	if err != nil {
		t.Fatal(err)
	}
	var answer server.Answer
	var sending sync.WaitGroup
	sending.Go(func() { answer, err = s.Send(request) })
	if _, err := writer.Write(make([]byte, size/2)); err != nil {
		t.Fatal(err)
	}
	server.Eventually(t, 10*time.Second, "the first half on disk", func() error {
		if n := len(contents(t, filepath.Join(s.StoragePath(), "incoming"))); n != 1 {
			return fmt.Errorf("%d files in incoming", n)
		}
		return nil
	})
	if early := contents(t, filepath.Join(s.StoragePath(), "blobs")); len(early) > 0 {
		t.Errorf("half an upload lies under a final name: %v", early)
	}
	if _, err := writer.Write(make([]byte, size/2)); err != nil {
		t.Fatal(err)
	}
	sending.Wait()
	if err != nil {
		t.Fatal(err)
	}
	answer.Expect(t, 200)
	content := make([]byte, size)
	digest := server.Digest(content)
	path := filepath.Join(s.StoragePath(), "blobs", digest[:2], digest)
	stored, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(stored, content) {
		t.Fatalf("the content under its final name: %v, %d bytes", err, len(stored))
	}
	if left := contents(t, filepath.Join(s.StoragePath(), "incoming")); len(left) > 0 {
		t.Errorf("incoming: got %v, want nothing left", left)
	}
	if dirty := dirtyPages(t, path); dirty != 0 {
		t.Errorf("after the answer %d pages of the content are not on the disk yet, want 0: it was not synced", dirty)
	}
}

// dirtyPages is how much of a file only the page cache has (Linux 6.5 and later; older
// kernels cannot tell).
func dirtyPages(t *testing.T, path string) uint64 {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var stat unix.Cachestat_t
	err = unix.Cachestat(uint(file.Fd()), &unix.CachestatRange{}, &stat, 0)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		t.Logf("this kernel does not tell which pages are dirty: %v", err)
		return 0
	}
	if err != nil {
		t.Fatalf("cachestat: %v", err)
	}
	return stat.Dirty + stat.Writeback
}
