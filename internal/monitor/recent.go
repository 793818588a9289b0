package monitor

import (
	"math"
	"time"

	"homeserver/internal/monitor/feed"
	"homeserver/internal/monitor/metric"
)

const (
	// recentWindow is how far back the last minutes reach.
	recentWindow = 15 * time.Minute
	// recentRows is how many ticks that is: 450.
	recentRows = int(recentWindow / tickInterval)
)

// recentMetrics are the columns of the last minutes as GET /recent tells them.
func recentMetrics() [7]string {
	return [...]string{metric.CPUPercent, metric.MemoryPercent, metric.DiskPercent, metric.DiskReadBytesPerSecond, metric.DiskWriteBytesPerSecond,
		metric.NetworkReceivedBytesPerSecond, metric.NetworkSentBytesPerSecond}
}

// recentOf lays ticks out in columns, from a time on. Ticks that did not take place (the machine
// slept) become gaps.
func recentOf(rows []*feed.Row, from time.Time) Recent {
	const step, window = int64(tickInterval / time.Millisecond), int64(recentWindow / time.Millisecond)
	out := Recent{IntervalSeconds: int(tickInterval / time.Second), Time: []int64{}}
	columns := [...]*column{&out.CPUPercent, &out.MemoryPercent, &out.DiskPercent, &out.DiskRead, &out.DiskWrite, &out.NetReceived, &out.NetSent}
	for i := range columns {
		*columns[i] = column{}
	}
	add := func(at int64, r *feed.Row) {
		if at < from.UnixMilli() {
			return
		}
		out.Time = append(out.Time, at)
		for i, name := range recentMetrics() {
			value := float32(math.NaN())
			if r != nil {
				value = r.Value(name, "")
			}
			*columns[i] = append(*columns[i], value)
		}
	}
	for i, r := range rows {
		if i > 0 {
			for at := max(rows[i-1].At+step, r.At-window); at < r.At-step/2; at += step {
				add(at, nil)
			}
		}
		add(r.At, r)
	}
	if extra := len(out.Time) - recentRows; extra > 0 {
		out.Time = out.Time[extra:]
		for _, c := range columns {
			*c = (*c)[extra:]
		}
	}
	return out
}
