package machine

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMatchesPS: a process as ps(1) shows it, and what it used between two looks as the system told the
// process itself. It is the test's own.
func TestMatchesPS(t *testing.T) {
	p := NewProcesses("/")
	own := func() (cpu time.Duration, written float64) {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		n, ok := keyed("/proc/self/io", "write_bytes:")
		if !ok {
			t.Fatal("this process may not read its own io")
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano()), float64(n)
	}
	look := func() Look {
		t.Helper()
		l, err := p.Look()
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	cpuBefore, writtenBefore := own()
	before := look()
	cpuLeast, writtenLeast := own()
	busy(t, 300*time.Millisecond)
	cpuFrom, writtenFrom := own()
	after := look()
	cpuMost, writtenMost := own()
	var got Process
	for _, one := range after.Since(before) {
		if one.PID == os.Getpid() {
			got = one
		}
	}
	fields := strings.Fields(output(t, "ps", "-o", "ppid=,nlwp=,rss=,user:40=,comm=", "-p", strconv.Itoa(os.Getpid())))
	number := func(i int) float64 { n, _ := strconv.ParseFloat(fields[i], 64); return n }
	within(t, "parent", float64(got.Parent), number(0), 0)
	within(t, "threads", float64(got.Threads), number(1), 20)
	within(t, "memory", float64(got.MemoryBytes), number(2)*1024, 16<<20) // both looks need some
	if got.User != fields[3] || got.Name != fields[4] {
		t.Errorf("got %s of %s, ps says %s of %s", got.Name, got.User, fields[4], fields[3])
	}
	seconds := after.At.Sub(before.At).Seconds()
	const tick = 0.02 // processor time is told in hundredths, of programs and of the system
	if used := got.CPUPercent / 100 * seconds; used < (cpuFrom-cpuLeast).Seconds()-tick || used > (cpuMost-cpuBefore).Seconds()+tick {
		t.Errorf("processor: got %v s, the system says %s to %s", used, cpuFrom-cpuLeast, cpuMost-cpuBefore)
	}
	if written := got.WriteBytesPerSecond * seconds; written < writtenFrom-writtenLeast-1 || written > writtenMost-writtenBefore+1 {
		t.Errorf("written: got %v, the system says %v to %v", written, writtenFrom-writtenLeast, writtenMost-writtenBefore)
	}
}
