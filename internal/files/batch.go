package files

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

const (
	// maxBatchFiles is how many files one request may bring: a folder of photographs of years.
	// Each has a line in the answer, which is kept in memory until the client reads it.
	maxBatchFiles = 20_000
	// maxBatchFile is the size of the largest file in a batch, in bytes: a cut connection loses
	// what it was sending, which for larger ones is worth an upload that can be resumed.
	maxBatchFile = 16 << 20
	// groupFiles is how many files are made durable and committed together at most: more make
	// nothing faster, and whoever waits for the database waits longer.
	groupFiles = 256
	// groupBytes is the same in bytes: what a slow disk writes in about a second.
	groupBytes = 32 << 20
	// groupWait is how long a file waits for others to come into its group.
	groupWait = 200 * time.Millisecond
)

const (
	detailLateField = "The fields folder, on_conflict, tags and shared must come before the files they are meant for."
	detailLargeFile = "Files of more than 16 MiB cannot be sent in a batch. Send this one to /api/v1/uploads, where it can be resumed."
	detailNoFiles   = "The form has no files: each is a part \"file\" with a filename."
)

// batch is one request that brings many small files. Its reader (read) receives one file after
// the other; its keeper (keep) makes groups of them durable and commits them meanwhile.
type batch struct {
	f      *Files
	group  blob.Group
	fields formFields
	tell   func(...batchResult)
	staged chan *batched
	cut    bool // nobody is there any more; set before staged is closed
	files  int
}

// batched is a file of a batch that has been received.
type batched struct {
	upload
	index int
	sent  string // the name as it was sent
}

// batchResult is what became of one file of a batch: a row or an error.
type batchResult struct {
	index int
	name  string
	file  *File
	err   error
}

// receiveBatch takes the files of a form in. tell is called, by two goroutines, with what became of each
// as soon as that is durable; one file's error stops no other. The error is the form's own:
// what was told before it holds.
func (f *Files) receiveBatch(ctx context.Context, contentType string, body io.Reader, tell func(...batchResult)) error {
	if err := f.CheckSpace(ctx); err != nil {
		return err
	}
	group, err := f.blobs.Group(ctx)
	if err != nil {
		return err
	}
	defer group.Close()
	form, err := newFormReader(contentType, body)
	if err != nil {
		return err
	}
	defer form.release()
	b := &batch{f: f, group: group, tell: tell, staged: make(chan *batched, groupFiles)}
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		b.keep(context.WithoutCancel(ctx))
	}()
	defer func() {
		close(b.staged)
		<-kept
	}()
	err = b.read(ctx, form)
	b.cut = err != nil && (ctx.Err() != nil || errs.Is(err, errs.Internal))
	return err
}

// read receives the files of the form until it ends.
func (b *batch) read(ctx context.Context, form *formReader) error {
	for {
		part, err := form.next()
		if errors.Is(err, io.EOF) {
			if b.files == 0 {
				return errs.New(errs.Invalid, detailNoFiles)
			}
			return nil
		}
		switch {
		case err != nil:
			return err
		case part.name == "file":
			err = b.file(ctx, part, form)
		case b.files > 0 && isBatchField(part.name):
			err = errs.New(errs.Invalid, detailLateField)
		default:
			err = b.fields.read(part.name, form)
		}
		if err != nil {
			return err
		}
	}
}

// isBatchField reports whether a field means something to the files after it.
func isBatchField(name string) bool {
	return name == "tags" || name == "shared" || name == "folder" || name == "on_conflict"
}

// file receives one file. Its own errors are told; the form's are returned.
func (b *batch) file(ctx context.Context, part formPart, form *formReader) error {
	if b.files == maxBatchFiles {
		return errs.Newf(errs.Invalid, "A batch brings %d files at most. Those before this one were stored; send the others in another batch.", maxBatchFiles)
	}
	index := b.files
	b.files++
	u, err := b.stage(ctx, part, form)
	switch {
	case err != nil && form.failed == nil:
		b.tell(batchResult{index: index, name: part.filename, err: err})
	case err == nil && form.failed == nil:
		u.index, u.sent = index, part.filename
		b.staged <- u
	case err == nil:
		b.f.discard(&u.upload)
	}
	return form.failed
}

// stage streams one file's content to incoming.
func (b *batch) stage(ctx context.Context, part formPart, content io.Reader) (*batched, error) {
	if !part.hasFile {
		return nil, errs.New(errs.Invalid, detailPlain)
	}
	u := &batched{}
	if _, err := b.fields.finish(&u.upload); err != nil {
		return nil, err
	}
	if err := b.f.aim(ctx, &u.upload, b.fields.to); err != nil {
		return nil, err
	}
	name, err := cleanName(part.filename)
	if err != nil {
		return nil, err
	}
	kind, err := cleanContentType(part.contentType)
	if err != nil {
		return nil, err
	}
	promise, err := promised(part.digests...)
	if err != nil {
		return nil, err
	}
	id := uuid.NewString()
	w, err := b.group.Create(ctx, id)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	digest, size, err := blob.Receive(w, promise.Watch(io.LimitReader(content, maxBatchFile+1)))
	if err == nil && size > maxBatchFile {
		err = errs.New(errs.TooLarge, detailLargeFile)
	}
	if err == nil {
		err = keepsPromise(promise, digest)
	}
	if err == nil {
		err = w.Commit()
	}
	if err != nil {
		return nil, err
	}
	u.ID, u.Name, u.key, u.ContentType = id, name, nameKey(name), kind
	u.SHA256, u.Size, u.path = digest, size, blob.Path(digest)
	u.staged = blob.Staged{ID: id, SHA256: digest, Size: size}
	return u, nil
}

// keep makes groups of what has been received and commits them. A group is closed when it is
// large enough, when its first file has waited long enough, and at the end of the form.
func (b *batch) keep(ctx context.Context) {
	var group []*batched
	var size int64
	late := time.NewTimer(groupWait)
	late.Stop()
	commit := func() {
		b.commit(ctx, group)
		group, size = nil, 0
		late.Stop()
	}
	for {
		select {
		case u, more := <-b.staged:
			if !more {
				if !b.cut {
					commit()
				}
				b.discard(group)
				return
			}
			if len(group) == 0 {
				late.Reset(groupWait)
			}
			group = append(group, u)
			if size += u.Size; len(group) == groupFiles || size >= groupBytes {
				commit()
			}
		case <-late.C:
			commit()
		}
	}
}

// commit makes a group durable, gives it its rows, and tells of each of its files.
func (b *batch) commit(ctx context.Context, group []*batched) {
	if len(group) == 0 {
		return
	}
	uploads, items := make([]*upload, len(group)), make([]blob.Staged, len(group))
	now := b.f.now().UTC().Truncate(time.Microsecond)
	for i, u := range group {
		u.Uploaded = now.Add(time.Duration(u.index) * time.Microsecond) // lists keep the order in which they were sent
		u.Modified = u.Uploaded
		uploads[i], items[i] = &u.upload, u.staged
	}
	results := b.f.keepGroup(ctx, b.group, uploads, items)
	failpoint.Hit("after-group-commit")
	told := make([]batchResult, len(group))
	for i, u := range group {
		told[i] = batchResult{index: u.index, name: u.sent, file: &u.File, err: results[i]}
		if results[i] != nil {
			b.f.discard(&u.upload)
		}
	}
	b.tell(told...)
}

// discard throws away what was received and will not be kept.
func (b *batch) discard(group []*batched) {
	for _, u := range group {
		b.f.discard(&u.upload)
	}
}

// keepGroup gives many contents their places and their rows, all in a few steps: what one
// upload does alone (keep), for all of them.
func (f *Files) keepGroup(ctx context.Context, group blob.Group, uploads []*upload, items []blob.Staged) []error {
	for _, u := range uploads {
		defer f.claims.publish(u.SHA256)()
	}
	err := group.Sync(ctx, items)
	if err == nil {
		err = f.blobs.Publish(ctx, items)
	}
	if err != nil {
		results := make([]error, len(uploads))
		for i := range results {
			results[i] = err
		}
		return results
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	results := f.commitBatch(ctx, uploads)
	for i, err := range results {
		if errs.TypeOf(err) == typeCollected {
			results[i] = errCollectedMeanwhile(err)
		}
	}
	return results
}
