// Package blob is the seam between rooms and the place where content lies: whole files,
// stored once, named by the SHA-256 of what is in them.
//
// Content comes in two steps. [Creator] takes the bytes under an id of the writer's choice,
// where nobody looks for content ([Appender] does so over several sittings); [Publisher] then
// gives it its name, durably. A crash in between leaves something under incoming that
// [Keeper.Sweep] removes later, never half a blob.
//
// Errors have kinds (package errs): Unavailable when the store itself is away, StorageFull
// when it has no room, TooLarge when it cannot hold a file of that size. Content that is not
// there is [ErrNotExist].
package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"
)

// ErrNotExist says that the store is there and the content is not.
var ErrNotExist = fs.ErrNotExist

// ErrUnreadable says that the store is there and has the content, but cannot read it: a bad
// sector, or permissions.
var ErrUnreadable = errors.New("the content cannot be read")

// Staged is content that has been received whole and waits to be published.
type Staged struct {
	ID     string // the name under incoming
	SHA256 string // lower-case hex
	Size   int64
}

// File is open content. On disk it is an *os.File, which HTTP sends without copying it
// through the process.
type File interface {
	io.ReadSeekCloser
	Stat() (fs.FileInfo, error)
}

// Info is what is known of content without opening it.
type Info struct {
	SHA256 string
	Size   int64
}

// Writer receives content. Either Commit or Abort ends it; Abort after Commit does nothing.
type Writer interface {
	io.Writer
	// Commit makes what was written durable.
	Commit() error
	// Abort throws it away.
	Abort()
}

// Creator takes new content in.
type Creator interface {
	// Create begins content under id, which must not be in use and must be a plain name.
	Create(ctx context.Context, id string) (Writer, error)
	// Discard throws committed but unpublished content away; none is no error.
	Discard(id string) error
}

// Grouper takes many small files in at the price of a few.
type Grouper interface {
	// Group gets ready for a number of files. Close ends it.
	Group(ctx context.Context) (Group, error)
}

// Group receives files that become durable together. Sync may run while others are received.
type Group interface {
	// Create is Creator.Create, but the writer's Commit only completes the content.
	Create(ctx context.Context, id string) (Writer, error)
	// Sync makes content durable that was committed before. If it fails, none of it may be
	// taken for durable.
	Sync(ctx context.Context, items []Staged) error
	Close()
}

// ErrBusy says that the unpublished content is being added to by somebody else.
var ErrBusy = errors.New("somebody else is adding to this content")

// Appending is unpublished content that is open for more. Close ends it; after Commit too it
// may be called and does nothing.
type Appending interface {
	io.Writer
	// Sync makes what was written so far durable, to be gone on with even after a crash.
	Sync() error
	// Commit makes what was written durable, to be published, and closes.
	Commit() error
	// Close lets others go on. It makes nothing durable and removes nothing.
	Close() error
}

// Appender takes content in over several sittings, in place: nothing is put together at the end.
type Appender interface {
	// Append opens unpublished content behind its first offset bytes and cuts off what follows
	// them. With offset 0 it makes the content if there is none. Content that is missing or
	// shorter is ErrNotExist; what another Appending has open, in whatever process, is ErrBusy.
	Append(ctx context.Context, id string, offset int64) (Appending, error)
	// Join makes unpublished content out of others, one behind the other, each as long as it is
	// said to be, and makes it durable. The parts stay. What id had before is replaced.
	Join(ctx context.Context, id string, parts []Staged) error
	// OpenStaged opens unpublished content for reading.
	OpenStaged(ctx context.Context, id string) (File, error)
}

// Publisher gives content its name.
type Publisher interface {
	// Publish makes every item readable under its SHA-256 and durable. It is idempotent: an item
	// already published by an earlier call is fine, and so is content that was there before.
	Publish(ctx context.Context, items []Staged) error
}

// Reader finds content.
type Reader interface {
	Open(ctx context.Context, sha256 string) (File, error)
	Stat(ctx context.Context, sha256 string) (Info, error)
}

// Loader reads small content.
type Loader interface {
	// Load reads content into buf and returns its length. Of content that is longer than buf it
	// reads as much as there is room for.
	Load(ctx context.Context, sha256 string, buf []byte) (int, error)
}

// Remover lists and removes content.
type Remover interface {
	// Walk calls fn with everything published, in order of names. fn's error ends the walk.
	Walk(ctx context.Context, fn func(Info) error) error
	// Remove removes content for good; none is no error.
	Remove(ctx context.Context, sha256 string) error
	// Quarantine puts content aside where nobody serves it and nobody removes it, and says where.
	Quarantine(ctx context.Context, sha256 string) (string, error)
	// QuarantineOpened is Quarantine for content that was opened and found wrong. It closes it.
	// If other content has taken its place meanwhile, that stays, and the error is ErrNotExist.
	QuarantineOpened(ctx context.Context, sha256 string, opened File) (string, error)
}

// Keeper tells how the store is.
type Keeper interface {
	// Check says whether the store is there, is the right one, and can be written to. It is
	// cached for about a second.
	Check(ctx context.Context) error
	// Readable says whether the store is there and is the right one, for those who only read:
	// a drive that went read-only still gives everything back.
	Readable(ctx context.Context) error
	// Space is the free space for ordinary users and the whole size, in bytes.
	Space(ctx context.Context) (free, total int64, err error)
	// Sweep removes unpublished content older than before, left by crashes, and counts it. Ids
	// for which keep says true stay, however old: somebody goes on with them later.
	Sweep(ctx context.Context, before time.Time, keep func(id string) bool) (int, error)
}

// Marker ties a store to the database that knows its content, so that an unplugged drive is
// never mistaken for an empty one.
type Marker interface {
	// Identify says what is found at the store's place.
	Identify(ctx context.Context) (Identity, error)
	// Initialize makes the place if need be and marks it with id, unless it bears a mark already;
	// it returns the id that it bears now.
	Initialize(ctx context.Context, id string) (string, error)
	// Bind tells the store which id it must bear from now on, checks it, and makes the folders
	// it works with.
	Bind(ctx context.Context, id string) error
	// Place names the store for people: its directory.
	Place() string
}

// Identity is what Identify found.
type Identity struct {
	Exists  bool   // the place is there
	Empty   bool   // nothing is in it but perhaps a consent
	Consent bool   // somebody put an empty marker there by hand: "yes, use this place"
	Content bool   // published content lies in it
	ID      string // the mark it bears, "" for none
}

// Legacy serves and takes over files that lie under paths of the Python original's choosing.
// Only regular files below the store's place are ever touched, reached without any symbolic
// link, and nothing that belongs to the store itself; everything else is ErrNotExist.
type Legacy interface {
	OpenLegacy(ctx context.Context, path string) (File, error)
	// Adopt moves the file at path to the place of the blob sha256, durably. It is idempotent.
	Adopt(ctx context.Context, path, sha256 string) error
	// WalkLegacy calls fn with every file in the original's layout, ab/<name>.
	WalkLegacy(ctx context.Context, fn func(path string, size int64) error) error
}

// Store is all of it.
type Store interface {
	Creator
	Grouper
	Appender
	Publisher
	Reader
	Loader
	Remover
	Keeper
	Marker
	Legacy
}

// digestLength is the length of a SHA-256 in hex.
const digestLength = 64

// ValidDigest reports whether s is a SHA-256 in lower-case hex, and so safe as a name.
func ValidDigest(s string) bool {
	if len(s) != digestLength {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// folder is where published content lies below a store's place.
const folder = "blobs"

// Path is the place of a blob below the store's, with slashes: blobs/ab/<sha256>.
func Path(sha256 string) string { return folder + "/" + sha256[:2] + "/" + sha256 }
