package cli

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"
)

// collectorPercent is how much garbage may pile up before it is collected, in percent of what
// is in use. That is about 8 MiB, so Go's own 100 would collect after every 4 MiB of answers;
// this takes a quarter of the CPU off a request. What it leaves behind when the work is done,
// giveBack takes away.
const collectorPercent = 400

const (
	// restLook is how often giveBack looks. A household that looks at Task Manager after an
	// upload sees it gone within two looks.
	restLook = 5 * time.Second
	// restQuiet is how many bytes may be allocated between two looks for the house to count as
	// at rest: 1 MiB a second. Dashboards that are looked at stay below it, uploads and
	// downloads are far above.
	restQuiet = 5 << 20
	// restWorth is the least that is worth a collection of a house at rest, in bytes. Its own
	// ticks leave about 100 kB a second behind, so one comes every 40 seconds and takes about
	// 15 ms: 0.04 % of a core.
	restWorth = 4 << 20
	// restShare is the same as a share of what is in use, which is what a collection goes
	// through: one over its half.
	restShare = 2
)

// tuneCollector sets the garbage collector, unless the household did.
func tuneCollector(environ []string) {
	for _, entry := range environ {
		if strings.HasPrefix(entry, "GOGC=") {
			return
		}
	}
	debug.SetGCPercent(collectorPercent)
}

// heap is a look at the memory that Go manages, in bytes.
type heap struct {
	allocated uint64 // all that was ever allocated
	live      uint64 // what the last collection found in use
	objects   uint64 // in use, and garbage that no collection has found yet
	free      uint64 // of no use to anybody, but not given back
}

// lookAtHeap reads the runtime's own figures, which stops nobody.
func lookAtHeap() heap {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(samples)
	return heap{samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64(), samples[3].Value.Uint64()}
}

// restful reports whether the house is at rest since the look before, and has enough memory that
// nobody uses.
func restful(before, now heap) bool {
	unused := now.free + now.objects - min(now.live, now.objects)
	return now.allocated-before.allocated <= restQuiet && unused >= max(restWorth, now.live/restShare)
}

// giveBack gives memory back to the system whenever the house comes to rest, until ctx ends. Left
// alone, Go keeps as much as its last busy minute took: it collects only when as much again
// has been allocated, and gives back only what is beyond that.
func giveBack(ctx context.Context) {
	look := time.NewTicker(restLook)
	defer look.Stop()
	before := lookAtHeap()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := lookAtHeap()
		if restful(before, now) {
			debug.FreeOSMemory()
		}
		before = now
	}
}
