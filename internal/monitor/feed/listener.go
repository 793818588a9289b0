package feed

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Listener is one who watches. One goroutine takes.
type Listener struct {
	feed      *Feed
	selection *selection
	next      int64 // number of the first tick that it has not taken
	version   int64 // of the schema that it was given last; 0: none
	wake      chan struct{}
	began     []byte // said with the first schema
}

// Newest is the since of a listener that wants no ticks of before.
const Newest = -1

// Listen begins to listen after the tick of a time, in milliseconds since 1970, or with the
// newest. Of no keys, all series are meant. The caller must Close.
func (f *Feed) Listen(since int64, keys ...string) *Listener {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := &Listener{feed: f, wake: make(chan struct{}, 1), selection: f.choose(keys)}
	l.begin(since)
	f.listeners[l] = struct{}{}
	return l
}

// choose finds or makes the selection of some keys.
func (f *Feed) choose(keys []string) *selection {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	name := strings.Join(keys, ",")
	s := f.selections[name]
	if s == nil {
		s = &selection{name: name}
		if name != "" {
			s.wants = map[string]bool{}
			for _, key := range keys {
				s.wants[key] = true
			}
		}
		f.selections[name] = s
	}
	s.listeners++
	return s
}

// begin finds where to go on, and what to say of it.
func (l *Listener) begin(since int64) {
	rows := l.feed.rows
	first := len(rows)
	switch {
	case first == 0:
		l.began = []byte(`,"complete":false`) // whatever was before this life of the server
		return
	case since == Newest:
		first--
	case since > rows[first-1].At:
		first = 0 // of a time that is no more: the clock was set back
	default:
		if first = l.feed.after(since); first == len(rows) {
			l.next, l.began = l.feed.number+1, []byte(`,"complete":true`)
			return
		}
	}
	l.next = rows[first].number
	// Ticks come a little late; between two that are no further apart there was none.
	complete := since == Newest || rows[0].At <= since+l.feed.interval.Milliseconds()*3/2
	l.began = strconv.AppendBool([]byte(`,"complete":`), complete)
}

// Wake is sent on when there may be something to take.
func (l *Listener) Wake() <-chan struct{} { return l.wake }

func (l *Listener) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close ends the listener.
func (l *Listener) Close() {
	f := l.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, open := f.listeners[l]; !open {
		return
	}
	delete(f.listeners, l)
	if l.selection.listeners--; l.selection.listeners > 0 {
		return
	}
	delete(f.selections, l.selection.name)
	if l.selection.wants == nil {
		for _, r := range f.rows {
			r.encoded, r.encodedOf = nil, nil
		}
	}
}

// Batch is what a listener is sent next. Its bytes are shared, and not to be changed.
type Batch struct {
	Schema []byte   // {"schema":...}; nil while it is the same
	Ticks  [][]byte // each [time, value, value, ...]
	At     int64    // time of the last of Ticks
	More   bool     // there is more to take at once
}

// Take returns what came since the last time, which may be nothing.
func (l *Listener) Take() Batch {
	f := l.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	s := l.selection
	s.fit(f.schema, f.interval.Milliseconds())
	var b Batch
	if f.number > 0 && l.version != s.version {
		b.Schema = slices.Concat([]byte(`{"schema":`), s.head, l.began, []byte{'}'})
		l.version, l.began = s.version, nil
	}
	from, _ := slices.BinarySearchFunc(f.rows, l.next, func(r *Row, number int64) int { return cmp.Compare(r.number, number) })
	for _, r := range f.rows[from:] {
		if len(b.Ticks) == mostRows {
			b.More = true
			break
		}
		b.Ticks, b.At, l.next = append(b.Ticks, s.encode(r)), r.At, r.number+1
	}
	return b
}

// Frame is the ticks as one message: a single one as it is, several as {"ticks":[...]}; nil of none.
func (b Batch) Frame() []byte {
	switch len(b.Ticks) {
	case 0:
		return nil
	case 1:
		return b.Ticks[0]
	}
	return slices.Concat([]byte(`{"ticks":[`), bytes.Join(b.Ticks, []byte{','}), []byte("]}"))
}
