package files

import (
	"context"

	"github.com/google/uuid"

	"homeserver/internal/platform/sqldb"
)

// replaceContent gives a live file, whose tree the transaction holds, the content of an upload,
// whose blob it holds too. What the file held becomes a version. The same content once more
// changes nothing.
func (s store) replaceContent(ctx context.Context, tx *sqldb.Tx, set *changeSet, present *File, content *upload) (*File, error) {
	if !present.adopted() {
		return nil, errNotAdopted()
	}
	if present.SHA256 == content.SHA256 {
		return present, nil
	}
	at := content.Modified.UnixMicro()
	if _, err := tx.Exec(ctx, `INSERT INTO file_versions (id, file_id, sha256, size, content_type, created_at, replaced_at, replaced_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		uuid.NewString(), present.ID, present.SHA256, present.Size, present.ContentType, present.Modified.UnixMicro(), at, set.actor); err != nil {
		return nil, err
	}
	now := *present
	now.SHA256, now.path, now.Size, now.ContentType, now.Modified = content.SHA256, content.path, content.Size, content.ContentType, content.Modified
	now.Revision++
	if _, err := tx.Exec(ctx, `UPDATE file_metadata SET sha256 = $1, storage_path = $2, size = $3, content_type = $4, modified_at = $5, revision = $6 WHERE id = $7`,
		now.SHA256, now.path, now.Size, now.ContentType, at, now.Revision, now.ID); err != nil {
		return nil, err
	}
	set.changed(present, &now, changeContent)
	set.inSpace(present.Owner, spaceCounts{versions: present.Size})
	return &now, nil
}
