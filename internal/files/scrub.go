package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"homeserver/internal/platform/blob"
)

const (
	// scrubPass is how long reading everything once takes; the next pass begins when it is over.
	scrubPass = 30 * 24 * time.Hour
	// scrubEvery is how often some of it is done: a disk that sleeps is woken four times a day.
	scrubEvery = 6 * time.Hour
	// scrubFloor is how much is read each time at least, in bytes, so that a small library is
	// through in days.
	scrubFloor = 1 << 30
	// scrubOverhead is what a content costs beside its bytes, in bytes: opening it is a seek.
	scrubOverhead = 256 << 10
	// scrubBatch is how many rows are asked for at a time.
	scrubBatch = 200
	// scrubChunk is how much is read at once, in bytes; pauses come between.
	scrubChunk = 1 << 20
	// scrubSave is how often the place reached is noted; after a crash as much is read again.
	scrubSave = time.Minute
	// scrubDoubt is the wait before content that seems damaged is read a second time: longer than
	// a store takes to notice that its drive is gone.
	scrubDoubt = 3 * time.Second
)

// care is the state of what looks after content.
type care struct {
	damaged  damageSet
	anew     atomic.Int64 // counts requests to read everything from the start
	pause    func(ctx context.Context, d time.Duration) error
	healFrom func(ctx context.Context, digest string) (place string, err error) // puts content back from a backup; "" when none has it

	mu     sync.Mutex
	stored counts // contents and their bytes, as last counted
	at     time.Time
}

// pass is how far reading everything has come.
type pass struct {
	started  int64 // microseconds; 0: never
	position string
	verified counts // live files whose content was found good, and bytes read
	last     counts // those of the last whole pass
	finished int64  // of the last whole pass; 0: none
	fast     bool   // somebody waits for it
}

// positionEnd is where a pass stands that has come to the end: behind every digest.
const positionEnd = "end"

// running reports whether a pass is under way.
func (p *pass) running() bool { return p.started != 0 && p.position != positionEnd }

// due reports whether the next pass begins at now. A clock that went back makes it due too:
// reading once more does no harm.
func (p *pass) due(now time.Time) bool {
	since := now.Sub(time.UnixMicro(p.started))
	return !p.running() && (p.started == 0 || since < 0 || since >= scrubPass)
}

// budget is how much of total bytes is to be read in this run for the pass to end in time.
func (p *pass) budget(now time.Time, total int64) int64 {
	if p.fast {
		return math.MaxInt64
	}
	gone := min(max(now.Sub(time.UnixMicro(p.started)), 0), scrubPass)
	return max(int64(float64(total)*(float64(gone)/float64(scrubPass)))-p.verified.bytes, scrubFloor)
}

// Scrub reads, in small portions, all content again and compares it with its digest. A pass
// takes about a month whatever the library's size; each run reads what is due, letting
// everybody else go first. A restart goes on where the last run was. A store that is not there
// is no damage: the run ends and is repeated.
func (f *Files) Scrub(ctx context.Context) error {
	if err := f.blobs.Readable(ctx); err != nil {
		return err
	}
	if err := f.refreshDamage(ctx); err != nil {
		return err
	}
	s := &scrubber{f: f, thread: newQuietThread(), buf: make([]byte, scrubChunk)}
	defer s.thread.end()
	if err := s.lookAgain(ctx); err != nil {
		return err
	}
	for {
		again, err := s.run(ctx)
		if err != nil || !again {
			return err
		}
	}
}

// scrubber is one run of Scrub.
type scrubber struct {
	f      *Files
	thread *quietThread
	pace   pace
	buf    []byte
	pass   pass
	anew   int64 // care.anew when the pass was read
	saved  time.Time
}

// run reads what is due. again says that somebody asked to begin anew.
func (s *scrubber) run(ctx context.Context) (again bool, err error) {
	now := s.f.now()
	s.anew = s.f.care.anew.Load()
	if s.pass, err = s.f.store.scrubPass(ctx); err != nil {
		return false, err
	}
	if s.pass.due(now) {
		if s.pass, err = s.f.store.beginPass(ctx, now.UnixMicro(), false); err != nil {
			return false, err
		}
	}
	s.pace = pace{share: restShare, pause: s.f.care.pause}
	if s.pass.fast {
		s.pace.share = fastShare
	}
	if !s.pass.running() {
		return false, nil
	}
	stored, err := s.f.storedContent(ctx)
	if err != nil {
		return false, err
	}
	s.saved = now
	again, err = s.portion(ctx, s.pass.budget(now, stored.bytes))
	if again || s.pass.position == positionEnd {
		return again, err
	}
	kept, saveErr := s.f.store.savePass(context.WithoutCancel(ctx), &s.pass)
	return !kept && err == nil && saveErr == nil, errors.Join(err, saveErr)
}

// portion reads on until the budget is used up or the pass is through.
func (s *scrubber) portion(ctx context.Context, budget int64) (again bool, err error) {
	for budget > 0 {
		list, err := s.f.store.scrubbable(ctx, s.pass.position, scrubBatch)
		if err != nil {
			return false, err
		}
		if len(list) == 0 {
			return false, s.finish(ctx)
		}
		for _, c := range list {
			if err := s.verify(ctx, c.SHA256, c.files); err != nil {
				return false, err
			}
			s.pass.position = c.SHA256
			if s.f.care.anew.Load() != s.anew {
				return true, nil
			}
			if again, err := s.saveNowAndThen(ctx); again || err != nil {
				return again, err
			}
			if budget -= c.Size + scrubOverhead; budget <= 0 {
				return false, nil
			}
		}
	}
	return false, nil
}

// saveNowAndThen notes the place reached; again says that the pass is no longer this one.
func (s *scrubber) saveNowAndThen(ctx context.Context) (again bool, err error) {
	now := s.f.now()
	if since := now.Sub(s.saved); since >= 0 && since < scrubSave {
		return false, nil
	}
	s.saved = now
	kept, err := s.f.store.savePass(ctx, &s.pass)
	return !kept && err == nil, err
}

func (s *scrubber) finish(ctx context.Context) error {
	now := s.f.now().UnixMicro()
	kept, err := s.f.store.finishPass(ctx, &s.pass, now)
	if err != nil || !kept {
		return err
	}
	s.pass.position = positionEnd
	s.f.log.Info("all content was read and compared with its digest", "files", s.pass.verified.files, "bytes", s.pass.verified.bytes, "damaged", s.f.care.damaged.count())
	return nil
}

// condition is what reading content tells of it.
type condition int

const (
	contentGood condition = iota
	contentWrong
	contentLost // nothing is there
	contentUnreadable
)

// verify reads one content and notes what it finds. Doubtful content is read twice: a bit that
// flipped in memory, or a drive that was just unplugged, is no damage.
func (s *scrubber) verify(ctx context.Context, digest string, files int64) error {
	v, size, content, err := s.read(ctx, digest)
	if err == nil && v != contentGood {
		closeContent(content)
		if err = s.f.care.pause(ctx, scrubDoubt); err == nil {
			err = s.f.blobs.Readable(ctx)
		}
		if err == nil {
			v, size, content, err = s.read(ctx, digest)
		}
	}
	if err != nil {
		closeContent(content)
		return err
	}
	s.pass.verified.bytes += size
	if v == contentGood {
		closeContent(content)
		s.pass.verified.files += files
		return s.f.foundGood(ctx, digest, healedByItself)
	}
	return s.f.foundDamaged(ctx, digest, v, content)
}

func closeContent(content blob.File) {
	if content != nil {
		_ = content.Close()
	}
}

// read reads content on the quiet thread. Of content that was read to its end the file comes
// back, open. An error says that the store, not this content, is in trouble.
func (s *scrubber) read(ctx context.Context, digest string) (v condition, size int64, content blob.File, err error) {
	s.thread.do(func() { v, size, content, err = s.readHere(ctx, digest) })
	return v, size, content, err
}

func (s *scrubber) readHere(ctx context.Context, digest string) (condition, int64, blob.File, error) {
	began := time.Now()
	content, err := s.f.blobs.Open(ctx, digest)
	switch {
	case errors.Is(err, blob.ErrNotExist):
		return contentLost, 0, nil, nil
	case errors.Is(err, blob.ErrUnreadable):
		return contentUnreadable, 0, nil, nil
	case err != nil:
		return contentGood, 0, nil, err
	}
	forget(content, 0, 0)
	sum, size := sha256.New(), int64(0)
	for {
		n, err := content.Read(s.buf)
		sum.Write(s.buf[:n])
		forget(content, size, int64(n))
		size += int64(n)
		if pauseErr := s.pace.spent(ctx, time.Since(began)); pauseErr != nil {
			return contentGood, size, content, pauseErr
		}
		began = time.Now()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return contentUnreadable, size, content, nil //nolint:nilerr // the condition says it
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != digest {
		return contentWrong, size, content, nil
	}
	return contentGood, size, content, nil
}

// ScrubNow asks for everything to be read from the start, without waiting for the month. What
// is under way at that speed already goes on.
func (f *Files) ScrubNow(ctx context.Context) error {
	p, err := f.store.scrubPass(ctx)
	if err != nil || p.running() && p.fast {
		return err
	}
	if _, err := f.store.beginPass(ctx, f.now().UnixMicro(), true); err != nil {
		return err
	}
	f.care.anew.Add(1)
	if w := f.workers.Load(); w != nil {
		w.Trigger("files.scrub")
	}
	return nil
}
