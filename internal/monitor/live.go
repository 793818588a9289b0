package monitor

import (
	"context"
	"sync"
	"time"
)

// The live feed's clock. A client gets its first frame at once and further ones every 2 s, so
// at first each is out of step with the sampler by some part of the interval. The feed cuts the
// interval into slots and moves each client towards slot 0, the sampler's own tick, by one
// slot a frame: intervals stay well within 10 %, and after at most 40 s everybody is served when
// data is newest, in one burst, without any timer.
const (
	slotWidth = 50 * time.Millisecond
	slots     = int64(tickInterval / slotWidth)
	// drift is the number of slots by which a client's interval may differ from 2 s: 50 ms,
	// which leaves three quarters of the 10 % to a busy machine.
	drift = 1
	// pingEvery is how often the server makes sure that a client is still there.
	pingEvery = 30 * time.Second
	// farewell bounds how long Run waits for clients to take their close frame.
	farewell = 2 * time.Second
)

// live hands each tick's frame to every client.
type live struct {
	stopped chan struct{} // closed when the feed ends

	mu      sync.Mutex
	frame   []byte
	due     map[int64][]*client // by absolute slot
	now     int64               // absolute slot served last
	anchor  int64               // absolute slot of the newest frame; a tick's own is a multiple of slots
	since   time.Time           // when it came
	ended   bool
	clients int
	empty   chan struct{} // closed when the last client has left an ended feed

	wake chan struct{} // a tick came or a client joined; capacity 1
}

func newLive() *live {
	return &live{anchor: slots, since: time.Now(), stopped: make(chan struct{}), due: map[int64][]*client{}, empty: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// publish hands over the frame of a new tick and sets the feed's clock by it.
func (l *live) publish(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.anchor = anchorNear(l.anchor+int64(now.Sub(l.since)/slotWidth), now)
	l.since = now
	l.frame = frame
	l.nudge()
}

// anchorNear is the absolute slot of a frame that came at now, when the clock so far says
// guess. The sampler's ticks are multiples of slots; only the first frame of all, and one after
// the wall clock was set, come in between.
func anchorNear(guess int64, now time.Time) int64 {
	phase := int64(now.Sub(now.Truncate(tickInterval)) / slotWidth)
	if time.Duration(phase)*slotWidth <= collectorDeadline+slotWidth {
		phase = 0 // a tick, perhaps with a collector that was waited for
	}
	slot := guess - guess%slots + phase
	switch {
	case slot-guess > slots/2:
		slot -= slots
	case guess-slot > slots/2:
		slot += slots
	}
	return slot
}

// run serves slots until ctx ends, then waits a moment for clients to leave.
func (l *live) run(ctx context.Context) {
	timer := time.NewTimer(slotWidth)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			l.end()
			return
		case <-l.wake:
		case <-timer.C:
		}
		if l.serve() {
			timer.Reset(slotWidth)
		} else {
			timer.Stop()
		}
	}
}

// serve posts to all clients whose slot has come. It reports whether some wait for a slot
// between two ticks; otherwise there is nothing to do before the next tick.
func (l *live) serve() (between bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for target := l.position(); l.now < target; {
		l.now++
		list := l.due[l.now]
		delete(l.due, l.now)
		for _, c := range list {
			if c.gone {
				continue
			}
			c.post(l.frame)
			l.schedule(c, l.now)
		}
	}
	for slot, list := range l.due {
		if slot%slots != 0 && len(list) > 0 {
			return true
		}
	}
	return false
}

// position is the absolute slot that it is now. It follows the clock, but reaches a multiple of
// slots only by a tick: whoever is in step gets the newest frame.
func (l *live) position() int64 {
	next := l.anchor - l.anchor%slots + slots
	return min(l.clock(), next-1)
}

// clock is the absolute slot by the clock alone, also while a tick is late or, right after the
// start, left out because it came too soon.
func (l *live) clock() int64 { return l.anchor + int64(time.Since(l.since)/slotWidth) }

// schedule enters c for its frame after the one at slot: 2 s later, a little less or more
// while it is out of step.
func (l *live) schedule(c *client, slot int64) {
	next := slot + slots
	if phase := slot % slots; phase <= slots/2 {
		next -= min(drift, phase)
	} else {
		next += min(drift, slots-phase)
	}
	l.due[next] = append(l.due[next], c)
}

// join posts the first frame and enters c for more.
func (l *live) join(c *client, first []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clients++
	c.pingAt = time.Now().Add(pingEvery)
	c.post(first)
	if !l.ended {
		next := l.clock() + slots
		l.due[next] = append(l.due[next], c)
	}
	l.nudge()
}

// leave forgets c; its entry goes when its slot comes.
func (l *live) leave(c *client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.gone = true
	l.clients--
	if l.ended && l.clients == 0 {
		close(l.empty)
	}
}

// end tells all clients that the feed is over and waits a moment for their handlers.
func (l *live) end() {
	l.mu.Lock()
	l.ended = true
	l.due = map[int64][]*client{}
	waiting := l.clients > 0
	l.mu.Unlock()
	close(l.stopped)
	if !waiting {
		return
	}
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-l.empty:
	case <-timer.C:
	}
}

func (l *live) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// client is one listener: a mailbox of one frame that a goroutine empties while there is
// something in it, so that a client at rest costs no goroutine here.
type client struct {
	write func([]byte) error
	ping  func() error // waits for the pong
	lost  func()       // called once when the client does not answer

	gone   bool // guarded by live.mu
	pingAt time.Time

	mu      sync.Mutex
	next    []byte // newest frame not yet begun
	writing bool
	failed  bool
}

// post leaves a frame, replacing one that still waits, and pings when it is time.
func (c *client) post(frame []byte) {
	c.mu.Lock()
	c.next = frame
	begin := !c.writing && !c.failed
	if begin {
		c.writing = true
	}
	c.mu.Unlock()
	if begin {
		go c.drain()
	}
	if now := time.Now(); now.After(c.pingAt) {
		c.pingAt = now.Add(pingEvery)
		go c.check()
	}
}

// drain writes until the mailbox is empty.
func (c *client) drain() {
	for {
		c.mu.Lock()
		frame := c.next
		c.next = nil
		if frame == nil {
			c.writing = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		if err := c.write(frame); err != nil {
			c.mu.Lock()
			c.failed, c.writing = true, false
			c.mu.Unlock()
			c.lost()
			return
		}
	}
}

// check pings and gives the client up when no pong comes.
func (c *client) check() {
	if err := c.ping(); err != nil {
		c.lost()
	}
}
