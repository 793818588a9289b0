package files

import (
	"context"
	"errors"
	"io/fs"

	"homeserver/internal/files/vault"
)

// healFrom looks for good content in the scheduled directory of backups and puts it into the
// storage. It returns where the content was found, "" when no backup has it. The content is
// compared with its digest on the way: a damaged copy heals nothing.
func (f *Files) healFrom(ctx context.Context, digest string) (place string, err error) {
	s, err := f.schedule(ctx)
	if err != nil || s.Directory == "" {
		return "", err
	}
	v, err := vault.Open(s.Directory)
	if err != nil || v.ID != s.Vault {
		return "", ctx.Err() // its drive is not connected: there is nothing to heal from now
	}
	in, err := v.OpenBlob(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		f.log.Warn("a backup cannot be read", "directory", s.Directory, "sha256", digest, "error", err)
		return "", ctx.Err()
	}
	defer in.Close()
	release := f.claims.publish(digest)
	defer release()
	err = putContent(ctx, f.blobs, digest, in)
	if damageOf(err) != "" {
		f.log.Warn("content in the backup is damaged too", "directory", s.Directory, "sha256", digest)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	f.log.Info("content was healed from the backup", "directory", s.Directory, "sha256", digest)
	return s.Directory, nil
}
