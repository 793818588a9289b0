package machine

import (
	"context"

	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

// Others are the readers of a machine beside those that the promised figures need. Which there
// are changes while the machine runs: a file system is mounted, a disk plugged in.
type Others struct {
	fixed  []Question
	mounts *Mounts
	known  map[*FileSystem]Question
	list   []Question
	stop   func()
}

// system is what readers ask that is no file under the root, so that tests can answer.
type system struct {
	tool     Tool
	statfs   func(path string, to *unix.Statfs_t) error
	adjtimex func(to *unix.Timex) (int, error)
}

// NewOthers makes the readers of the tree under root.
func NewOthers(root string, metrics *metric.Registry) *Others {
	ctx, stop := context.WithCancel(context.Background())
	return newOthers(root, metrics, system{runTools(ctx), statfs, unix.Adjtimex}, stop)
}

func newOthers(root string, metrics *metric.Registry, sys system, stop func()) *Others {
	tool := sys.tool
	o := &Others{mounts: NewMounts(root, metrics), known: map[*FileSystem]Question{}, stop: stop}
	o.mounts.statfs = sys.statfs
	o.fixed = []Question{
		{"pressure", EveryTick, NewPressure(root, metrics)},
		{"uptime", EveryTick, NewUptime(root, metrics)},
		{"mounts", EveryTen, o.mounts},
		{"links", EveryTen, NewLinks(root, metrics)},
		{"sensors", EveryTen, NewSensors(root, metrics)},
		{"clock", EveryTen, newClock(metrics, sys.adjtimex)},
		{"containers", EveryTen, NewContainers(root, metrics)},
		{"limits", EveryTen, NewLimits(root, metrics)},
		{"power", EveryTen, NewPower(root, metrics)},
		{"server", EveryTen, NewServer(root, metrics)},
		{"RAID", EveryMinute, NewRAID(root, metrics)},
		{"pools", EveryMinute, NewPools(root, metrics, tool)},
		{"services", EveryMinute, NewUnits(root, metrics, tool)},
		{"SMART", EveryHour, NewSMART(root, metrics, tool)},
	}
	return o
}

// Close ends the tools that are running.
func (o *Others) Close() { o.stop() }

// Questions are those of now.
func (o *Others) Questions() []Question {
	o.list = append(o.list[:0], o.fixed...)
	here := map[*FileSystem]bool{}
	for _, f := range o.mounts.FileSystems() {
		here[f] = true
		q, ok := o.known[f]
		if !ok {
			q = Question{"file system " + f.Mount, EveryTen, f}
			o.known[f] = q
		}
		o.list = append(o.list, q)
	}
	for f := range o.known {
		if !here[f] {
			delete(o.known, f)
		}
	}
	return o.list
}
