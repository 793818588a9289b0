// Package diskblob stores blobs as whole files in a directory, one openable file each:
//
//	.homeserver-storage    the marker: an id that the database remembers
//	blobs/ab/<sha256>      published content
//	incoming/<id>          content being received
//	quarantine/            content that was found wrong and is kept for people to look at
//	manifests/             the library written down by the files room, for a lost database
//	ab/<uuid>              files of the Python original, until they are adopted
//
// Every path is built by name each time and no directory is kept open, so that a drive can
// be ejected. A directory is made while the server runs only after the marker has been
// verified: what is missing because a drive is gone must not appear anew on the system disk.
package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

const (
	blobsDir      = "blobs"
	incomingDir   = "incoming"
	quarantineDir = "quarantine"
	manifestsDir  = "manifests" // the files room's own
	markerFile    = ".homeserver-storage"

	privateDir  = 0o700 // a household's files are nobody else's business
	privateFile = 0o600

	// checkFor is how long the answer of Check holds: a probe per second costs nothing, one
	// per request would.
	checkFor = time.Second
)

// The sentences people read.
const (
	detailAway       = "The storage directory is not available. Is the drive connected? It is used again by itself as soon as it is back."
	detailWrong      = "The storage directory is not the one this server's database belongs to. Is another drive connected in its place?"
	detailFull       = "The storage is full. Nothing was stored; free some space and try again."
	detailUnreadable = "The file's content cannot be read: the drive or the file's permissions do not allow it. Check the permissions in the storage directory, or the drive."
	detailBig        = "The file is larger than the file system of the storage can hold."
)

// Store is a directory of blobs.
type Store struct {
	root   string
	syncer Syncer

	mu       sync.Mutex
	id       string    // that the marker must bear; "" before Bind
	checked  time.Time // when the last probe ended
	present  error     // what the last probe found: the right directory
	writable error     // and that it can be written to
	probing  chan struct{}
}

var _ blob.Store = (*Store)(nil)

// New makes a store at root, an absolute path. It does no I/O.
func New(root string) *Store { return NewSynced(root, system{}) }

// NewSynced is New with another way to make things durable, for tests.
func NewSynced(root string, syncer Syncer) *Store { return &Store{root: root, syncer: syncer} }

// Place implements blob.Marker.
func (s *Store) Place() string { return s.root }

func (s *Store) incoming(id string) string { return filepath.Join(s.root, incomingDir, id) }

func (s *Store) folderOf(sha256 string) string { return filepath.Join(s.root, blobsDir, sha256[:2]) }

func (s *Store) path(sha256 string) string {
	return filepath.Join(s.root, blobsDir, sha256[:2], sha256)
}

// explain gives an error of the file system its kind. Everything but a full disk means that
// the storage cannot be used right now.
func explain(err error) error {
	var known *errs.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case isFull(err):
		return errs.Wrap(errs.StorageFull, detailFull, err)
	case isTooBig(err):
		return errs.Wrap(errs.TooLarge, detailBig, err)
	}
	return isAway(err)
}

// isAway says that the storage cannot be used right now. The cause can be read in the log and
// not found by [errors.Is]: the "no such file" of a drive that is gone must never pass for
// [blob.ErrNotExist], content that is gone.
func isAway(cause error) error {
	if errors.Is(cause, fs.ErrNotExist) {
		cause = errors.New(cause.Error())
	}
	return errs.Wrap(errs.Unavailable, detailAway, cause)
}

// missing decides what "no such file" means: the content is not there, or the drive is not.
func (s *Store) missing(ctx context.Context, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return explain(err)
	}
	if away := s.verify(ctx); away != nil {
		return away
	}
	return blob.ErrNotExist
}

// cannotRead is missing for content that is about to be read: one file that refuses to be read
// while the rest of the store is there is that file's trouble.
func (s *Store) cannotRead(ctx context.Context, err error) error {
	if !isUnreadable(err) {
		return s.missing(ctx, err)
	}
	if away := s.verify(ctx); away != nil {
		return away
	}
	return errs.Wrap(errs.Unavailable, detailUnreadable, fmt.Errorf("%w: %w", blob.ErrUnreadable, err))
}

// makeDir makes a folder of the store that is missing, after the marker has been verified.
func (s *Store) makeDir(ctx context.Context, path string) error {
	if err := s.verify(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(path, privateDir); err != nil {
		return explain(err)
	}
	for dir := path; len(dir) > len(s.root); {
		dir = filepath.Dir(dir)
		if err := s.syncer.Dir(dir); err != nil {
			return explain(err)
		}
	}
	return nil
}
