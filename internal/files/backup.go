package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/files/manifest"
	"homeserver/internal/files/vault"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

const (
	// runsKept is how many failed runs are remembered.
	runsKept = 50

	manifestPart  = "manifest.jsonl.zst"
	originalsPart = "originals.jsonl.zst"
	statePrefix   = "state/"
	// contentsDraft is the list of contents before those of the original's files are in it.
	contentsDraft = "contents.draft"
)

// BackupOptions say what to back up, and where.
type BackupOptions struct {
	// Dir is the directory of backups. It is made if its parent is there.
	Dir string
	// Keep is how many of the newest snapshots are kept, and for how many days, weeks and months
	// the newest of each; 0 keeps all.
	Keep int
	// VerifyAll reads everything in Dir again and copies anew what is damaged.
	VerifyAll bool
	// New begins anew in a directory from which earlier backups have vanished.
	New bool
	// Progress, if set, is called now and then.
	Progress func(BackupProgress)

	vault string // the id that Dir must bear, when it was set up earlier
}

// BackupProgress is how far a backup is.
type BackupProgress struct {
	Step    string `json:"step" enum:"database,verify,copy,finish"`
	Files   int64  `json:"files"`
	Bytes   int64  `json:"bytes"`
	OfFiles int64  `json:"of_files"`
	OfBytes int64  `json:"of_bytes"`
}

// BackupReport is what a backup did.
type BackupReport struct {
	vault.Snapshot
	Repaired int      `json:"repaired"` // contents of Dir that were damaged and are copied anew
	Removed  []string `json:"removed"`  // snapshots
	Broken   []string `json:"broken"`   // earlier snapshots that cannot be read
}

// OK reports whether everything is in the backup.
func (r *BackupReport) OK() bool {
	return len(r.Lost)+len(r.Broken) == 0 && (r.History == nil || r.History.LeftOut == "")
}

// backups is what this process knows of its own backup under way.
type backups struct {
	mu      sync.Mutex
	running *BackupProgress
	soon    chan struct{} // the schedule changed, or a run ended
}

func (b *backups) set(p *BackupProgress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = p
}

func (b *backups) get() *BackupProgress {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running == nil {
		return nil
	}
	now := *b.running
	return &now
}

// backup is one run.
type backup struct {
	f       *Files
	options BackupOptions
	id      string // of its row and its hold
	storage string
	vault   *vault.Vault
	draft   *vault.Draft
	report  BackupReport

	originals []File
	extra     []vault.Content // what the originals' content turned out to be
	progress  BackupProgress
}

// Backup makes one snapshot. It may run beside a serving process, in another: nothing that the
// snapshot refers to is collected meanwhile, and the database is read as it is at one moment.
func (f *Files) Backup(ctx context.Context, options BackupOptions) (BackupReport, error) {
	b := &backup{f: f, options: options, id: uuid.NewString()}
	b.report.Removed, b.report.Broken = []string{}, []string{}
	started := f.now().UnixMicro()
	release, err := b.prepare(ctx)
	if err != nil && options.vault == "" {
		return b.report, err // whoever asked for it reads why
	}
	if err := f.store.backupStarted(ctx, b.id, b.options.Dir, started); err != nil {
		return b.report, err
	}
	if err != nil {
		return b.report, b.remember(ctx, err)
	}
	defer release()
	held, letGo, err := f.hold(ctx, b.id)
	if err == nil {
		err = b.run(held)
		if cause := context.Cause(held); cause != nil && ctx.Err() == nil {
			err = cause
		}
		letGo()
	}
	f.backups.set(nil)
	return b.report, b.remember(ctx, err)
}

// prepare looks at both places and takes the directory's lock.
func (b *backup) prepare(ctx context.Context) (release func(), err error) {
	if b.storage, err = b.f.store.storageID(ctx); err != nil {
		return nil, err
	}
	if b.storage == "" {
		return nil, errs.New(errs.Unavailable, "This database has no storage directory yet; start the server once.")
	}
	if err := b.f.identify(ctx, b.storage); err != nil {
		return nil, err
	}
	if b.options.Dir, err = filepath.Abs(b.options.Dir); err != nil {
		return nil, err
	}
	if err := b.f.mayHoldBackups(b.options.Dir); err != nil {
		return nil, err
	}
	if b.vault, err = b.open(ctx); err != nil {
		return nil, err
	}
	release, held, err := b.vault.Lock()
	if err == nil && held {
		// Whoever else was at work here is dead: the system gave its lock back.
		if err = b.f.store.backupsInterrupted(ctx, b.options.Dir, b.f.now().UnixMicro()); err != nil {
			release()
		}
	}
	return release, err
}

// open opens the directory of backups, or makes it one if it never was.
func (b *backup) open(ctx context.Context) (*vault.Vault, error) {
	dir := b.options.Dir
	v, err := vault.Open(dir)
	if want := b.options.vault; want != "" && (err != nil || v.ID != want) {
		return nil, errNotThatDrive(dir, err)
	}
	if err == nil {
		if v.Storage != b.storage {
			return nil, errs.Newf(errs.Conflict, "%s holds the backups of another household. Nothing was changed; choose another directory.", dir)
		}
		return v, nil
	}
	earlier, lookErr := b.f.store.lastBackup(ctx, 0, dir)
	if lookErr != nil {
		return nil, lookErr
	}
	if earlier != nil && !b.options.New {
		return nil, errs.Wrap(errs.Unavailable, fmt.Sprintf("%s had backups and has none now. Is the drive connected? To begin anew there all the same: homeserver backup --new %s", dir, dir), err)
	}
	if !errors.Is(err, vault.ErrNone) && !errs.Is(err, errs.Unavailable) {
		return nil, err
	}
	return vault.Create(dir, b.storage, b.f.now())
}

// run makes the snapshot.
func (b *backup) run(ctx context.Context) (err error) {
	b.say("database")
	if b.draft, err = b.vault.Begin(b.f.now()); err != nil {
		return err
	}
	defer b.draft.Abort()
	if err := b.database(ctx); err != nil {
		return err
	}
	if err := b.state(ctx); err != nil {
		return err
	}
	if b.options.VerifyAll {
		if err := b.reread(ctx); err != nil {
			return err
		}
	}
	if err := b.copyContents(ctx); err != nil {
		return err
	}
	b.say("finish")
	if err := b.listContents(); err != nil {
		return err
	}
	if err := b.verify(ctx); err != nil {
		return err
	}
	if err := b.history(ctx); err != nil {
		return err
	}
	b.report.Finished = b.f.now().UTC()
	if b.report.Snapshot, err = b.draft.Finish(b.report.Snapshot); err != nil {
		return err
	}
	if b.report.Removed, err = b.vault.Thin(ctx, b.options.Keep); err != nil {
		// The new snapshot stands; old ones are looked at again after the next.
		b.f.log.Warn("old backups could not be thinned", "directory", b.options.Dir, "error", err)
	}
	return nil
}

// database writes down the database, the manifest and the list of contents as they are at one
// moment.
func (b *backup) database(ctx context.Context) (err error) {
	s := &b.report.Snapshot
	s.Storage, s.Program, s.Database = b.storage, b.f.lent.Version, b.f.store.db.Dialect().String()
	if b.f.lent.Schema != nil {
		if s.Schema, err = b.f.lent.Schema(ctx); err != nil {
			return err
		}
	}
	s.At = b.f.now().UTC()
	s.Tables, err = b.f.store.db.Snapshot(ctx, draftPlace{b.draft}, func(q sqldb.Querier) error {
		if s.Seq, _, err = b.f.store.feedSeq(ctx, q); err != nil {
			return err
		}
		if err := b.part(manifestPart, func(w io.Writer) error {
			return b.f.writeManifest(ctx, q, w, manifest.Header{Storage: b.storage, At: s.At.UnixMicro(), Seq: s.Seq})
		}); err != nil {
			return err
		}
		if b.originals, err = b.f.store.originals(ctx, q); err != nil {
			return err
		}
		return b.draftContents(ctx, q)
	})
	return err
}

// part writes a part of the snapshot.
func (b *backup) part(name string, write func(io.Writer) error) error {
	w, err := b.draft.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(w), w.Close())
}

// draftPlace is a snapshot being made, as the database sees it.
type draftPlace struct{ *vault.Draft }

// Create implements sqldb.Place.
func (p draftPlace) Create(name string) (io.WriteCloser, error) { return p.Draft.Create(name) }

// verify makes sure that all that the snapshot refers to is there.
func (b *backup) verify(ctx context.Context) error {
	list, err := b.draft.Contents(vault.ContentsPart)
	if err != nil {
		return err
	}
	defer list.Close()
	found := vault.Verified{}
	if err := b.vault.VerifyContents(ctx, list, false, &found, nil); err != nil {
		return err
	}
	b.report.Files, b.report.Bytes = found.Files, found.Bytes
	lost := map[string]bool{}
	for _, l := range b.report.Lost {
		lost[l.SHA256] = true
	}
	for _, c := range found.Missing {
		if !lost[c.SHA256] {
			return errs.Newf(errs.Unavailable, "The content %s is not in %s although it was copied there. The backup does not count; try again.", c.SHA256, b.options.Dir)
		}
	}
	_, b.report.Broken, err = b.vault.Snapshots()
	return err
}

// remember notes how the run ended, also when that was because ctx did.
func (b *backup) remember(ctx context.Context, result error) error {
	now := b.f.now().UnixMicro()
	row := backupRow{id: b.id, finished: &now, files: b.report.Files, bytes: b.report.Bytes, newFiles: b.report.NewFiles, newBytes: b.report.NewBytes}
	switch {
	case result != nil:
		if row.err = errs.Detail(result); row.err == "" {
			row.err = "The backup failed; the log says more."
		}
		if ctx.Err() != nil {
			row.err = "The backup was stopped."
		}
	default:
		row.verified, row.err = &now, b.lacks()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rememberTimeout)
	defer cancel()
	err := b.f.store.backupFinished(ctx, row)
	if err == nil {
		err = b.f.store.forgetBackups(ctx, runsKept)
	}
	return errors.Join(result, err)
}

// lacks says in a sentence what is not in a backup that counts, "" when all is.
func (b *backup) lacks() string {
	var list []string
	if n := len(b.report.Lost); n > 0 {
		list = append(list, fmt.Sprintf("%d contents are missing or damaged in the storage and are not in the backup. homeserver check tells more.", n))
	}
	if h := b.report.History; h != nil && h.LeftOut != "" {
		list = append(list, "The history of the figures is not in the backup. "+h.LeftOut)
	}
	return strings.Join(list, " ")
}

// rememberTimeout bounds the notes at the end of a run.
const rememberTimeout = 10 * time.Second
