package files

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"homeserver/internal/files/tus"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
	"homeserver/internal/platform/identity"
)

// wishes is what an upload's metadata asks for.
type wishes struct {
	name        string
	path        []string // folders below the target folder
	contentType string
	to          destination
	tags        []string
	sha256      string // what the content must be
}

// parseWishes reads Upload-Metadata.
func parseWishes(header string) (w wishes, err error) {
	m, err := tus.ParseMetadata(header)
	if err != nil {
		return w, unreadable(err)
	}
	if w.path, w.name, err = parsePath(m.First("filename", "name"), m["relativePath"]); err != nil {
		return w, err
	}
	if w.contentType, err = cleanContentType(m.First("filetype", "type")); err != nil {
		return w, err
	}
	w.to.folder, w.to.replaces = m["folder"], m["replaces"]
	if w.to.onConflict, err = parseConflict(m["on_conflict"], failOnOld); err != nil {
		return w, err
	}
	if w.to.match, err = parseIfMatch(m["if_match"]); err != nil {
		return w, err
	}
	if w.to.shared, err = parseShared(m["shared"]); err != nil {
		return w, err
	}
	if w.tags, err = cleanTags(splitTags(m["tags"])); err != nil {
		return w, err
	}
	if w.sha256 = strings.ToLower(m["sha256"]); w.sha256 != "" && !blob.ValidDigest(w.sha256) {
		return w, errs.New(errs.Invalid, "sha256 in Upload-Metadata is not a SHA-256 in hex.")
	}
	return w, nil
}

// parsePath finds folders and name in a path below the target folder. A name that is given
// beside the path is the file's.
func parsePath(name, path string) (folders []string, file string, err error) {
	if path != "" && path != "null" { // as some clients write nothing
		parts := strings.Split(strings.Trim(path, "/"), "/")
		folders = parts[:len(parts)-1]
		if name == "" {
			name = parts[len(parts)-1]
		}
	}
	if name == "" {
		name = unnamed
	}
	if len(folders) > maxDepth {
		return nil, "", errTooDeep()
	}
	for _, one := range append(folders[:len(folders):len(folders)], name) {
		if err := strictName(one); err != nil {
			return nil, "", err
		}
	}
	return folders, name, nil
}

// relativePath is the path below the target folder, "" for directly in it.
func (w wishes) relativePath() string {
	if len(w.path) == 0 {
		return ""
	}
	return strings.Join(w.path, "/") + "/" + w.name
}

// admit says before anything is received why an upload cannot be taken, and where it goes.
func (f *Files) admit(ctx context.Context, u *resumable, w wishes) error {
	up := new(upload)
	if u.partial() {
		up.Owner = identity.From(ctx).UserID // the whole will say where it goes
	} else if err := f.aim(ctx, up, w.to); err != nil {
		return err
	}
	u.owner, u.Folder, u.Name = up.Owner, up.Folder, w.name
	if !u.partial() && w.to.onConflict == failOnOld && w.to.replaces == "" {
		if err := f.nameFree(ctx, up.Folder, w); err != nil {
			return err
		}
	}
	return f.roomFor(ctx, u.owner, u.Size)
}

// nameFree says whether a name is taken already, so that nobody sends for nothing.
func (f *Files) nameFree(ctx context.Context, folder string, w wishes) error {
	for _, name := range w.path {
		d, err := f.store.child(ctx, f.store.db, folder, name)
		if err != nil || d == nil {
			return err
		}
		folder = d.ID
	}
	_, _, _, err := f.store.settle(ctx, f.store.db, newcomer{kind: kindFile}, folder, w.name, "", failOnOld)
	return err
}

// changeWishes takes new metadata, of which what is there replaces what was there: so a client
// whose file met another of its name says what to do now, and sends no byte again.
func (f *Files) changeWishes(ctx context.Context, u *resumable, header string) error {
	change, err := tus.ParseMetadata(header)
	if err != nil {
		return unreadable(err)
	}
	all, err := tus.ParseMetadata(u.Metadata)
	if err != nil {
		return unreadable(err)
	}
	for key, value := range change {
		all[key] = value
	}
	u.Metadata = all.Encode()
	w, err := parseWishes(u.Metadata)
	if err != nil {
		return err
	}
	return f.admit(ctx, u, w)
}

// finish makes a file of an upload that is whole.
func (f *Files) finish(ctx context.Context, u *resumable) error {
	sum, err := f.hashOf(ctx, u)
	if errors.Is(err, blob.ErrNotExist) {
		return f.lost(ctx, u, err)
	}
	if err != nil {
		return err
	}
	return f.finishWith(ctx, u, sum)
}

func (f *Files) finishWith(ctx context.Context, u *resumable, sum hash.Hash) error {
	up, err := f.assemble(ctx, u, sum)
	if err != nil {
		return err
	}
	return f.conclude(ctx, u, up)
}

// assemble makes of an upload that is whole what is to be stored: its content is what it should be,
// and the folder that it goes to is there.
func (f *Files) assemble(ctx context.Context, u *resumable, sum hash.Hash) (*upload, error) {
	w, err := parseWishes(u.Metadata)
	if err != nil {
		return nil, err
	}
	digest := digestOf(sum)
	if w.sha256 != "" && w.sha256 != digest {
		if _, err := f.store.removeResumable(ctx, u.ID, u.Principal); err != nil {
			return nil, err
		}
		_ = f.discardResumable(u.ID)
		return nil, errDigest(w.sha256, digest)
	}
	up := &upload{
		File: File{ID: u.ID, Name: w.name, ContentType: w.contentType, Size: u.Size, SHA256: digest, Tags: w.tags,
			path: blob.Path(digest), key: nameKey(w.name), Uploaded: f.now().UTC().Truncate(time.Microsecond)},
		staged: blob.Staged{ID: u.ID, SHA256: digest, Size: u.Size}, resumable: u,
	}
	up.Modified = up.Uploaded
	return up, f.aimBelow(ctx, up, w)
}

// conclude stores what was assembled.
func (f *Files) conclude(ctx context.Context, u *resumable, up *upload) error {
	err := f.keep(ctx, up)
	failpoint.Hit("after-commit")
	if err == nil {
		u.File, u.Offset, u.Expires = up.ID, u.Size, up.Uploaded.Add(finishedFor)
		return nil
	}
	return f.unkept(ctx, u, up.staged.SHA256, err)
}

// aimBelow is aim for a file that lies in folders below the target folder, which are made if
// they are missing.
func (f *Files) aimBelow(ctx context.Context, up *upload, w wishes) error {
	to := w.to
	if len(w.path) > 0 && to.replaces == "" {
		d, err := f.MakePath(ctx, to.folder, w.path)
		if err != nil {
			return err
		}
		to.folder = d.ID
	}
	return f.aim(ctx, up, to)
}

// unkept tells content that is nowhere any more from what may be tried again.
func (f *Files) unkept(ctx context.Context, u *resumable, digest string, cause error) error {
	staged, err := f.blobs.OpenStaged(ctx, u.ID)
	if err == nil {
		return errors.Join(cause, staged.Close())
	}
	if !errors.Is(err, blob.ErrNotExist) {
		return cause
	}
	if _, err := f.blobs.Stat(ctx, digest); errors.Is(err, blob.ErrNotExist) {
		return f.lost(ctx, u, cause)
	}
	return cause
}

// typeDigest is the type of the problem that content is not what it was said to be.
const typeDigest = "digest"

// errDigest says that what came is not what was meant.
func errDigest(want, got string) error {
	return errs.Typed(errs.Invalid, typeDigest, fmt.Sprintf("What arrived has the SHA-256 %s, and it should be %s. Nothing was stored; please send it again.", got, want))
}
