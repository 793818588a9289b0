package machine

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestProcessesOfATree: names with blanks and parentheses, rates between two looks, a number that
// was given to another process in between, and what may not be read.
func TestProcessesOfATree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := t.TempDir()
		put := func(name, content string) {
			t.Helper()
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		stat := func(name string, user, start string) string {
			return "7 (" + name + ") S 1 7 7 0 -1 4194560 1 0 0 0 " + user + " 50 0 0 20 0 3 0 " + start + " 1000000 25 18446744073709551615\n"
		}
		put("proc/7/stat", stat("tmux: server (x)", "100", "1000"))
		put("proc/7/io", "rchar: 1\nread_bytes: 4096\nwrite_bytes: 100\n")
		put("proc/7/cmdline", "tmux\x00new\x00-s\x00a\x00")
		put("proc/8/stat", stat("old", "500", "2000"))
		put("proc/self/stat", "")
		put("proc/meminfo", "")
		p := NewProcesses(root)
		before, err := p.Look()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second) // fake time
		put("proc/7/stat", stat("tmux: server (x)", "200", "1000"))
		put("proc/7/io", "rchar: 1\nread_bytes: 12288\nwrite_bytes: 100\n")
		put("proc/8/stat", stat("new", "1", "9000"))
		after, err := p.Look()
		if err != nil {
			t.Fatal(err)
		}
		got := map[int]Process{}
		for _, one := range after.Since(before) {
			got[one.PID] = one
		}
		seven, eight := got[7], got[8]
		if len(got) != 2 || seven.Name != "tmux: server (x)" || seven.CPUPercent != 50 || seven.Threads != 3 || seven.Parent != 1 || seven.State != "S" ||
			seven.MemoryBytes != 25*uint64(pageSize) || seven.ReadBytesPerSecond != 4096 || seven.WriteBytesPerSecond != 0 || seven.User == "" {
			t.Errorf("got %+v", seven)
		}
		if eight.Name != "new" || !math.IsNaN(eight.CPUPercent) || !math.IsNaN(eight.ReadBytesPerSecond) {
			t.Errorf("a number given to another: got %+v, want no rates", eight)
		}
		if line := p.CommandLine(7); line != "tmux new -s a" {
			t.Errorf("got %q", line)
		}
	})
}
