package monitor

import (
	"context"
	"log/slog"
	"math"
	"time"

	"homeserver/internal/monitor/machine"
)

const (
	// tickInterval is the time between two samples; ticks fall on its multiples since 1970.
	tickInterval = 2 * time.Second
	// firstInterval is how long the very first processor figure looks, as the original did.
	firstInterval = 100 * time.Millisecond
	// shortestInterval keeps two ticks apart after a start or a step of the clock: processor
	// time comes in units of 10 ms and needs some of them.
	shortestInterval = 200 * time.Millisecond
	// collectorDeadline is how long a tick waits for its collectors. Small against the
	// interval, so that frames stay within 10 % of it when a collector begins to hang.
	collectorDeadline = 120 * time.Millisecond
	// patientDeadline is how long they may take while a promised figure was never known: on a
	// machine that is busy starting, a late first answer is better than none.
	patientDeadline = time.Second
	// hostEvery is how many ticks pass between two looks at what hardly changes: a minute.
	hostEvery = 30
)

// sampler asks the collectors at every tick and owns all baselines.
type sampler struct {
	cpu     *collector[cpuTimes]
	memory  *collector[memoryUse]
	disk    *collector[diskUse]
	load    *collector[loadAverages]
	diskIO  *collector[[]counters]
	network *collector[[]counters]
	host    *collector[Host]
	close   func()
	core    coreReaders
	details *details

	cpuBefore  *cpuTimes
	cpuPercent float64
	haveCPU    bool
	diskRate   rate
	netRate    rate
	ticks      int
}

func newSampler(storagePath string, src *source, log *slog.Logger) *sampler {
	return &sampler{
		cpu:     newCollector(nameCPU, log, src.cpu),
		memory:  newCollector(nameMemory, log, src.memory),
		disk:    newCollector(nameDisk, log, func() (diskUse, error) { return src.fileSystem(storagePath) }),
		load:    newCollector("load", log, src.load),
		diskIO:  newCollector("disk throughput", log, src.diskIO),
		network: newCollector("network", log, src.network),
		host:    newCollector("host", log, src.host),
		close:   src.close,
		core:    src.readers(),
		details: newDetails(log, src.questions, src.stop),
	}
}

// run samples until ctx ends: the baselines at once, the first snapshot 100 ms later, then one
// at every aligned tick.
func (s *sampler) run(ctx context.Context, publish func(*Snapshot)) {
	defer s.stop()
	s.tick(ctx)
	timer := time.NewTimer(firstInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		snap := s.tick(ctx)
		if ctx.Err() != nil {
			return
		}
		publish(snap)
		now := time.Now()
		timer.Reset(nextTick(now).Sub(now.Round(0)))
	}
}

// nextTick is the next multiple of the interval that is not too near. It follows the wall
// clock, so it is computed anew each time.
func nextTick(now time.Time) time.Time {
	now = now.Round(0) // the wall clock, not the monotonic one
	next := now.Truncate(tickInterval).Add(tickInterval)
	if next.Sub(now) < shortestInterval {
		next = next.Add(tickInterval)
	}
	return next
}

// tick asks every collector at once and makes a snapshot of what they said in time.
func (s *sampler) tick(ctx context.Context) *Snapshot {
	snap := &Snapshot{At: time.Now().Round(0).UTC(), Load: unknownLoad()}
	lookAtHost := s.ticks%hostEvery == 0 || !s.host.known
	s.ticks++
	s.start(lookAtHost)
	s.details.start(s.ticks - 1)
	deadline := collectorDeadline
	if !s.haveCPU || !s.memory.known || !s.disk.known {
		deadline = patientDeadline
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()

	if !s.takeCPU(ctx) {
		snap.Stale = append(snap.Stale, nameCPU)
	}
	memory, ok := s.memory.take(ctx)
	s.details.core(nameMemory, s.core.memory, memory.at, memory.err)
	if !ok {
		snap.Stale = append(snap.Stale, nameMemory)
	}
	if _, ok := s.disk.take(ctx); !ok {
		snap.Stale = append(snap.Stale, nameDisk)
	}
	load, ok := s.load.take(ctx)
	s.details.core("load", s.core.load, load.at, load.err)
	if ok {
		snap.Load = load.value
	}
	snap.DiskRead, snap.DiskWrite = s.takeRate(ctx, s.diskIO, s.core.diskIO, &s.diskRate)
	snap.NetReceived, snap.NetSent = s.takeRate(ctx, s.network, s.core.network, &s.netRate)
	snap.Measured = s.details.collect(ctx)
	if lookAtHost {
		s.host.take(ctx)
	}
	snap.CPU, snap.haveCPU = s.cpuPercent, s.haveCPU
	snap.Memory, snap.haveMem = s.memory.value, s.memory.known
	snap.Disk, snap.haveDsk = s.disk.value, s.disk.known
	snap.Host = s.host.value
	if !s.host.known {
		snap.Host = fallbackHost()
	}
	return snap
}

func (s *sampler) start(lookAtHost bool) {
	s.cpu.start()
	s.memory.start()
	s.disk.start()
	s.load.start()
	s.diskIO.start()
	s.network.start()
	if lookAtHost {
		s.host.start()
	}
}

// takeCPU brings the processor figure up to date, if there is an interval to look at.
func (s *sampler) takeCPU(ctx context.Context) bool {
	r, ok := s.cpu.take(ctx)
	s.details.core(nameCPU, s.core.cpu, r.at, r.err)
	if !ok {
		return false
	}
	before := s.cpuBefore
	s.cpuBefore = &r.value
	if before == nil {
		return false
	}
	busy := busyPercent(*before, r.value)
	if math.IsNaN(busy) {
		return false
	}
	s.cpuPercent, s.haveCPU = busy, true
	return true
}

func (s *sampler) takeRate(ctx context.Context, c *collector[[]counters], detail machine.Reader, r *rate) (in, out float64) {
	got, ok := c.take(ctx)
	s.details.core(c.name, detail, got.at, got.err)
	if !ok {
		return math.NaN(), math.NaN()
	}
	return r.update(got.at, got.value)
}

// stop lets go of the open descriptors, unless a collector still hangs on one.
func (s *sampler) stop() {
	s.details.stop()
	if s.cpu.busy || s.memory.busy || s.load.busy || s.diskIO.busy || s.network.busy || s.host.busy {
		return
	}
	s.close()
}
