package files

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// knownAtOnce is how many files of known content are stored beside each other, sharing
// transactions.
const knownAtOnce = 32

// typeUnknown is the type of the problem that the content is not here, and must be sent.
const typeUnknown = "unknown"

// knownFile is a file to be made of content that the server has.
type knownFile struct {
	sha256 string
	size   int64
	wishes wishes
}

// Known returns those of digests whose content the principal of ctx may read: of what others
// keep to themselves nobody learns by asking.
func (f *Files) Known(ctx context.Context, digests []string) ([]string, error) {
	valid := make([]string, 0, len(digests))
	for _, digest := range digests {
		if digest = strings.ToLower(digest); blob.ValidDigest(digest) {
			valid = append(valid, digest)
		}
	}
	sizes, err := f.store.readableContent(ctx, viewOf(identity.From(ctx)), valid)
	if err != nil {
		return nil, err
	}
	known := make([]string, 0, len(sizes))
	for _, digest := range sorted(valid) {
		if _, ok := sizes[digest]; ok && !f.care.damaged.has(digest) { // damaged content had better come again
			known = append(known, digest)
		}
	}
	return known, nil
}

// createKnown makes files of content that is here already, of each by itself. The errors are
// those of the files at the same places.
func (f *Files) createKnown(ctx context.Context, list []knownFile) (made []*File, failed []error, err error) {
	if err := f.blobs.Check(ctx); err != nil {
		return nil, nil, err
	}
	if err := f.CheckSpace(ctx); err != nil {
		return nil, nil, err
	}
	digests := make([]string, len(list))
	for i, k := range list {
		digests[i] = k.sha256
	}
	sizes, err := f.store.readableContent(ctx, viewOf(identity.From(ctx)), digests)
	if err != nil {
		return nil, nil, err
	}
	made, failed = make([]*File, len(list)), make([]error, len(list))
	turn := make(chan struct{}, knownAtOnce)
	var all sync.WaitGroup
	for i, k := range list {
		if size, known := sizes[k.sha256]; !known || size != k.size || f.care.damaged.has(k.sha256) {
			failed[i] = errs.Typed(errs.NotFound, typeUnknown, fmt.Sprintf("The content of %q is not on the server; send it.", k.wishes.name))
			continue
		}
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			made[i], failed[i] = f.createOne(ctx, k)
		})
	}
	all.Wait()
	return made, failed, nil
}

// createOne makes one file. The transaction holds the content's row and looks whether it is in
// its place, so that the collector cannot come in between.
func (f *Files) createOne(ctx context.Context, k knownFile) (*File, error) {
	up := &upload{File: File{ID: uuid.NewString(), Name: k.wishes.name, ContentType: k.wishes.contentType, Size: k.size, SHA256: k.sha256, Tags: k.wishes.tags,
		path: blob.Path(k.sha256), key: nameKey(k.wishes.name), Uploaded: f.now().UTC().Truncate(time.Microsecond)}}
	up.Modified = up.Uploaded
	if err := f.aimBelow(ctx, up, k.wishes); err != nil {
		return nil, err
	}
	if err := f.keep(ctx, up); err != nil {
		return nil, err
	}
	return &up.File, nil
}
