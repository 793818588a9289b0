package files

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

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

// batch is one request that brings many small files, in three steps side by side: its reader
// (read) receives one file after the other, its keeper (keep) makes groups of them durable in
// their places, and its committer (commit) gives them their rows.
type batch struct {
	f      *Files
	group  blob.Group
	fields formFields
	tell   func(...batchResult)
	staged chan *batched
	placed chan placedGroup
	begun  map[string]*upload // what the files of a path begin with, by the path
	cut    bool               // nobody is there any more; set before staged is closed
	files  int
}

// batched is a file of a batch that has been received.
type batched struct {
	upload
	index int
	sent  string // the name as it was sent
}

// placedGroup is a group whose content is in its places, or could not be brought there.
type placedGroup struct {
	files   []*batched
	uploads []*upload
	err     error
	release func() // of the claims on the content
}

// batchResult is what became of one file of a batch: a row or an error.
type batchResult struct {
	index int
	name  string
	file  *File
	err   error
}

// receiveBatch takes the files of a form in. tell is called, by several goroutines, with what
// became of each as soon as that is durable; one file's error stops no other. The error is the
// form's own: what was told before it holds.
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
	b := &batch{f: f, group: group, tell: tell, fields: formFields{to: destination{onConflict: failOnOld}}, begun: map[string]*upload{}, staged: make(chan *batched, groupFiles), placed: make(chan placedGroup)}
	var both sync.WaitGroup
	both.Go(func() { b.keep(context.WithoutCancel(ctx)) })
	both.Go(func() { b.commit(context.WithoutCancel(ctx)) })
	defer both.Wait()
	defer close(b.staged)
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
			if err = b.mayBegin(ctx); err == nil {
				err = b.file(ctx, part, form)
			}
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

// mayBegin says before the first file whether anything can be stored where the fields say.
func (b *batch) mayBegin(ctx context.Context) error {
	if b.files > 0 {
		return nil
	}
	_, err := b.at(ctx, "")
	return err
}

// begin makes an upload of a file's name, which may have a path in front of it.
func (b *batch) begin(ctx context.Context, sent string) (*batched, error) {
	cut := strings.LastIndexByte(sent, '/')
	name := sent[cut+1:]
	if err := strictName(name); err != nil {
		return nil, err
	}
	u, err := b.at(ctx, sent[:cut+1])
	if err != nil {
		return nil, err
	}
	begun := &batched{upload: *u}
	begun.Name, begun.key = name, nameKey(name)
	return begun, nil
}

// at is what the files of a path begin with below the folder of the fields. The path is empty or
// ends in a slash; its folders are made if they are not there.
func (b *batch) at(ctx context.Context, path string) (*upload, error) {
	if u, ok := b.begun[path]; ok {
		return u, nil
	}
	to := b.fields.to
	if path != "" {
		d, err := b.f.MakePath(ctx, to.folder, strings.Split(strings.TrimSuffix(path, "/"), "/"))
		if err != nil {
			return nil, err
		}
		to.folder = d.ID
	}
	u, err := b.fields.finish(&upload{})
	if err == nil {
		err = b.f.aim(ctx, u, to)
	}
	if err != nil {
		return nil, err
	}
	b.begun[path] = u
	return u, nil
}

// stage streams one file's content to incoming.
func (b *batch) stage(ctx context.Context, part formPart, content io.Reader) (*batched, error) {
	if !part.hasFile {
		return nil, errs.New(errs.Invalid, detailPlain)
	}
	u, err := b.begin(ctx, part.filename)
	if err != nil {
		return nil, err
	}
	r, err := receivePart(ctx, b.group.Create, part, io.LimitReader(content, maxBatchFile+1), func(size int64) error {
		if size > maxBatchFile {
			return errs.New(errs.TooLarge, detailLargeFile)
		}
		return b.f.roomFor(ctx, u.Owner, size) // before it gets a place
	})
	if err != nil {
		return nil, err
	}
	u.received(r)
	return u, nil
}

// keep makes groups of what has been received and puts them into their places. A group is
// closed when it is large enough, when its first file has waited long enough, and at the end of
// the form.
func (b *batch) keep(ctx context.Context) {
	defer close(b.placed)
	var group []*batched
	var size int64
	late := time.NewTimer(groupWait)
	late.Stop()
	place := func() {
		if len(group) > 0 {
			b.placed <- b.place(ctx, group)
		}
		group, size = nil, 0
		late.Stop()
	}
	for {
		select {
		case u, more := <-b.staged:
			switch {
			case more && len(group) == 0:
				late.Reset(groupWait)
			case !more && b.cut:
				b.discard(group)
				return
			case !more:
				place()
				return
			}
			group = append(group, u)
			if size += u.Size; len(group) == groupFiles || size >= groupBytes {
				place()
			}
		case <-late.C:
			place()
		}
	}
}

// discard throws away what was received and will not be kept.
func (b *batch) discard(group []*batched) {
	for _, u := range group {
		b.f.discard(&u.upload)
	}
}

// place makes a group durable and gives all content its place, in a few steps: what one upload
// does alone (keep), for all of them.
func (b *batch) place(ctx context.Context, group []*batched) placedGroup {
	p := placedGroup{files: group, uploads: make([]*upload, len(group))}
	items, claims := make([]blob.Staged, len(group)), make([]func(), len(group))
	now := b.f.now().UTC().Truncate(time.Microsecond)
	for i, u := range group {
		u.Uploaded = now.Add(time.Duration(u.index) * time.Microsecond) // lists keep the order in which they were sent
		u.Modified = u.Uploaded
		p.uploads[i], items[i] = &u.upload, u.staged
		claims[i] = b.f.claims.publish(u.SHA256)
	}
	p.release = func() {
		for _, release := range claims {
			release()
		}
	}
	if p.err = b.group.Sync(ctx, items); p.err == nil {
		p.err = b.f.blobs.Publish(ctx, items)
	}
	return p
}

// commit gives the files of each group their rows, and tells of each of them.
func (b *batch) commit(ctx context.Context) {
	for p := range b.placed {
		results := b.f.commitGroup(ctx, p)
		failpoint.Hit("after-group-commit")
		told := make([]batchResult, len(p.files))
		for i, u := range p.files {
			told[i] = batchResult{index: u.index, name: u.sent, file: &u.File, err: results[i]}
			if results[i] != nil {
				b.f.discard(&u.upload)
			}
		}
		b.tell(told...)
	}
}

// commitGroup commits a group whose content is in its places.
func (f *Files) commitGroup(ctx context.Context, p placedGroup) []error {
	defer p.release()
	if p.err != nil {
		return slices.Repeat([]error{p.err}, len(p.files))
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	results := f.commitBatch(ctx, p.uploads)
	for i, err := range results {
		if errs.TypeOf(err) == typeCollected {
			results[i] = errCollectedMeanwhile(err)
		}
	}
	return results
}
