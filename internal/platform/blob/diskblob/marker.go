package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

// maxMarker is the size of the largest marker worth reading, in bytes; ours hold a UUID.
const maxMarker = 256

// readMarker returns the id in the marker file; "" for one that somebody made empty by hand.
func (s *Store) readMarker() (string, error) {
	buf := make([]byte, maxMarker)
	n, err := readFile(filepath.Join(s.root, markerFile), buf)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(buf[:n])), nil
}

// Identify implements blob.Marker.
func (s *Store) Identify(context.Context) (blob.Identity, error) {
	entries, err := os.ReadDir(s.root)
	if errors.Is(err, fs.ErrNotExist) {
		return blob.Identity{}, nil
	}
	if err != nil {
		return blob.Identity{}, errs.Wrap(errs.Unavailable, fmt.Sprintf("STORAGE_PATH %s cannot be read; check that it is a directory and who may read it.", s.root), err)
	}
	found := blob.Identity{Exists: true, Empty: true}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case name == markerFile:
			if found.ID, err = s.readMarker(); err != nil {
				return found, errs.Wrap(errs.Unavailable, fmt.Sprintf("The marker %s cannot be read; check who may read it.", filepath.Join(s.root, markerFile)), err)
			}
			found.Consent = found.ID == ""
		case name == "lost+found", strings.HasPrefix(name, markerFile+"."): // left by one that died before its marker
		default:
			found.Empty = false
		}
	}
	found.Content = s.holdsContent()
	return found, nil
}

// holdsContent reports whether any blob is there.
func (s *Store) holdsContent() bool {
	folders, err := os.ReadDir(filepath.Join(s.root, blobsDir))
	if err != nil {
		return false // no content was ever published here
	}
	for _, folder := range folders {
		if entries, err := os.ReadDir(filepath.Join(s.root, blobsDir, folder.Name())); err == nil && len(entries) > 0 {
			return true
		}
	}
	return false
}

// Initialize implements blob.Marker. The marker appears under its name whole or not at all:
// it is linked there, which fails when another process was quicker.
func (s *Store) Initialize(_ context.Context, id string) (string, error) {
	if err := s.makeRoot(); err != nil {
		return "", s.cannotPrepare(err)
	}
	name := filepath.Join(s.root, markerFile)
	current, err := s.readMarker()
	if err == nil && current != "" {
		return current, nil
	}
	consent := err == nil
	temp := name + "." + id
	if err := s.writeDurably(temp, id+"\n"); err != nil {
		return "", s.cannotPrepare(err)
	}
	defer os.Remove(temp)
	failpoint.Hit("before-marker")
	if consent {
		err = os.Rename(temp, name)
	} else {
		err = linkNew(temp, name)
	}
	// One that was quicker may have cleared this one's file away, too; its marker is there then.
	if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		return "", s.cannotPrepare(err)
	}
	if err := s.syncer.Dir(s.root); err != nil {
		return "", s.cannotPrepare(err)
	}
	failpoint.Hit("after-marker")
	if current, err = s.readMarker(); err != nil {
		return "", s.cannotPrepare(err)
	}
	s.clearMarkers()
	return current, nil
}

// clearMarkers removes what those left that died before their marker had its name. It is called
// when there is a marker: who is still about to make one finds that.
func (s *Store) clearMarkers() {
	entries, _ := os.ReadDir(s.root)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), markerFile+".") && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(s.root, entry.Name()))
		}
	}
}

// makeRoot makes the store's directory and what is missing above it, durably: the database is about
// to remember it, and must not be the only one after a power cut.
func (s *Store) makeRoot() error {
	var above []string
	for dir := s.root; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		above = append(above, filepath.Dir(dir))
	}
	if err := os.MkdirAll(s.root, privateDir); err != nil {
		return err
	}
	for _, dir := range above {
		if err := s.syncer.Dir(dir); err != nil && !errors.Is(err, fs.ErrPermission) { // one may write to some and not read them
			return err
		}
	}
	return nil
}

// linkNew gives the file a name that must be free. File systems without hard links (exFAT,
// some network shares) get a rename after a look.
func linkNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, statErr := os.Lstat(to); !errors.Is(statErr, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

func (s *Store) writeDurably(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = s.syncer.File(f)
	}
	return errors.Join(err, f.Close())
}

func (s *Store) cannotPrepare(err error) error {
	if isFull(err) {
		return errs.Wrap(errs.StorageFull, detailFull, err)
	}
	return errs.Wrap(errs.Unavailable, fmt.Sprintf("STORAGE_PATH %s cannot be prepared; check that it is a directory this user may write to.", s.root), err)
}

// fanOut is the number of folders below blobs/, one for each first byte of a digest.
const fanOut = 256

// Bind implements blob.Marker. Making the folders now spares uploads the wait for it.
func (s *Store) Bind(ctx context.Context, id string) error {
	s.mu.Lock()
	s.id, s.checked = id, time.Time{}
	s.mu.Unlock()
	if err := s.verify(ctx); err != nil {
		return err
	}
	made := false
	folders := []string{filepath.Join(s.root, incomingDir), filepath.Join(s.root, blobsDir)}
	for i := range fanOut {
		folders = append(folders, filepath.Join(s.root, blobsDir, fmt.Sprintf("%02x", i)))
	}
	for _, folder := range folders {
		err := os.Mkdir(folder, privateDir)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return s.cannotPrepare(err)
		}
		made = made || err == nil
	}
	if made {
		if err := errors.Join(s.syncer.Dir(filepath.Join(s.root, blobsDir)), s.syncer.Dir(s.root)); err != nil {
			return s.cannotPrepare(err)
		}
	}
	return s.Check(ctx)
}
