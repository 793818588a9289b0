package files

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

const (
	// damageKnown is how many damaged contents are known at once; beyond it a whole drive is ill,
	// and downloads find out by reading.
	damageKnown = 100_000
	// damageBatch is how many damaged contents are looked at again per query.
	damageBatch = 200
	// storedFor is how long a count of all content holds.
	storedFor = time.Minute
)

// typeDamaged is the type of the problem that content is damaged.
const typeDamaged = "damaged"

// What healed content.
const (
	healedByItself = "found good again"
	healedByUpload = "the same content was uploaded again"
	healedByBackup = "put back from a backup"
)

// damageKind is what is the matter with content, for clients.
type damageKind string

const (
	damageWrong      damageKind = "wrong_content"
	damageMissing    damageKind = "missing"
	damageUnreadable damageKind = "unreadable"
)

func (v condition) kind() damageKind {
	switch v {
	case contentWrong:
		return damageWrong
	case contentLost:
		return damageMissing
	default:
		return damageUnreadable
	}
}

// damageSet knows which content is damaged, for those who must not ask a database each time.
// Nearly always it is empty.
type damageSet struct {
	mu      sync.RWMutex
	digests map[string]bool
	changes int // counts what was noted here
}

// has reports whether content is known to be damaged.
func (d *damageSet) has(digest string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.digests[digest]
}

func (d *damageSet) count() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.digests)
}

func (d *damageSet) set(digest string, damaged bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes++
	fresh := maps.Clone(d.digests)
	if fresh == nil {
		fresh = map[string]bool{}
	}
	delete(fresh, digest)
	if damaged {
		fresh[digest] = true
	}
	d.digests = fresh
}

// noted counts what was noted here so far.
func (d *damageSet) noted() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.changes
}

// replace takes what the database says, unless something has been noted here since the count
// was taken: then what was read may be older. It tells whether anything was not known.
func (d *damageSet) replace(list []string, noted int) (news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes != noted {
		return false
	}
	fresh := make(map[string]bool, len(list))
	for _, digest := range list {
		fresh[digest] = true
		news = news || !d.digests[digest]
	}
	d.digests = fresh
	return news
}

// refreshDamage reads what is damaged from the database. What another process has found is soon
// looked at again here: it may have come again before anybody here knew.
func (f *Files) refreshDamage(ctx context.Context) error {
	noted := f.care.damaged.noted()
	list, err := f.store.damagedDigests(ctx, "", damageKnown)
	if err != nil {
		return err
	}
	if news := f.care.damaged.replace(list, noted); news {
		if w := f.workers.Load(); w != nil {
			w.Trigger("files.scrub")
		}
	}
	return nil
}

// intact refuses content that is known to be damaged: an error that says so is better than
// wrong bytes.
func (f *Files) intact(row *File) error {
	if !f.care.damaged.has(row.SHA256) {
		return nil
	}
	return errDamaged(row.Name, nil)
}

func errDamaged(name string, cause error) error {
	return &errs.Error{Kind: errs.Internal, Type: typeDamaged, Cause: cause, Detail: fmt.Sprintf("The content of %q is damaged: what the disk gives back is not what was stored. "+
		"Upload the same file again from wherever there is a good copy, and every file with this content is well again; or restore it from a backup. An older version of the file may be good.", name)}
}

// foundDamaged puts wrong content aside and notes the damage for everybody. content, if any, is
// closed. An upload that has replaced the content meanwhile, or is about to, comes first.
func (f *Files) foundDamaged(ctx context.Context, digest string, v condition, content blob.File) error {
	if v != contentWrong || content == nil {
		closeContent(content)
		return f.noteDamage(ctx, digest, v, "", f.stillDamaged(digest, v))
	}
	place, err := f.putAside(ctx, digest, content)
	closeContent(content)
	failpoint.Hit("scrub-aside")
	if errors.Is(err, blob.ErrNotExist) {
		return nil
	}
	if err != nil { // nothing can be moved on a drive that went read-only; the damage is there all the same
		if awayErr := f.blobs.Readable(ctx); awayErr != nil || ctx.Err() != nil {
			return err
		}
		f.log.Error("damaged content cannot be put into quarantine", "sha256", digest, "error", err)
		return f.noteDamage(ctx, digest, v, "", func(context.Context) (bool, error) { return true, nil })
	}
	return f.noteDamage(ctx, digest, v, place, f.stillDamaged(digest, v))
}

// stillDamaged looks, while the blob's row is held against uploads, whether content that was
// lost or put aside has come back.
func (f *Files) stillDamaged(digest string, v condition) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		if v == contentUnreadable {
			return true, nil
		}
		_, err := f.blobs.Stat(ctx, digest)
		if errors.Is(err, blob.ErrNotExist) {
			return true, nil
		}
		return false, err
	}
}

// noteDamage notes in the database, the feed and the log that content is damaged.
func (f *Files) noteDamage(ctx context.Context, digest string, v condition, place string, still func(context.Context) (bool, error)) error {
	d := damage{SHA256: digest, kind: v.kind(), place: place, found: f.now().UnixMicro()}
	// Known before it is noted: an upload that waits for the transaction must see it and heal.
	was := f.care.damaged.has(digest)
	f.care.damaged.set(digest, true)
	a, noted, err := f.store.noteDamage(ctx, d, still)
	if err != nil || !noted.there {
		f.care.damaged.set(digest, was && err != nil)
		return err
	}
	failpoint.Hit("scrub-noted")
	if f.done(a); noted.fresh {
		f.log.Error("content is damaged; the integrity page says which files it concerns", "sha256", digest, "kind", string(d.kind), "files", noted.files, "place", place)
	}
	return nil
}

// foundGood notes that content is as it should be, in case it was not.
func (f *Files) foundGood(ctx context.Context, digest, by string) error {
	if !f.care.damaged.has(digest) {
		return nil
	}
	a, healed, err := f.store.noteHealed(ctx, digest, by, f.now().UnixMicro())
	if err != nil {
		return err
	}
	f.care.damaged.set(digest, false) // also when another copy has noted it
	if f.done(a); healed {
		f.log.Info("damaged content is well again", "sha256", digest, "by", by)
	}
	return nil
}

// lookAgain reads damaged content once more, and tries to put it back from a backup.
func (s *scrubber) lookAgain(ctx context.Context) error {
	s.pace = pace{share: restShare, pause: s.f.care.pause}
	for after := ""; ; {
		list, err := s.f.store.damagedDigests(ctx, after, damageBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1]
		for _, digest := range list {
			if err := s.healOne(ctx, digest); err != nil {
				return err
			}
		}
	}
}

func (s *scrubber) healOne(ctx context.Context, digest string) error {
	v, _, content, err := s.read(ctx, digest)
	closeContent(content)
	switch {
	case err != nil:
		return err
	case v == contentGood:
		return s.f.foundGood(ctx, digest, healedByItself)
	case s.f.care.healFrom == nil:
		return nil
	}
	place, err := s.f.care.healFrom(ctx, digest)
	if err != nil || place == "" {
		return err
	}
	return s.f.foundGood(ctx, digest, healedByBackup+": "+place)
}

// storedContent counts all content, about once a minute.
func (f *Files) storedContent(ctx context.Context) (counts, error) {
	f.care.mu.Lock()
	defer f.care.mu.Unlock()
	if since := time.Since(f.care.at); since >= 0 && since < storedFor && !f.care.at.IsZero() {
		return f.care.stored, nil
	}
	c, err := f.store.content(ctx)
	if err == nil {
		f.care.stored, f.care.at = c, time.Now()
	}
	return c, err
}
