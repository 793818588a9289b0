package files

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

// store asks the database the room's questions. Rows are locked in one order everywhere
// (blobs by digest, files by id, tags by key, usage by audience last), so that transactions do not
// wait for each other in a circle.
type store struct {
	db      *sqldb.DB
	atOnce  int        // how many files of a large folder one transaction marks
	damaged *damageSet // content that is damaged, for those who have it come in again
}

const detailNotFound = "File not found"

// maxID is the length of an id in bytes: a UUID in the original's column.
const maxID = 36

func errNotFound() error { return errs.New(errs.NotFound, detailNotFound) }

// possibleID reports whether a row could bear this id; what cannot is not even asked for.
func possibleID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

// fileColumns are what scanFile reads.
const fileColumns = `f.id, f.filename, f.content_type, f.size, f.upload_date, f.tags, coalesce(f.sha256, ''), f.name_key, f.storage_path, f.owner_id, f.audience, f.deleted_at IS NOT NULL, f.folder_id, f.modified_at, f.revision`

type scanner interface{ Scan(dest ...any) error }

func scanFile(row scanner, f *File) error {
	var uploaded sqldb.Time
	var tags string
	var modified int64
	err := row.Scan(&f.ID, &f.Name, &f.ContentType, &f.Size, &uploaded, &tags, &f.SHA256, &f.key, &f.path, &f.Owner, &f.audience, &f.hidden, &f.Folder, &modified, &f.Revision)
	f.Uploaded, f.Tags = uploaded.Time, decodeTags(tags)
	f.setModified(modified)
	return err
}

// setModified takes the column modified_at: 0 while the content is the first.
func (f *File) setModified(micros int64) {
	f.Modified = f.Uploaded
	if micros != 0 {
		f.Modified = time.UnixMicro(micros).UTC()
	}
}

// modified is what the column modified_at holds.
func (f *File) modified() int64 {
	if f.Modified.IsZero() || f.Modified.Equal(f.Uploaded) {
		return 0
	}
	return f.Modified.UnixMicro()
}

// find returns a file that is not deleted.
func (s store) find(ctx context.Context, id string) (*File, error) {
	if !possibleID(id) {
		return nil, errNotFound()
	}
	f := new(File)
	err := scanFile(s.db.QueryRow(ctx, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.id = $1 AND f.deleted_at IS NULL`+notSinking, id), f)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errNotFound()
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// storageID returns the id of the storage directory, "" before the very first start.
func (s store) storageID(ctx context.Context) (id string, err error) {
	err = s.db.QueryRow(ctx, `SELECT id FROM files_storage WHERE one = 1`).Scan(&id)
	if errors.Is(err, sqldb.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// rememberStorage remembers id unless another process was quicker, and returns what is remembered.
func (s store) rememberStorage(ctx context.Context, id string) (string, error) {
	if _, err := s.db.Exec(ctx, `INSERT INTO files_storage (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING`, id); err != nil {
		return "", err
	}
	return s.storageID(ctx)
}

// firstFiles returns a few files, for a look at whether their content is there.
func (s store) firstFiles(ctx context.Context, n int) ([]File, error) {
	return s.files(ctx, s.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.deleted_at IS NULL ORDER BY f.id LIMIT $1`, n)
}

// files collects the rows of a query for fileColumns.
func (s store) files(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]File, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []File
	for rows.Next() {
		var f File
		if err := scanFile(rows, &f); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, rows.Err()
}

// rowsAtOnce is how many rows one INSERT carries at most. Statements come in powers of two, so
// that the few texts stay compiled.
const rowsAtOnce = 32

// insertRows runs head + VALUES (...),(...) + tail for all rows, width arguments each.
func insertRows(ctx context.Context, tx *sqldb.Tx, head string, width int, tail string, args []any) error {
	for n := rowsAtOnce; len(args) > 0; {
		for n*width > len(args) {
			n /= 2
		}
		if _, err := tx.Exec(ctx, valuesText(head, width, n, tail), args[:n*width]...); err != nil {
			return err
		}
		args = args[n*width:]
	}
	return nil
}

func valuesText(head string, width, n int, tail string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range n * width {
		switch {
		case i%width > 0:
			b.WriteString(", $")
		case i > 0:
			b.WriteString("), ($")
		default:
			b.WriteString(" VALUES ($")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteString(") ")
	b.WriteString(tail)
	return b.String()
}

// list writes $from, $from+1, ... for n values.
func listText(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	return b.String()
}
