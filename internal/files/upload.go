package files

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/files/digest"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

const (
	// maxField is the size of a form field that is no file, in bytes: 50 tags of 100
	// characters of four bytes, and some.
	maxField = 64 << 10
	// maxParts is how many parts a form may have.
	maxParts = 100
)

const (
	detailNoFile = "The form has no part \"file\"."
	detailPlain  = "The part \"file\" must be sent as a file, with a filename, not as a plain field."
	detailTwo    = "The form has more than one file; send each file in a request of its own."
	detailShared = "shared must be true or false."
)

// receive takes one upload in: a form with a part "file" and fields "tags", "shared", "folder"
// and "on_conflict". Without a folder it goes to the root of the tree of the principal of ctx.
// receive returns when the file is durable, or nothing of it is left. size is what the file has
// at least, as far as that is known.
func (f *Files) receive(ctx context.Context, contentType string, body io.Reader, size int64) (*upload, error) {
	if err := f.blobs.Check(ctx); err != nil {
		return nil, err
	}
	if err := f.space.check(ctx, f.blobs, size); err != nil {
		return nil, err
	}
	form, err := newFormReader(contentType, body)
	if err != nil {
		return nil, err
	}
	defer form.release()
	u, err := f.readForm(ctx, form, size)
	if err == nil {
		err = checkBody(body)
	}
	if err == nil {
		// Cut to what both databases keep, so that the answer and later lists agree.
		u.Uploaded = f.now().UTC().Truncate(time.Microsecond)
		u.Modified = u.Uploaded
		err = f.keep(ctx, u)
		failpoint.Hit("after-commit")
	}
	if err != nil {
		f.discard(u)
		return nil, err
	}
	return u, nil
}

// keep gives content its place and its row. Each upload syncs its own folder, side by side with
// the others (file systems make what is synced at the same time durable together), and only
// the transaction is shared: the next batch is being written while this one commits.
func (f *Files) keep(ctx context.Context, u *upload) error {
	release := f.claims.publish(u.SHA256)
	defer release()
	if u.staged.ID != "" { // else its content is in its place already
		if err := f.blobs.Publish(ctx, []blob.Staged{u.staged}); err != nil {
			return err
		}
	}
	err := f.commit.do(ctx, u)
	if errs.TypeOf(err) == typeCollected {
		return errCollectedMeanwhile(err)
	}
	return err
}

func errCollectedMeanwhile(err error) error {
	return errs.Wrap(errs.Unavailable, "The same content was just being removed. Nothing was stored; please send it again.", err)
}

// discard removes what a failed upload left under incoming.
func (f *Files) discard(u *upload) {
	if u == nil || u.staged.ID == "" {
		return
	}
	if err := f.blobs.Discard(u.staged.ID); err != nil {
		f.log.Debug("an unfinished upload stays until the collector comes by", "id", u.staged.ID, "error", err)
	}
}

// readForm reads the whole form, so that fields may follow the file. On an error the upload
// it returns, if any, holds what must be discarded.
func (f *Files) readForm(ctx context.Context, form *formReader, size int64) (*upload, error) {
	var u *upload
	var fields formFields
	for range maxParts {
		part, err := form.next()
		if errors.Is(err, io.EOF) {
			if u, err = fields.finish(u); err == nil {
				err = f.aim(ctx, u, fields.to)
			}
			return u, err
		}
		if err != nil {
			return u, err
		}
		switch {
		case part.name == "file" && !part.hasFile && part.contentType == "":
			return u, errs.New(errs.Invalid, detailPlain)
		case part.name == "file" && u != nil:
			return u, errs.New(errs.Invalid, detailTwo)
		case part.name == "file":
			content, err := f.admitted(ctx, form, fields.to, size)
			if err == nil {
				u, err = f.stage(ctx, part, content)
			}
			if err != nil {
				return u, err
			}
		default:
			if err := fields.read(part.name, form); err != nil {
				return u, err
			}
		}
	}
	return u, errForm("it has too many parts")
}

// formFields is what an upload's form says beside the file.
type formFields struct {
	to      destination
	tags    []string
	promise digest.Promise // what the field sha256 says of the content
}

// read reads a field that is no file; unknown ones are passed by.
func (f *formFields) read(name string, form *formReader) error {
	switch name {
	case "tags", "shared", "folder", "on_conflict", "sha256":
	default:
		return nil
	}
	field, err := readField(form)
	if err != nil {
		return err
	}
	switch name {
	case "tags":
		f.tags = append(f.tags, splitTags(field)...)
	case "sha256":
		err = errs.Wrap(errs.Malformed, detailNoDigest, f.promise.SHA256(field))
	case "folder":
		f.to.folder = field
	case "on_conflict":
		f.to.onConflict, err = parseConflict(field, keepBoth)
	default:
		f.to.shared, err = parseShared(field)
	}
	return err
}

// finish gives the upload what the fields say.
func (f *formFields) finish(u *upload) (_ *upload, err error) {
	if u == nil {
		return nil, errs.New(errs.Invalid, detailNoFile)
	}
	if u.SHA256 != "" { // of one file alone, and not before it came
		if err := keepsPromise(&f.promise, u.SHA256); err != nil {
			return u, err
		}
	}
	u.Tags, err = cleanTags(f.tags)
	return u, err
}

// parseShared reads a check box as browsers and people write it.
func parseShared(field string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(field)) {
	case "true", "1", "on", "yes":
		return true, nil
	case "false", "0", "off", "no", "":
		return false, nil
	}
	return false, errs.New(errs.Invalid, detailShared)
}

// readField reads a plain field.
func readField(form *formReader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(form, maxField+1))
	if err == nil && len(data) > maxField {
		err = errs.Newf(errs.Invalid, "A field of the form is longer than %d bytes.", maxField)
	}
	return string(data), err
}

// stage streams the file's content to incoming and makes it durable there.
func (f *Files) stage(ctx context.Context, part formPart, content io.Reader) (*upload, error) {
	name, err := cleanName(part.filename)
	if err != nil {
		return nil, err
	}
	r, err := receivePart(ctx, f.blobs.Create, part, content, nil)
	if err != nil {
		return nil, err
	}
	u := &upload{File: File{Name: name, key: nameKey(name)}}
	u.received(r)
	return u, nil
}

// received is content of a form's part that is under incoming.
type received struct {
	blob.Staged
	kind string // its content type
}

// received says of an upload what its content is.
func (u *upload) received(r received) {
	u.ID, u.ContentType, u.SHA256, u.Size, u.path = r.ID, r.kind, r.SHA256, r.Size, blob.Path(r.SHA256)
	u.staged = r.Staged
}

// receivePart streams a part's content to incoming and commits it there, if it keeps what its
// sender promised and check, which may be nil, has nothing against its size.
func receivePart(ctx context.Context, create func(ctx context.Context, id string) (blob.Writer, error), part formPart, content io.Reader, check func(size int64) error) (r received, err error) {
	if r.kind, err = cleanContentType(part.contentType); err != nil {
		return r, err
	}
	promise, err := promised(part.digests...)
	if err != nil {
		return r, err
	}
	r.ID = uuid.NewString()
	w, err := create(ctx, r.ID)
	if err != nil {
		return r, err
	}
	defer w.Abort()
	r.SHA256, r.Size, err = blob.Receive(w, promise.Watch(content))
	if err == nil && check != nil {
		err = check(r.Size)
	}
	if err == nil {
		err = keepsPromise(promise, r.SHA256)
	}
	if err == nil {
		err = w.Commit()
	}
	return r, err
}
