package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"homeserver/test/server"
)

// smallDisk is the size of the disk that fills up, in MiB.
const smallDisk = 24

// onSmallDisk is a command that runs another on a file system of its own at dir, which nobody
// else sees and which goes with it; without root a user namespace stands in.
func onSmallDisk(t *testing.T, dir string) []string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	flags := "-m"
	if os.Getuid() != 0 {
		flags = "-rm"
	}
	script := fmt.Sprintf(`mount -t tmpfs -o size=%dm,mode=700 tmpfs "$0" && exec "$@"`, smallDisk)
	wrap := []string{"unshare", flags, "sh", "-c", script, dir}
	if out, err := exec.Command(wrap[0], append(wrap[1:], "true")...).CombinedOutput(); err != nil {
		t.Fatalf("this test needs to mount a small tmpfs, as root or in a user namespace (unshare -rm): %v\n%s", err, out)
	}
	return wrap
}

// seen is a path as the server sees it in its own mount namespace.
func seen(s *server.Server, path string) string {
	return fmt.Sprintf("/proc/%d/root%s", s.PID(), path)
}

// TestDiskFull fills the storage's disk, with and without the database on it.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"storage alone", "storage and database"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			disk := filepath.Join(dir, "disk")
			env := map[string]string{"STORAGE_PATH": filepath.Join(disk, "storage")}
			if name == "storage and database" {
				env["DATA_DIR"] = disk
			}
			fill(t, server.Start(t, server.Options{Dir: dir, Env: env, Wrap: onSmallDisk(t, disk)}))
		})
	}
}

func fill(t *testing.T, s *server.Server) {
	t.Helper()
	p := newPromises()
	refusals := 0
	upload := func(size int, seed byte) bool {
		t.Helper()
		body := bytes.Repeat([]byte{seed}, size)
		copy(body, fmt.Sprint(seed, size))
		answer, err := s.Post(server.FilePart("big.bin", "application/octet-stream", body))
		if err != nil {
			t.Fatalf("upload of %d bytes: %v", size, err)
		}
		if answer.Status == 200 {
			var file server.File
			answer.Decode(t, &file)
			p.add(file, body)
			return true
		}
		refusals++
		if answer.Status != 507 || len(answer.Detail()) < 10 || answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("upload to a full disk: got %d %s, want 507 with a sentence", answer.Status, answer.Body)
		}
		return false
	}
	ballast := filepath.Join(seen(s, filepath.Dir(s.StoragePath())), "ballast") // something else on the disk
	if err := os.WriteFile(ballast, make([]byte, 6<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if upload(40<<20, 1) { // larger than the disk: full in the middle
		t.Fatal("40 MiB were stored on a disk of 24")
	}
	if left := incoming(t, seen(s, s.StoragePath())); len(left) > 0 {
		t.Errorf("the refused upload left %v", left)
	}
	seed := byte(2)
	for _, size := range []int{6 << 20, 6 << 20, 4 << 20, 1 << 20, 300 << 10, 64 << 10, 4 << 10} {
		for upload(size, seed) {
			seed++
		}
	}
	if refusals < 7 || p.count.Load() == 0 {
		t.Fatalf("got %d uploads accepted and %d refused", p.count.Load(), refusals)
	}
	// Full: everybody at once, and everything else goes on.
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			answer, err := s.Post(server.FilePart("late.bin", "application/octet-stream", bytes.Repeat([]byte{byte(n)}, 3<<20)))
			if err != nil || answer.Status != 507 {
				t.Errorf("upload to the full disk: %v, %d %s, want 507", err, answer.Status, answer.Body)
			}
		})
	}
	all.Wait()
	alive(t, s.Client, "space")
	p.kept(t, s.Client)
	if left := incoming(t, seen(s, s.StoragePath())); len(left) > 0 {
		t.Errorf("refused uploads left %v", left)
	}
	for id := range p.digests { // the blobs' own room comes back after the time to undo
		if answer := s.Do(t, "DELETE", server.Files+"/"+id, nil, nil); answer.Status != 200 && answer.Status != 507 {
			t.Errorf("deletion on a full disk: got %d %s", answer.Status, answer.Body)
		}
		break
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	fresh := newPromises()
	serves(t, s, fresh)
	fresh.kept(t, s.Client)
}
