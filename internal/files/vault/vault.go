// Package vault is a directory in which the backups of one household lie:
//
//	homeserver-backup.json    the marker: whose backups these are
//	blobs/ab/<sha256>         content, once for all snapshots
//	snapshots/<time>/         one backup each: snapshot.json, written last, and what it lists
//	history/<sha256>          pieces of the history of the figures, once for all snapshots
//	incoming/                 content being copied
//	damaged/                  content that was found wrong, kept for people to look at
//	.lock                     held by whoever changes the directory
//
// The invariants:
//   - A snapshot appears under its name when all that it needs is durable: its content, its
//     parts, and snapshot.json with the digest of each part. Without that file it does not count.
//   - Content bears its name only after it was compared with its digest and synced.
//   - Content and pieces that any snapshot refers to are never removed; if the list of one snapshot cannot be
//     read, nothing is.
//   - A snapshot that is being removed loses its name first, so that half of one never counts.
package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

// Format is the version of the layout. Directories of later versions are left alone.
const Format = 1

const (
	markerFile   = "homeserver-backup.json"
	lockFile     = ".lock"
	blobsDir     = "blobs"
	snapshotsDir = "snapshots"
	historyDir   = "history"
	incomingDir  = "incoming"
	damagedDir   = "damaged"

	privateDir  = 0o700 // a household's files are nobody else's business
	privateFile = 0o600

	// maxJSON is the size of the largest marker or snapshot.json worth reading, in bytes: a
	// hundred thousand contents that were lost, each with a line.
	maxJSON = 64 << 20
)

// Marker says whose backups a directory holds.
type Marker struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"`      // of this directory
	Storage string    `json:"storage"` // the id of the household's storage directory
	Created time.Time `json:"created"`
}

// Vault is an open directory of backups.
type Vault struct {
	Marker
	dir    string
	staged []staged
	bytes  int64 // of staged
}

// ErrNone says that a directory holds no backups.
var ErrNone = errors.New("there are no backups here")

// Open opens a directory of backups.
func Open(dir string) (*Vault, error) {
	v := &Vault{dir: dir}
	text, err := readSmall(filepath.Join(dir, markerFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, errs.Wrap(errs.Unavailable, fmt.Sprintf("The backup directory %s is not there. Is the drive connected?", dir), err)
		}
		return nil, errs.Wrap(errs.NotFound, fmt.Sprintf("%s holds no backups. Is the drive connected, and is it the right one?", dir), ErrNone)
	}
	if err == nil {
		err = json.Unmarshal(text, &v.Marker)
	}
	switch {
	case err != nil:
		return nil, errs.Wrap(errs.Unavailable, fmt.Sprintf("The backup directory %s cannot be read. Is the drive all right?", dir), err)
	case v.Format > Format:
		return nil, errs.Newf(errs.Conflict, "The backups in %s were made by a later version of this program. Use that one.", dir)
	}
	return v, nil
}

// Create makes dir, whose parent must be there, or an empty dir a directory of backups. What a
// run that died while it did so has left there is no hindrance.
func Create(dir, storage string, now time.Time) (*Vault, error) {
	if err := os.Mkdir(dir, privateDir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errs.Wrap(errs.Unavailable, fmt.Sprintf("The backup directory %s cannot be made. Is the drive connected, and may you write there?", dir), err)
	}
	if err := mayCreate(dir); err != nil {
		return nil, err
	}
	v := &Vault{dir: dir, Marker: Marker{Format: Format, ID: uuid.NewString(), Storage: storage, Created: now.UTC()}}
	release, _, err := v.Lock() // two that begin here together would write the same temporary file
	if err != nil {
		return nil, err
	}
	defer release()
	if err := mayCreate(dir); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(v.Marker, "", "  ")
	if err == nil {
		err = writeDurably(dir, markerFile, append(text, '\n'))
	}
	return v, v.explain(err)
}

// mayCreate refuses a directory in which anything lies but what this package leaves there
// before the marker.
func mayCreate(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return errs.Wrap(errs.Invalid, fmt.Sprintf("%s cannot be read; choose a directory.", dir), err)
	}
	for _, e := range entries {
		switch name := e.Name(); name {
		case "lost+found", lockFile, temporary(markerFile):
		case markerFile:
			return errs.Newf(errs.Conflict, "Another backup has just begun in %s. Try again.", dir)
		default:
			return errs.Newf(errs.Invalid, "%s is not empty (it has %q) and holds no backups. Choose an empty directory, for example %s.", dir, name, filepath.Join(dir, "homeserver"))
		}
	}
	return nil
}

// Dir is the directory.
func (v *Vault) Dir() string { return v.dir }

// Lock keeps others from changing the directory until release is called. held is false when the
// file system knows no locks; then nobody is kept away.
func (v *Vault) Lock() (release func(), held bool, err error) {
	f, err := os.OpenFile(filepath.Join(v.dir, lockFile), os.O_RDWR|os.O_CREATE, privateFile)
	if err != nil {
		return nil, false, v.explain(err)
	}
	taken, unknown := lock(f)
	if taken {
		f.Close()
		return nil, false, errs.Newf(errs.Conflict, "Another backup or restore works in %s at this moment. Wait until it has ended.", v.dir)
	}
	return func() { f.Close() }, unknown == nil, nil
}

// explain gives an error of the file system its kind.
func (v *Vault) explain(err error) error {
	var known *errs.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case isFull(err):
		return errs.Wrap(errs.StorageFull, fmt.Sprintf("The backup directory %s has no more room. Earlier backups are whole; free some space or use a larger drive.", v.dir), err)
	}
	return errs.Wrap(errs.Unavailable, fmt.Sprintf("The backup directory %s cannot be used. Is the drive connected, and may this program write there?", v.dir), err)
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxJSON {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxJSON)
	}
	return os.ReadFile(path)
}

// temporary is what a small file is called while it is written.
func temporary(name string) string { return "." + name + ".new" }

// writeDurably makes or replaces a small file: whole or not at all. A temporary file that an
// earlier run left is overwritten.
func writeDurably(dir, name string, text []byte) error {
	temp := filepath.Join(dir, temporary(name))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	failpoint.Hit("backup-written")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	return syncDir(dir)
}
