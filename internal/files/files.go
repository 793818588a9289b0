// Package files is the household's library: upload, list, download, tag, delete.
//
// Content is stored once, by its SHA-256, in a blob.Store; everything else about a file is a
// row of file_metadata, the table of the Python original, widened. The id is a file's
// identity, its name only a label.
//
// The story of an upload (upload.go, committer.go, sql_upload.go): the bytes go to incoming/
// while they are hashed, are fsynced there, renamed to their blob's place, and the folders are
// fsynced. Uploads that finish about the same time are committed together: one transaction
// upserts their blob rows, makes sure that the content is still in its place, inserts the file
// rows and counts them. Only after COMMIT is anybody told that the file is stored. That of
// one that comes in pieces is told in resumable.go.
//
// The invariants:
//   - A row that was acknowledged has its content; a crash leaves at most a blob without a row.
//   - A blob is removed only by the collector, a day after it was first seen without a
//     reference, in a transaction that holds the blob's row. What this database never knew is
//     put into quarantine instead: the database may be new, or an older copy. Uploads take the same row lock
//     before they rely on a blob.
//   - Every file has an owner and an audience (audience.go). Whoever asks for a file by its id is
//     judged by the one gate, identity.Allow; lists show exactly what the gate lets one read.
//   - Deleting hides a row (deleted_at), or first the folders of a large one (sink.go); what has
//     been kept long enough is destroyed (retention.go).
//   - Counters (files_usage, tag_names.files, tag_private) and file_tags change in the transaction
//     that changes the rows they count; all of them speak of rows that are not hidden
//     (but for file_tags of large folders on their way, which nobody is shown). They are kept
//     for each audience, so that nobody learns from a number what others keep to themselves.
//   - Files of the original are never unlinked: adoption moves them to their blob's place.
package files

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/jobs"
	"homeserver/internal/platform/service"
	"homeserver/internal/platform/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// adoptEvery is how often files of the original that could not be adopted are tried again.
	adoptEvery = 24 * time.Hour
	// The collector looks several times in the wait between its two looks, within reason.
	collectLooks    = 4
	collectShortest = time.Second
	collectLongest  = 6 * time.Hour
	// usageEvery is how often the counters are read for changes that other copies made.
	usageEvery = 10 * time.Second
)

// Config is what the environment says of this room.
type Config struct {
	// CollectAfter is how long content that nothing refers to is kept.
	CollectAfter time.Duration `env:"COLLECT_AFTER" envDefault:"24h"`
	// FreeSpaceFloor is the free space below which nothing more is taken in; "" is the usual one.
	FreeSpaceFloor string `env:"FREE_SPACE_FLOOR"`
}

// Validate says in a sentence what is wrong with a value and gives an example.
func (c Config) Validate() error {
	if c.CollectAfter < 0 {
		return fmt.Errorf("COLLECT_AFTER is %s, which is less than nothing; for example COLLECT_AFTER=24h", c.CollectAfter)
	}
	if floor, ok := parseSize(c.FreeSpaceFloor); c.FreeSpaceFloor != "" && (!ok || floor == 0) {
		return fmt.Errorf("FREE_SPACE_FLOOR is %q, which is no size; for example FREE_SPACE_FLOOR=2GB", c.FreeSpaceFloor)
	}
	return nil
}

// Lent is what the house lends the room. Each may be nil.
type Lent struct {
	// DisplayName is the name of an account for people, "" for one that is not known. It is
	// called for every file that is shown, so it must be quick.
	DisplayName func(id string) string
	// Record notes what somebody did for the audit log: the principal and the address are in
	// ctx. target is a file's id, "" when it was several.
	Record func(ctx context.Context, action, target, detail string)

	// What a backup needs beside database and content (backup.go).

	// DataDir is where the house keeps what is in no database, and State the names of files and
	// folders there that a backup must hold.
	DataDir string
	State   []string
	// Version is the program's.
	Version string
	// History saves the history of the figures.
	History SaveHistory
	// Schema is the version of each room's tables.
	Schema func(ctx context.Context) (map[string]int64, error)
}

// displayName is the name of a file's owner, "" for the household.
func (l Lent) displayName(owner string) string {
	if owner == household || l.DisplayName == nil {
		return ""
	}
	return l.DisplayName(owner)
}

func (l Lent) record(ctx context.Context, action, target, detail string) {
	if l.Record != nil {
		l.Record(ctx, action, target, detail)
	}
}

// File is one file of the library as its row describes it.
type File struct {
	ID          string
	Name        string
	ContentType string
	Size        int64
	Uploaded    time.Time
	Tags        []string
	SHA256      string // "" until a file of the original is adopted

	Owner    string    // an account's id; "" is the household
	Folder   string    // the id of the folder it lies in, of its owner's tree
	Modified time.Time // when the content came
	Revision int64     // grows with every change of the file

	path     string // storage_path: the blob's, or the original's
	key      string // nameKey of Name
	audience string // who may see it beside administrators: "" everybody in the house, else the owner
	hidden   bool   // deleted, and not purged yet
}

// adopted reports whether the content is at its blob's place.
func (f *File) adopted() bool { return f.SHA256 != "" && f.path == blob.Path(f.SHA256) }

// Files is the room.
type Files struct {
	store  store
	blobs  blob.Store
	config Config
	log    *slog.Logger
	now    func() time.Time

	lent Lent

	commit  committer
	claims  claims
	uploads *httpd.Quota // under way, of each principal
	batches *httpd.Quota // the same of batches
	space   spaceGauge
	usage   usage
	adopt   adoption
	journal follower
	backups backups
	care    care
	quotas  quotas

	sinks    chan struct{} // wakes the sinker
	sittings sittings      // resumable uploads that somebody is at

	feed     feed
	onChange func(seq int64) // called after a change was committed; may be nil
	workers  atomic.Pointer[jobs.Workers]
}

// New makes the room. It does no I/O.
func New(db *sqldb.DB, blobs blob.Store, config Config, log *slog.Logger, now func() time.Time, lent Lent) *Files {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	f := &Files{store: store{db: db, atOnce: stepFiles}, blobs: blobs, config: config, log: log, now: now, lent: lent, uploads: httpd.NewQuota(maxUploads), batches: httpd.NewQuota(maxBatches)}
	f.commit.store, f.onChange = f.commitBatch, f.feed.wake
	f.backups.soon = make(chan struct{}, 1)
	f.sinks = make(chan struct{}, 1)
	f.care.healFrom = f.healFrom
	f.space.least, _ = parseSize(config.FreeSpaceFloor)
	f.store.damaged, f.care.pause = &f.care.damaged, rest
	return f
}

// Service is what the room offers the house.
func (f *Files) Service() service.Service {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic("files: the embedded migrations have moved: " + err.Error())
	}
	return service.Service{Name: "files", Migrations: sub, Routes: f.routes, Jobs: f.jobs, Run: f.run}
}

// jobs registers the background work.
func (f *Files) jobs(w *jobs.Workers) {
	f.workers.Store(w)
	w.Every("files.adopt", adoptEvery, f.Adopt)
	w.Every("files.feed", feedEvery, f.TrimFeed)
	w.Every("files.manifest", manifestEvery, f.KeepManifest)
	w.Every("files.backup", backupEvery, f.runBackup)
	w.Every("files.retain", retainEvery, f.Retain)
	w.Every("files.uploads", resumableExpireEvery, f.ExpireUploads)
	w.Every("files.scrub", scrubEvery, f.Scrub)
	w.Every("files.collect", min(max(f.config.CollectAfter/collectLooks, collectShortest), collectLongest), f.Collect)
}

// run keeps fresh what this copy knows of the others, and watches over manifests and backups.
func (f *Files) run(ctx context.Context) error {
	var sinking sync.WaitGroup
	defer sinking.Wait()
	sinking.Go(func() { f.sinker(ctx) })
	tick := time.NewTicker(usageEvery)
	defer tick.Stop()
	follow := time.NewTicker(followEvery)
	defer follow.Stop()
	backups := time.NewTimer(followEvery)
	defer backups.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.refresh(ctx)
		case <-follow.C:
			f.watchFeed(ctx)
		case <-backups.C:
			backups.Reset(f.watchBackups(ctx))
		case <-f.backups.soon:
			backups.Reset(f.watchBackups(ctx))
		}
	}
}

// refresh reads what other copies may have changed and everybody asks for all the time.
func (f *Files) refresh(ctx context.Context) {
	for what, read := range map[string]func(context.Context) error{"the number of files": f.refreshUsage, "who has a quota": f.refreshQuotas, "what is damaged": f.refreshDamage} {
		if err := read(ctx); err != nil && ctx.Err() == nil {
			f.log.Debug(what+" cannot be read", "error", err)
		}
	}
}
