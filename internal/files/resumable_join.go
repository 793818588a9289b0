package files

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"homeserver/internal/files/tus"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// joinParts makes a file of partial uploads. They then belong to it: their bytes go, and a client
// that asks once more, since it did not get the answer, learns what was made of them.
func (f *Files) joinParts(ctx context.Context, c creation, addresses []string) (*resumable, error) {
	parts, release, err := f.partsOf(ctx, addresses)
	if err != nil {
		return nil, err
	}
	defer release()
	if made, err := f.madeOf(ctx, parts); err != nil || made != nil {
		return made, err
	}
	c.Size = tus.Size{Known: true}
	staged := make([]blob.Staged, 0, len(parts))
	for _, part := range parts {
		switch {
		case part.File != "" || !part.partial():
			return nil, errs.New(errs.Conflict, "Upload-Concat names an upload that is no part, or that was used already.")
		case !part.whole():
			return nil, errs.New(errs.Conflict, "Upload-Concat names a part that has not come whole. Finish it first.")
		}
		staged = append(staged, blob.Staged{ID: part.ID, Size: part.Size})
		c.Size.Bytes += part.Size
	}
	u, err := f.begin(ctx, c)
	if err != nil {
		return nil, err
	}
	u.parts = parts
	if err := f.joinInto(ctx, u, staged); err != nil {
		_, gone := f.store.removeResumable(context.WithoutCancel(ctx), u.ID, u.Principal)
		_ = f.discardResumable(u.ID)
		return nil, errors.Join(err, gone)
	}
	for _, part := range parts {
		_ = f.discardResumable(part.ID)
	}
	return u, nil
}

// joinInto copies and hashes the parts, and stores the file.
func (f *Files) joinInto(ctx context.Context, u *resumable, staged []blob.Staged) error {
	err := f.blobs.Join(ctx, u.ID, staged)
	if errors.Is(err, blob.ErrNotExist) {
		return errs.Wrap(errs.Conflict, "The bytes of a part are gone from the storage. Please send it anew.", err)
	}
	if err != nil {
		return err
	}
	u.Offset = u.Size
	sum, err := f.hashOf(ctx, u)
	if err != nil {
		return err
	}
	return f.finishWith(ctx, u, sum)
}

// partsOf finds the uploads that addresses name, in order, and keeps everybody else from them.
func (f *Files) partsOf(ctx context.Context, addresses []string) (parts []*resumable, release func(), err error) {
	var releases []func()
	all := func() {
		for _, one := range releases {
			one()
		}
	}
	defer func() {
		if err != nil {
			all()
		}
	}()
	ids := make([]string, 0, len(addresses))
	for _, address := range addresses {
		id := tus.PartID(address, uploadsPrefix)
		if id == "" {
			return nil, nil, errNoUpload()
		}
		if slices.Contains(ids, id) {
			return nil, nil, errs.New(errs.Invalid, "Upload-Concat names a part twice.")
		}
		ids = append(ids, id)
	}
	principal := identity.From(ctx).UserID
	for _, id := range slices.Sorted(slices.Values(ids)) { // in one order, so that nobody waits in a circle
		if _, err := f.store.findResumable(ctx, id, principal); err != nil {
			return nil, nil, err
		}
		one, err := f.sittings.take(ctx, id, func(error) {})
		if err != nil {
			return nil, nil, err
		}
		releases = append(releases, one)
	}
	for _, id := range ids {
		part, err := f.store.findResumable(ctx, id, principal)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, part)
	}
	return parts, all, nil
}

// madeOf finds the upload that was put together of exactly these parts, nil if none was.
func (f *Files) madeOf(ctx context.Context, parts []*resumable) (*resumable, error) {
	file := parts[0].File
	if file == "" || slices.ContainsFunc(parts, func(u *resumable) bool { return u.File != file }) {
		return nil, nil
	}
	u, err := f.store.resumableOf(ctx, file, parts[0].Principal)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, fmt.Errorf("the upload that became the file %s is forgotten: %w", file, errNoUpload())
	}
	return u, nil
}
