package files

import (
	"context"
	"slices"
	"time"

	"homeserver/internal/platform/sqldb"
)

// uploadDates is when the files of now were uploaded in a span, in order; of more than most the newest.
func (s store) uploadDates(ctx context.Context, from, to time.Time, most int) (dates []time.Time, err error) {
	rows, err := s.db.Query(ctx, `SELECT f.upload_date FROM file_metadata f WHERE f.deleted_at IS NULL`+notSinking+` AND f.upload_date >= $1 AND f.upload_date < $2 ORDER BY f.upload_date DESC LIMIT $3`,
		s.db.Time(from), s.db.Time(to), most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var at sqldb.Time
		if err := rows.Scan(&at); err != nil {
			return nil, err
		}
		dates = append(dates, at.Time)
	}
	slices.Reverse(dates)
	return dates, rows.Err()
}

// backupsWithin is the backups that began in a span (microseconds since 1970); of more than most
// the newest.
func (s store) backupsWithin(ctx context.Context, from, to int64, most int) (list []backupRow, err error) {
	rows, err := s.db.Query(ctx, `SELECT started, finished, error FROM files_backups WHERE started >= $1 AND started < $2 ORDER BY started DESC LIMIT $3`, from, to, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b backupRow
		if err := rows.Scan(&b.started, &b.finished, &b.err); err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	slices.Reverse(list)
	return list, rows.Err()
}
