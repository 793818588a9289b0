package files

import (
	"context"
	"errors"
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
	folder      string // "" for the root of one's own tree
	onConflict  string
	tags        []string
	shared      bool
	replaces    string // the file that gets a new version
	ifMatch     string
	sha256      string // what the content must be
}

// parseWishes reads Upload-Metadata.
func parseWishes(header string) (w wishes, err error) {
	m, err := tus.ParseMetadata(header)
	if err != nil {
		return w, unreadable(err)
	}
	w.name = m.First("filename", "name")
	if path := m["relativePath"]; path != "" && path != "null" { // as some clients write nothing
		parts := strings.Split(strings.Trim(path, "/"), "/")
		w.path = parts[:len(parts)-1]
		if w.name == "" {
			w.name = parts[len(parts)-1]
		}
	}
	if w.name, err = cleanName(w.name); err != nil {
		return w, err
	}
	if w.contentType, err = cleanContentType(m.First("filetype", "type")); err != nil {
		return w, err
	}
	w.folder, w.onConflict, w.replaces, w.ifMatch = m["folder"], m["on_conflict"], m["replaces"], m["if_match"]
	if w.shared, err = parseShared(m["shared"]); err != nil {
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

// relativePath is the path below the target folder, "" for directly in it.
func (w wishes) relativePath() string {
	if len(w.path) == 0 {
		return ""
	}
	return strings.Join(w.path, "/") + "/" + w.name
}

// admit says before anything is received why an upload cannot be taken.
func (f *Files) admit(ctx context.Context, u *resumable, w wishes) error {
	u.owner = identity.From(ctx).UserID
	return f.roomFor(ctx, u.owner, u.Size)
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
	u.Folder, u.Name = w.folder, w.name
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
	w, err := parseWishes(u.Metadata)
	if err != nil {
		return err
	}
	digest := digestOf(sum)
	if w.sha256 != "" && w.sha256 != digest {
		if _, err := f.store.removeResumable(ctx, u.ID, u.Principal); err != nil {
			return err
		}
		_ = f.discardResumable(u.ID)
		return errDigest(w.sha256, digest)
	}
	up := &upload{
		File: File{ID: u.ID, Name: w.name, ContentType: w.contentType, Size: u.Size, SHA256: digest, Tags: w.tags, Owner: u.owner,
			path: blob.Path(digest), key: nameKey(w.name), Uploaded: f.now().UTC().Truncate(time.Microsecond)},
		staged: blob.Staged{ID: u.ID, SHA256: digest, Size: u.Size}, resumable: u,
	}
	up.share(w.shared)
	err = f.keep(ctx, up)
	failpoint.Hit("after-commit")
	if err == nil {
		u.File, u.Offset, u.Expires = up.ID, u.Size, up.Uploaded.Add(finishedFor)
		return nil
	}
	return f.unkept(ctx, u, digest, err)
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

// errDigest says that what came is not what was meant.
func errDigest(want, got string) error {
	return errs.Newf(errs.Invalid, "What arrived has the SHA-256 %s, and it should be %s. Nothing was stored; please send it again.", got, want)
}
