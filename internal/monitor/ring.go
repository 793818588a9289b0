package monitor

import (
	"math"
	"sync"
	"time"
)

const (
	// recentWindow is how far back the last minutes reach.
	recentWindow = 15 * time.Minute
	// recentRows is how many samples that is: 450, or 21 kB.
	recentRows = int(recentWindow / tickInterval)
)

// row is one sample as charts want it. NaN is a gap.
type row struct {
	at     int64 // milliseconds since 1970
	values [recentColumns]float32
}

// The columns of a row.
const (
	columnCPU = iota
	columnMemory
	columnDisk
	columnDiskRead
	columnDiskWrite
	columnNetReceived
	columnNetSent
	recentColumns
)

// ring keeps the last minutes in memory.
type ring struct {
	mu    sync.Mutex
	rows  []row // grows to recentRows, then wraps
	start int   // index of the oldest
}

func newRing() *ring { return &ring{rows: make([]row, 0, recentRows)} }

// add appends a snapshot. Ticks that did not take place (the machine slept) become gaps; when
// the clock was set back, what it had called the future is forgotten.
func (r *ring) add(s *Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := rowOf(s)
	for len(r.rows) > 0 && r.newest().at >= next.at {
		r.dropNewest()
	}
	if len(r.rows) > 0 {
		const step = int64(tickInterval / time.Millisecond)
		const window = int64(recentWindow / time.Millisecond)
		from := max(r.newest().at+step, next.at-window)
		for at := from; at < next.at-step/2; at += step {
			r.push(gapRow(at))
		}
	}
	r.push(next)
}

// since returns the rows from a time on, oldest first.
func (r *ring) since(from time.Time) []row {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rows []row
	for i := range r.rows {
		one := r.rows[(r.start+i)%len(r.rows)]
		if one.at >= from.UnixMilli() {
			rows = append(rows, one)
		}
	}
	return rows
}

func (r *ring) newest() row { return r.rows[(r.start+len(r.rows)-1)%len(r.rows)] }

func (r *ring) push(one row) {
	if len(r.rows) < recentRows {
		r.rows = append(r.rows, one)
		return
	}
	r.rows[r.start] = one
	r.start = (r.start + 1) % recentRows
}

// dropNewest is rare, so it may copy: it lays the ring out from its start again.
func (r *ring) dropNewest() {
	straight := make([]row, 0, recentRows)
	straight = append(straight, r.rows[r.start:]...)
	straight = append(straight, r.rows[:r.start]...)
	r.rows, r.start = straight[:len(straight)-1], 0
}

func rowOf(s *Snapshot) row {
	one := gapRow(s.At.UnixMilli())
	if s.fresh(nameCPU) {
		one.values[columnCPU] = float32(s.CPU)
	}
	if s.fresh(nameMemory) {
		one.values[columnMemory] = float32(s.Memory.percent())
	}
	if s.fresh(nameDisk) {
		one.values[columnDisk] = float32(s.Disk.percent())
	}
	one.values[columnDiskRead] = float32(s.DiskRead)
	one.values[columnDiskWrite] = float32(s.DiskWrite)
	one.values[columnNetReceived] = float32(s.NetReceived)
	one.values[columnNetSent] = float32(s.NetSent)
	return one
}

func gapRow(at int64) row {
	one := row{at: at}
	for i := range one.values {
		one.values[i] = float32(math.NaN())
	}
	return one
}
