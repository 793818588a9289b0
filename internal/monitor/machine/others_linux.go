package machine

import (
	"homeserver/internal/monitor/metric"
)

// Others are the readers of a machine beside those that the promised figures need. Which there
// are changes while the machine runs: a file system is mounted, a disk plugged in.
type Others struct {
	fixed  []Question
	mounts *Mounts
	known  map[*FileSystem]Question
	list   []Question
}

// NewOthers makes the readers of the tree under root.
func NewOthers(root string, metrics *metric.Registry) *Others {
	o := &Others{mounts: NewMounts(root, metrics), known: map[*FileSystem]Question{}}
	o.fixed = []Question{
		{"pressure", EveryTick, NewPressure(root, metrics)},
		{"mounts", EveryTen, o.mounts},
	}
	return o
}

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
