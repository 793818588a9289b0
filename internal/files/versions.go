package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/files/digest"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// Version is what a file's content once was.
type Version struct {
	ID          string
	File        string
	SHA256      string
	Size        int64
	ContentType string
	Created     time.Time // when it became the file's content
	Replaced    time.Time // when it no longer was
	By          string    // the account that replaced it; "" for the household
	Pinned      bool      // kept until somebody says otherwise
}

// asFile is the file as it was.
func (v *Version) asFile(f *File) *File {
	was := *f
	was.SHA256, was.path, was.Size, was.ContentType, was.Modified = v.SHA256, blob.Path(v.SHA256), v.Size, v.ContentType, v.Created
	return &was
}

func errNoVersion() error { return errs.New(errs.NotFound, "This version of the file was not found.") }

// errNotAdopted says that a file of the original cannot have versions before its content has a
// digest.
func errNotAdopted() error {
	return errs.New(errs.Conflict, "This file is only just being taken over from the old server. Nothing was changed; please try again in a moment.")
}

// content is what a client sends for a file that is there.
type content struct {
	contentType string // "" keeps the file's
	match       ifMatch
	size        int64           // what it has at least, as far as that is known
	promise     *digest.Promise // what its sender says of it; may be nil
}

// ReplaceContent makes what it reads from body the content of a file; what the file was becomes
// a version. Nothing changes before everything has arrived and is durable, and then all at once.
func (f *Files) ReplaceContent(ctx context.Context, id string, c content, body io.Reader) (*File, error) {
	row, err := f.store.find(ctx, id)
	if err == nil {
		err = gateIf(identity.From(ctx), c.match, identity.ChangeFile)(row)
	}
	if err == nil {
		err = f.ready(ctx, row)
	}
	to := destination{replaces: id, match: c.match}
	if err == nil {
		body, err = f.admitted(ctx, c.promise.Watch(body), to, c.size)
	}
	if err != nil {
		return nil, err
	}
	kind := row.ContentType
	if c.contentType != "" {
		if kind, err = cleanContentType(c.contentType); err != nil {
			return nil, err
		}
	}
	u, err := f.stageContent(ctx, row, kind, body)
	if err == nil {
		err = keepsPromise(c.promise, u.SHA256)
	}
	if err == nil {
		err = f.aim(ctx, u, to)
	}
	if err == nil {
		err = f.keep(ctx, u)
	}
	if err != nil {
		f.discard(u)
		return nil, err
	}
	f.recordFiles(ctx, "files.replace", []File{u.File}, "")
	return &u.File, nil
}

// ready makes sure that a file can be replaced: the storage is there and has room, and a file
// of the original is one of ours.
func (f *Files) ready(ctx context.Context, row *File) error {
	if err := f.blobs.Check(ctx); err != nil {
		return err
	}
	if err := f.CheckSpace(ctx); err != nil {
		return err
	}
	if row.adopted() {
		return nil
	}
	return f.adoptNow(ctx, row)
}

// adoptNow takes one file of the original over that somebody wants to change.
func (f *Files) adoptNow(ctx context.Context, row *File) error {
	sum, size, err := f.hashLegacy(ctx, row.path)
	if errors.Is(err, blob.ErrNotExist) {
		if now, findErr := f.store.find(ctx, row.ID); findErr == nil && now.adopted() {
			return nil // the job was quicker
		}
		return errs.Wrap(errs.Conflict, "The content of this file, which comes from the old server, is not there, so it cannot be kept as a version. Nothing was changed.", err)
	}
	if err != nil {
		return err
	}
	if size != row.Size {
		return errs.Wrap(errs.Conflict, "The content of this file, which comes from the old server, is not as long as it should be, so it cannot be kept as a version. Nothing was changed.",
			fmt.Errorf("%d bytes, and the row says %d", size, row.Size))
	}
	if row.SHA256 == "" {
		err = f.store.setDigest(ctx, row.path, sum, size, f.now().UnixMicro())
		if errs.Is(err, errs.Conflict) {
			return errNotAdopted()
		}
		if err != nil {
			return err
		}
	}
	moved, err := f.finishMove(ctx, row, sum)
	if err == nil && !moved {
		err = errNotAdopted()
	}
	return err
}

// stageContent streams content to incoming, durably.
func (f *Files) stageContent(ctx context.Context, row *File, kind string, body io.Reader) (*upload, error) {
	id := uuid.NewString()
	w, err := f.blobs.Create(ctx, id)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	sum, size, err := blob.Receive(w, body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errs.Wrap(errs.Malformed, "The content was cut short. Nothing was changed.", err)
	}
	if err != nil {
		return nil, err
	}
	if err := w.Commit(); err != nil {
		return nil, err
	}
	now := f.now().UTC().Truncate(time.Microsecond)
	return &upload{
		File:   File{ID: id, Name: row.Name, ContentType: kind, Size: size, SHA256: sum, Owner: row.Owner, path: blob.Path(sum), Uploaded: now, Modified: now},
		staged: blob.Staged{ID: id, SHA256: sum, Size: size},
	}, nil
}

// Versions lists what a file's content once was, the newest first.
func (f *Files) Versions(ctx context.Context, id string) ([]Version, error) {
	if _, err := f.fileFor(ctx, id, identity.ReadVersions); err != nil {
		return nil, err
	}
	return f.store.versions(ctx, id)
}

// fileFor finds a live file that the principal of ctx may do all of actions to.
func (f *Files) fileFor(ctx context.Context, id string, actions ...identity.Action) (*File, error) {
	row, err := f.store.find(ctx, id)
	if err == nil {
		err = gate(identity.From(ctx), actions...)(row)
	}
	if err != nil {
		return nil, err
	}
	return row, nil
}

// versionFor finds a version of a live file that the principal of ctx may do actions to.
func (f *Files) versionFor(ctx context.Context, id, version string, actions ...identity.Action) (*File, *Version, error) {
	row, err := f.fileFor(ctx, id, actions...)
	if err != nil {
		return nil, nil, err
	}
	v, err := f.store.version(ctx, f.store.db, id, version)
	return row, v, err
}

// RestoreVersion makes a version the file's content again; what the file was becomes a version.
func (f *Files) RestoreVersion(ctx context.Context, id, version string, match ifMatch) (*File, error) {
	may := gateIf(identity.From(ctx), match, identity.ChangeVersions)
	row, a, err := f.store.restoreVersion(ctx, id, version, f.now().UTC().Truncate(time.Microsecond), may)
	if err != nil {
		return nil, err
	}
	f.done(a)
	f.recordFiles(ctx, "files.version.restore", []File{*row}, "")
	return row, nil
}

// PinVersion keeps a version until it is unpinned, or no longer.
func (f *Files) PinVersion(ctx context.Context, id, version string, pinned bool, match ifMatch) (*Version, error) {
	row, v, err := f.versionFor(ctx, id, version, identity.ChangeVersions)
	if err == nil {
		err = match.file(row)
	}
	if err != nil || v.Pinned == pinned {
		return v, err
	}
	if err := f.store.pinVersion(ctx, id, version, pinned, gateIf(identity.From(ctx), match, identity.ChangeVersions)); err != nil {
		return nil, err
	}
	v.Pinned = pinned
	f.recordFiles(ctx, "files.version.pin", []File{*row}, strconv.FormatBool(pinned))
	return v, nil
}

// DeleteVersion forgets a version for good.
func (f *Files) DeleteVersion(ctx context.Context, id, version string, match ifMatch) error {
	if _, err := f.fileFor(ctx, id, identity.ChangeVersions); err != nil { // before anything is said of the version
		return err
	}
	row, a, err := f.store.deleteVersion(ctx, id, version, f.now().UnixMicro(), gateIf(identity.From(ctx), match, identity.ChangeVersions))
	if err != nil {
		return err
	}
	f.done(a)
	f.recordFiles(ctx, "files.version.delete", []File{*row}, "")
	return nil
}
