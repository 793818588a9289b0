package files

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// shaky is a store whose reading a test can disturb.
type shaky struct {
	blob.Store
	opened []string
	open   func(digest string) error
	read   func(digest string, p []byte) // changes what was read
	away   error
}

func (s *shaky) Open(ctx context.Context, digest string) (blob.File, error) {
	s.opened = append(s.opened, digest)
	if s.open != nil {
		if err := s.open(digest); err != nil {
			return nil, err
		}
	}
	f, err := s.Store.Open(ctx, digest)
	if err != nil || s.read == nil {
		return f, err
	}
	return &shakyFile{f, s, digest}, nil
}

func (s *shaky) Readable(ctx context.Context) error {
	if s.away != nil {
		return s.away
	}
	return s.Store.Readable(ctx)
}

type shakyFile struct {
	blob.File
	s      *shaky
	digest string
}

func (f *shakyFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.s.read(f.digest, p[:n])
	return n, err
}

// eachShaky runs test on both databases with a store that can be disturbed and without pauses.
func eachShaky(t *testing.T, test func(t *testing.T, h *house, s *shaky)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		s := &shaky{}
		h := furnish(t, db, filepath.Join(sqldbtest.Memory(t), "storage"), func(store blob.Store) blob.Store { s.Store = store; return s })
		h.care.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
		test(t, h, s)
	})
}

// spoil changes content on the disk behind everybody's back.
func (h *house) spoilBlob(file FileBody, content string) {
	h.t.Helper()
	h.must(os.WriteFile(filepath.Join(h.root, filepath.FromSlash(blob.Path(*file.SHA256))), []byte(content), 0o600))
}

func (h *house) lose(file FileBody) {
	h.t.Helper()
	h.must(os.Remove(filepath.Join(h.root, filepath.FromSlash(blob.Path(*file.SHA256)))))
}

func (h *house) integrity() integrityBody {
	h.t.Helper()
	return into[integrityBody](h, h.get(prefix+"/integrity"))
}

func (h *house) scrub() {
	h.t.Helper()
	h.must(h.Scrub(h.t.Context()))
}

// told returns the types of changes that the feed tells of a file.
func (h *house) told(id string) []string {
	h.t.Helper()
	list, err := sqldb.Texts(h.t.Context(), h.store.db, `SELECT type FROM file_changes WHERE item_id = $1 ORDER BY seq`, id)
	h.must(err)
	return list
}

// isDamaged wants a download to be refused with a sentence and a type.
func (h *house) isDamaged(file FileBody) {
	h.t.Helper()
	for _, w := range []httpd.Problem{problemIn(h, h.get(prefix+"/"+file.ID+"/download").Body), problemIn(h, h.do("POST", prefix+"/archive", "application/json", strings.NewReader(`{"ids":["`+file.ID+`"]}`)).Body)} {
		if w.Type != "urn:homeserver:damaged" || w.Status != 500 || !strings.Contains(w.Detail, file.Filename) {
			h.t.Errorf("got %+v, want a sentence about the damage", w)
		}
	}
}

// TestContentOfAnotherLength: content that was cut or has grown is refused before anything has
// read it to its end; of an archive the other files come.
func TestContentOfAnotherLength(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		long := strings.Repeat("long ", smallFile)
		cut, grown, emptied, good := h.put("cut", long, ""), h.put("grown", "content", ""), h.put("emptied", "more", ""), h.put("good", "good", "")
		h.spoilBlob(cut, long[:100])
		h.spoilBlob(grown, "content.")
		h.spoilBlob(emptied, "")
		for _, file := range []FileBody{cut, grown, emptied} {
			h.isDamaged(file)
			body := `{"ids":["` + file.ID + `","` + good.ID + `"]}`
			w := h.want(h.do("POST", prefix+"/archive", "application/json", strings.NewReader(body)), 200)
			z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
			if err != nil || len(z.File) != 2 || z.File[0].Name != "good" || z.File[1].Name != notIncluded {
				t.Errorf("%s: got %+v, %v, want the good file and a word about the other", file.Filename, z, err)
			}
		}
		h.put("again", long, "")
		h.want(h.get(prefix+"/"+cut.ID+"/download"), 200)
	})
}

func TestDamageIsFoundShownAndHealed(t *testing.T) {
	for name, damage := range map[string]struct {
		kind damageKind
		do   func(h *house, s *shaky, file FileBody)
		undo func(s *shaky)
	}{
		"wrong": {kind: damageWrong, do: func(h *house, _ *shaky, file FileBody) { h.spoilBlob(file, "contenu") }},
		"cut":   {kind: damageWrong, do: func(h *house, _ *shaky, file FileBody) { h.spoilBlob(file, "cont") }},
		"lost":  {kind: damageMissing, do: func(h *house, _ *shaky, file FileBody) { h.lose(file) }},
		"unreadable": {kind: damageUnreadable, do: func(_ *house, s *shaky, file FileBody) {
			s.open = func(digest string) error {
				if digest == *file.SHA256 {
					return errs.Wrap(errs.Unavailable, "It cannot be read.", blob.ErrUnreadable)
				}
				return nil
			}
		}, undo: func(s *shaky) { s.open = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			eachShaky(t, func(t *testing.T, h *house, s *shaky) {
				file, twin, other := h.put("a", "content", ""), h.put("b", "content", ""), h.put("c", "other", "")
				h.scrub()
				if got := h.integrity(); got.Files != 3 || got.Bytes != 12 || got.LastFinished == nil || got.Running != nil || len(got.Damaged) != 0 {
					t.Fatalf("before: got %+v", got)
				}
				damage.do(h, s, file)
				h.clock.advance(scrubPass)
				h.scrub()
				h.scrub() // which tells nothing twice
				got := h.integrity()
				if got.DamagedNow != 1 || len(got.Damaged) != 1 || got.Files != 1 {
					t.Fatalf("got %+v", got)
				}
				d := got.Damaged[0]
				if d.Kind != string(damage.kind) || d.SHA256 != *file.SHA256 || d.Size != 7 || d.HealedAt != nil || len(d.Files) != 2 || (d.Place != "") != (damage.kind == damageWrong) {
					t.Errorf("got %+v", d)
				}
				if damage.kind == damageWrong {
					if _, err := os.Stat(filepath.Join(h.root, d.Place)); err != nil {
						t.Errorf("quarantine: %v", err)
					}
				}
				h.isDamaged(file)
				h.isDamaged(twin)
				if w := h.want(h.get(prefix+"/"+other.ID+"/download"), 200); w.Body.String() != "other" {
					t.Errorf("got %q", w.Body)
				}
				if damage.undo != nil {
					damage.undo(s)
				}
				again := h.put("d", "content", "")
				for id, want := range map[string][]string{file.ID: {"created", "damaged", "healed"}, twin.ID: {"created", "damaged", "healed"}, other.ID: {"created"}, again.ID: {"created"}} {
					if got := h.told(id); !slices.Equal(got, want) {
						t.Errorf("feed: got %v, want %v", got, want)
					}
				}
				if w := h.want(h.get(prefix+"/"+file.ID+"/download"), 200); w.Body.String() != "content" {
					t.Errorf("got %q", w.Body)
				}
				if got := h.integrity(); got.DamagedNow != 0 || len(got.Damaged) != 1 || got.Damaged[0].HealedAt == nil || got.Damaged[0].HealedBy != healedByUpload {
					t.Errorf("got %+v", got)
				}
				h.sound()
				h.clock.advance(healedShown + time.Hour)
				if got := h.integrity(); len(got.Damaged) != 0 {
					t.Errorf("a month later: got %+v", got)
				}
			})
		})
	}
}

func problemIn(h *house, body *bytes.Buffer) (p httpd.Problem) {
	h.t.Helper()
	h.must(jsonInto(body.Bytes(), &p))
	return p
}

// TestDoubtIsNoDamage: what is wrong once and right the second time is good.
func TestDoubtIsNoDamage(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, s *shaky) {
		file := h.put("a", "content", "")
		times := 0
		s.read = func(_ string, p []byte) {
			if times++; times == 1 && len(p) > 0 {
				p[0] ^= 1
			}
		}
		h.scrub()
		if got := h.integrity(); got.Files != 1 || len(got.Damaged) != 0 || times < 2 {
			t.Errorf("got %+v after %d reads", got, times)
		}
		s.read = nil
		h.want(h.get(prefix+"/"+file.ID+"/download"), 200)
	})
}

// TestUnpluggedIsNoDamage: a drive that goes away while it is read ends the run, and the next
// goes on where it was.
func TestUnpluggedIsNoDamage(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, s *shaky) {
		for _, name := range []string{"1", "2", "3", "4", "5"} {
			h.put(name, name, "")
		}
		gone := errs.New(errs.Unavailable, "The drive is gone.")
		for name, unplug := range map[string]func(digest string) error{
			"open says so":      func(string) error { s.away = gone; return gone },
			"it seems missing":  func(string) error { s.away = gone; return blob.ErrNotExist },
			"it seems damaged":  func(string) error { s.away = gone; return blob.ErrUnreadable },
			"before it is read": nil,
		} {
			h.must(h.ScrubNow(t.Context()))
			s.opened, s.away = nil, nil
			s.open = func(digest string) error {
				if len(s.opened) < 4 || unplug == nil {
					return nil
				}
				return unplug(digest)
			}
			if unplug == nil {
				s.away = gone
			}
			if err := h.Scrub(t.Context()); !errs.Is(err, errs.Unavailable) {
				t.Errorf("%s: got %v", name, err)
			}
			before := slices.Clone(s.opened)
			s.open, s.away, s.opened = nil, nil, nil
			h.scrub()
			if got := h.integrity(); got.Files != 5 || len(got.Damaged) != 0 || got.LastFinished == nil {
				t.Errorf("%s: got %+v", name, got)
			}
			if unplug != nil && (len(before) != 4 || len(s.opened) != 2 || s.opened[0] != before[3]) {
				t.Errorf("%s: got %v, then %v; want it to go on where it was", name, before, s.opened)
			}
		}
	})
}

// TestScrubStopsAndGoesOn: a pass that is broken off anywhere is gone on with by another process.
func TestScrubStopsAndGoesOn(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, s *shaky) {
		for _, name := range []string{"1", "2", "3", "4", "5", "6"} {
			h.put(name, name, "")
		}
		var all []string
		for range 3 { // two contents, then the end
			ctx, cancel := context.WithCancel(t.Context())
			s.opened = nil
			s.open = func(string) error {
				if len(s.opened) == 3 {
					cancel()
					return context.Canceled
				}
				return nil
			}
			next := New(h.store.db, s, h.config, nil, h.clock.now, Lent{})
			next.care.pause = h.care.pause
			err := next.Scrub(ctx)
			cancel()
			if len(all) < 4 && !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			all = append(all, s.opened[:2]...)
		}
		if !slices.IsSorted(all) || len(slices.Compact(all)) != 6 {
			t.Errorf("got %v, want each content once, in order", all)
		}
		s.open = nil
		if got := h.integrity(); got.Files != 6 || got.Running != nil {
			t.Errorf("got %+v", got)
		}
	})
}

func TestScrubNow(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, s *shaky) {
		h.put("1", "1", "")
		h.put("2", "2", "")
		h.scrub()
		first := h.integrity()
		h.scrub()
		if got := h.integrity(); !got.LastFinished.Equal(*first.LastFinished) {
			t.Errorf("got %+v, want nothing read before a month has passed", got)
		}
		s.opened = nil
		h.want(h.do("POST", prefix+"/integrity/scrub", "", nil), 202)
		got := into[integrityBody](h, h.get(prefix+"/integrity"))
		if got.Running == nil || !got.Running.Fast || got.Running.OfBytes != 2 || got.Files != 2 {
			t.Errorf("got %+v", got)
		}
		// Somebody asks again in the middle: it begins once more, only if it was a slow pass.
		s.open = func(string) error {
			if len(s.opened) == 1 {
				return h.ScrubNow(t.Context())
			}
			return nil
		}
		h.scrub()
		if len(s.opened) != 2 || h.integrity().Running != nil {
			t.Errorf("fast: got %v", s.opened)
		}
		s.opened = nil
		h.clock.advance(scrubPass)
		h.scrub()
		if len(s.opened) != 4-1 || !slices.IsSorted(s.opened[1:]) {
			t.Errorf("slow: got %v, want one, then all", s.opened)
		}
		if last := h.integrity().LastFinished; last == nil || !last.After(*first.LastFinished) {
			t.Errorf("got %v", last)
		}
	})
}

// TestHealing: what was damaged is looked at again, and put back from a backup.
func TestHealing(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		a, b := h.put("a", "content", ""), h.put("b", "other", "")
		h.lose(a)
		h.lose(b)
		h.scrub()
		if got := h.integrity(); got.DamagedNow != 2 {
			t.Fatalf("got %+v", got)
		}
		h.spoilBlob(a, "content") // somebody put the right file back by hand
		h.care.healFrom = func(ctx context.Context, digest string) (string, error) {
			if digest != *b.SHA256 {
				t.Errorf("asked for %s", digest)
			}
			return "/backup", h.blobs.Publish(ctx, []blob.Staged{blobtest.Stage(t, h.blobs, "healing", []byte("other"))})
		}
		h.scrub()
		got := h.integrity()
		if got.DamagedNow != 0 || len(got.Damaged) != 2 || h.care.damaged.count() != 0 {
			t.Fatalf("got %+v", got)
		}
		for _, d := range got.Damaged {
			want := healedByItself
			if d.SHA256 == *b.SHA256 {
				want = healedByBackup + ": /backup"
			}
			if d.HealedBy != want {
				t.Errorf("got %q, want %q", d.HealedBy, want)
			}
		}
		h.want(h.get(prefix+"/"+b.ID+"/download"), 200)
		h.sound()
	})
}

// TestDamageThatHasGone: an upload that comes between reading and noting has healed it.
func TestDamageThatHasGone(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		file := h.put("a", "content", "")
		h.must(h.noteDamage(t.Context(), *file.SHA256, contentLost, "", h.stillDamaged(*file.SHA256, contentLost)))
		h.must(h.noteDamage(t.Context(), blobtest.Digest([]byte("never seen")), contentLost, "", h.stillDamaged(*file.SHA256, contentLost)))
		if got := h.integrity(); len(got.Damaged) != 0 || !slices.Equal(h.told(file.ID), []string{"created"}) {
			t.Errorf("got %+v", got)
		}
	})
}

// TestUploadWhileDamageIsNoted: an upload of the same content that comes just then heals.
func TestUploadWhileDamageIsNoted(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		file := h.put("a", "content", "")
		h.lose(file)
		code := make(chan int)
		h.must(h.noteDamage(t.Context(), *file.SHA256, contentLost, "", func(context.Context) (bool, error) {
			go func() {
				kind, body := formOf("again", []byte("content"), "")
				code <- h.do("POST", prefix+"/upload", kind, body).Code
			}()
			return true, nil
		}))
		if got := <-code; got != 200 {
			t.Fatalf("got %d", got)
		}
		if got := h.integrity(); got.DamagedNow != 0 || len(got.Damaged) != 1 {
			t.Errorf("got %+v", got)
		}
		h.want(h.get(prefix+"/"+file.ID+"/download"), 200)
	})
}

// TestCheckKnowsOfDamage: homeserver check notes what it finds where scrub does.
func TestCheckKnowsOfDamage(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		a, b := h.put("a", "content", ""), h.put("b", "other", "")
		h.spoilBlob(a, "contenu")
		h.lose(b)
		report, err := h.Check(t.Context(), CheckOptions{})
		if err != nil || report.OK() || len(report.Damaged) != 2 || len(report.WrongContent) != 1 || len(report.Missing) != 1 {
			t.Fatalf("got %+v, %v", report, err)
		}
		h.isDamaged(a) // rather than the wrong bytes, which still lie there
		h.isDamaged(b)
		if report, err = h.Check(t.Context(), CheckOptions{Repair: true}); err != nil || len(report.WrongContent) != 1 || report.WrongContent[0].MovedTo == "" {
			t.Fatalf("got %+v, %v", report, err)
		}
		if got := h.integrity(); got.DamagedNow != 2 || !slices.ContainsFunc(got.Damaged, func(d damagedBody) bool { return strings.HasPrefix(d.Place, "quarantine/") }) {
			t.Errorf("got %+v", got)
		}
		h.spoilBlob(b, "other")
		h.put("c", "content", "")
		h.sound()
		if got := h.integrity(); got.DamagedNow != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestDamageOfWhatIsCollectedIsForgotten(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		file := h.put("a", "content", "")
		h.lose(file)
		h.scrub()
		if _, err := h.store.db.Exec(t.Context(), `UPDATE blobs SET unreferenced_at = $1`, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := h.store.db.Exec(t.Context(), `DELETE FROM file_metadata`); err != nil {
			t.Fatal(err)
		}
		h.must(h.Collect(t.Context()))
		h.must(h.refreshDamage(t.Context()))
		if got := h.integrity(); len(got.Damaged) != 0 || h.care.damaged.count() != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestIntegrityIsShownToThoseWhoMayRead(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		own := into[FileBody](h.as(ada()), h.as(ada()).upload("ada's", "1"))
		h.lose(own)
		h.scrub()
		for _, c := range []struct {
			who    identity.Principal
			get    int
			scrub  int
			shown  int
			places bool
		}{{ada(), 200, 403, 1, false}, {bob(), 200, 403, 0, false}, {guest(), 403, 403, 0, false}, {administrator(), 200, 202, 1, true}, {identity.Household(), 200, 202, 1, true}, {identity.Principal{}, 401, 401, 0, false}} {
			v := h.as(c.who)
			w := v.want(v.get(prefix+"/integrity"), c.get)
			v.want(v.do("POST", prefix+"/integrity/scrub", "", nil), c.scrub)
			if c.get != 200 {
				continue
			}
			if got := into[integrityBody](v, w); len(got.Damaged) != c.shown || got.DamagedNow != c.shown {
				t.Errorf("%s: got %+v", c.who.Name, got)
			}
		}
	})
}
