package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	// rounds is how often ours and a reference take turns; an odd number has a median.
	rounds = 3
	// fullRound is how long a round under load lasts: several journal commits and collections.
	fullRound = 3 * time.Second
	// quickRound is the same with -quick.
	quickRound = time.Second
	// roomNeeded is the free disk space a full run takes, in bytes: each round of the 1 GiB
	// upload leaves its blob, since the collector waits a day.
	roomNeeded = 12 << 30
)

// bench is one run: its directory, its binaries, its sizes.
type bench struct {
	dir       string
	binary    string // our server
	reference string // the bare net/http server
	keep      bool
	quick     bool
	progress  io.Writer

	round      time.Duration // length of a round under load
	largeBytes int64         // size of the large file
	manyFiles  int           // files in the large library
	listFiles  int           // files in the library whose whole list is taken
	treeFiles  int           // files in the library with a large folder
	viewers    int           // WebSocket clients
	watch      time.Duration // how long CPU time is watched
}

// prepare makes the directory and builds the binaries.
func prepare(ctx context.Context, o options, progress io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp(o.dir, ".bench-*")
	if err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	b := &bench{dir: dir, keep: o.keep, quick: o.quick, progress: progress, binary: o.binary,
		round: fullRound, largeBytes: 1 << 30, manyFiles: 100_000, listFiles: 10_000, treeFiles: 1_000_000, viewers: 500, watch: 10 * time.Second}
	if o.quick {
		b.round, b.largeBytes, b.manyFiles, b.treeFiles, b.watch = quickRound, 256<<20, 20_000, 100_000, 6*time.Second
	} else if free := freeSpace(dir); free >= 0 && free < roomNeeded {
		b.cleanUp()
		return nil, fmt.Errorf("%s has %s free, a full run takes %s; choose another disk with -dir or a smaller run with -quick", o.dir, mebibytes(free), mebibytes(roomNeeded))
	}
	if b.binary == "" {
		b.binary = filepath.Join(dir, "homeserver")
		if err := b.build(ctx, b.binary, "./cmd/homeserver"); err != nil {
			b.cleanUp()
			return nil, err
		}
	}
	b.reference = filepath.Join(dir, "reference")
	if err := b.build(ctx, b.reference, "./bench/reference"); err != nil {
		b.cleanUp()
		return nil, err
	}
	return b, nil
}

// build builds a package the way a release is built.
func (b *bench) build(ctx context.Context, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, text)
	}
	return nil
}

func (b *bench) cleanUp() {
	if b.keep {
		fmt.Fprintln(b.progress, "kept", b.dir)
		return
	}
	if err := os.RemoveAll(b.dir); err != nil {
		fmt.Fprintln(b.progress, "bench:", err)
	}
}

// say tells what is going on: a run takes minutes.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, format+"\n", args...)
}

// median of a few rounds.
func median[T cmp.Ordered](values []T) T {
	var zero T
	if len(values) == 0 {
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// takeTurns runs every contestant once per round and returns each one's median. A contestant
// that is nil yields 0. Each begins with nothing left to be written by the one before, who may
// not have waited for the disk.
func takeTurns(ctx context.Context, contestants ...func(context.Context) (float64, error)) ([]float64, error) {
	results := make([][]float64, len(contestants))
	for range rounds {
		for i, contestant := range contestants {
			if contestant == nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			settleDisk()
			value, err := contestant(ctx)
			if err != nil {
				return nil, err
			}
			results[i] = append(results[i], value)
		}
	}
	medians := make([]float64, len(contestants))
	for i := range results {
		medians[i] = median(results[i])
	}
	return medians, nil
}

// describeMachine is the line above the table.
func describeMachine(ctx context.Context, o options) string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	disk := ""
	if text, err := exec.CommandContext(ctx, "df", "--output=fstype,source", o.dir).Output(); err == nil {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		disk = ", " + strings.Join(strings.Fields(lines[len(lines)-1]), " on ")
	}
	size := "full run"
	if o.quick {
		size = "quick run: smaller than the targets are meant for"
	}
	return fmt.Sprintf("%s, %d cores (%s), %s/%s%s, %s; %s", time.Now().Format(time.DateOnly), runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH, disk, runtime.Version(), size)
}
