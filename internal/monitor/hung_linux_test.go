package monitor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

// hungChild marks the copy of the test that runs in a mount namespace of its own, so that nobody
// else on the machine meets a file system that hangs.
const hungChild = "HOMESERVER_TEST_HUNG_MOUNT"

// TestHungMount: a file system in user space that never answers statfs keeps its own figures from
// everybody, and nothing else: every tick is in time and knows all other file systems.
func TestHungMount(t *testing.T) { apart(t, hungMount) }

// TestFileSystemThatDied: one whose root cannot be looked at because of an error, although it still
// says how full it is, as XFS after it was shut down, counts as read-only.
func TestFileSystemThatDied(t *testing.T) { apart(t, deadMount) }

// apart runs a test in a mount namespace of its own.
func apart(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if os.Getenv(hungChild) != "" {
		test(t)
		return
	}
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), hungChild+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}

func deadMount(t *testing.T) {
	place := t.TempDir()
	mountInUserSpace(t, place, func(what uint32) (answer []byte, failure unix.Errno) {
		if what == fuseStatfs {
			full := make([]byte, 80)
			binary.LittleEndian.PutUint64(full, 100)            // blocks
			binary.LittleEndian.PutUint32(full[40:], pageBytes) // size of a block
			binary.LittleEndian.PutUint32(full[48:], pageBytes)
			return full, 0
		}
		return nil, unix.EIO
	})
	m := New(Config{StoragePath: t.TempDir(), Started: time.Now()}, fixedUsage, quiet())
	key := metric.Key(metric.FileSystemReadOnly, place)
	pace := time.NewTicker(tickInterval / 20)
	defer pace.Stop()
	for range 100 { // the first ticks find the file systems and ask them
		s := m.sampler.tick(t.Context())
		m.publish(s)
		for _, r := range s.Readings {
			if r.Key() == key {
				if r.Value != 1 {
					t.Errorf("got %v, want 1: it is as good as read-only", r.Value)
				}
				return
			}
		}
		<-pace.C
	}
	t.Error("the file system has no figures")
}

func hungMount(t *testing.T) {
	place := t.TempDir()
	asked := mountHanging(t, place)
	m := New(Config{StoragePath: t.TempDir(), Started: time.Now()}, fixedUsage, quiet())
	key, root := metric.Key(metric.FileSystemSizeBytes, place), metric.Key(metric.FileSystemSizeBytes, "/")
	found := map[string]float64{}
	pace := time.NewTicker(tickInterval / 20)
	defer pace.Stop()
	for range 30 { // the first ticks find the file systems and ask them
		began := time.Now()
		s := m.sampler.tick(t.Context())
		if took := time.Since(began); took > patientDeadline {
			t.Errorf("a tick took %v", took)
		}
		m.publish(s)
		clear(found)
		for _, r := range s.Readings {
			found[r.Key()] = r.Value
		}
		if _, ok := found[root]; ok && asked.Load() > 0 {
			break
		}
		<-pace.C
	}
	if asked.Load() == 0 {
		t.Fatal("nobody asked the file system that hangs")
	}
	if _, ok := found[key]; ok {
		t.Error("a file system that does not answer has figures")
	}
	for _, want := range []string{root, metric.CPUPercent, metric.DiskPercent, metric.MemoryPercent} {
		if v, ok := found[want]; !ok || math.IsNaN(v) {
			t.Errorf("%s is a gap, want a figure", want)
		}
	}
	for _, d := range m.sampler.details.order {
		if d.question.Name == "file system "+place {
			d.began = d.began.Add(-time.Hour) // long past its deadline
		}
	}
	m.publish(m.sampler.tick(t.Context()))
	hungScrape(t, m, place)
	// as the machine shuts down, or the server comes back
	if err := unix.Unmount(place, unix.MNT_FORCE|unix.MNT_DETACH); err != nil {
		t.Error(err)
	}
}

// hungScrape holds what Prometheus is told of a machine with a file system that hangs against what it
// should be: at once, with its device_error, and without its size.
func hungScrape(t *testing.T, m *Monitor, place string) {
	t.Helper()
	began := time.Now()
	samples, _, err := parseExposition(string(m.exposition(t.Context(), m.current.Load())))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > patientDeadline {
		t.Errorf("a scrape took %v", took)
	}
	hung := -1.0
	for key, value := range samples {
		if strings.Contains(key, `mountpoint="`+place+`"`) {
			if !strings.HasPrefix(key, "node_filesystem_device_error{") {
				t.Errorf("%s is told of a file system that does not answer: %v", key, value)
			}
			hung = value
		}
	}
	if hung != 1 {
		t.Errorf("device_error of a file system that does not answer: got %v, want 1", hung)
	}
}

// mountHanging mounts a file system that says how it is called and nothing else, and counts how
// often it was asked how full it is.
func mountHanging(t *testing.T, place string) *atomic.Int64 {
	t.Helper()
	asked := &atomic.Int64{}
	mountInUserSpace(t, place, func(what uint32) ([]byte, unix.Errno) {
		if what == fuseStatfs {
			asked.Add(1)
		}
		return nil, 0
	})
	return asked
}

// What of the protocol of /dev/fuse is spoken (linux/fuse.h): the greeting, and what a test answers.
const (
	fuseInit    = 26
	fuseStatfs  = 17
	fuseVersion = 7
	fuseMinor   = 31
	fuseHead    = 16 // bytes of an answer's head
	pageBytes   = 4096
)

// mountInUserSpace mounts a file system of which answer says what it says to what it is asked:
// nothing at all of no bytes and no failure.
func mountInUserSpace(t *testing.T, place string, answer func(what uint32) ([]byte, unix.Errno)) {
	t.Helper()
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("this test needs /dev/fuse: %v", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device)
	if err := unix.Mount("hanging", place, "fuse", 0, options); err != nil {
		t.Fatalf("mount a file system in user space: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer unix.Close(device)
		serveInUserSpace(device, answer)
	}()
	t.Cleanup(func() {
		_ = unix.Unmount(place, unix.MNT_FORCE|unix.MNT_DETACH)
		<-ended
	})
}

func serveInUserSpace(device int, answer func(what uint32) ([]byte, unix.Errno)) {
	request := make([]byte, 1<<17)
	for {
		n, err := unix.Read(device, request)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil || n < 40 {
			return // it was unmounted
		}
		body, failure := []byte(nil), unix.Errno(0)
		if what := binary.LittleEndian.Uint32(request[4:]); what == fuseInit {
			body = make([]byte, 64)
			binary.LittleEndian.PutUint32(body, fuseVersion)
			binary.LittleEndian.PutUint32(body[4:], fuseMinor)
			binary.LittleEndian.PutUint32(body[20:], pageBytes) // longest write
		} else if body, failure = answer(what); len(body) == 0 && failure == 0 {
			continue
		}
		reply := append(make([]byte, fuseHead), body...)
		binary.LittleEndian.PutUint32(reply, uint32(len(reply)))
		binary.LittleEndian.PutUint32(reply[4:], uint32(-int32(failure)))
		copy(reply[8:], request[8:16]) // which request is answered
		if _, err := unix.Write(device, reply); err != nil && !errors.Is(err, unix.ENOENT) {
			return // ENOENT: nobody waits for it any more
		}
	}
}
