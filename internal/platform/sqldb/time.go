package sqldb

import (
	"fmt"
	"time"
)

// Time makes t the argument for a time column: microseconds since 1970 for SQLite's INTEGER,
// a timestamptz for PostgreSQL. Both keep microseconds, cut and not rounded.
func (db *DB) Time(t time.Time) any {
	if db.dialect == SQLite {
		return t.UnixMicro()
	}
	return t.UTC().Truncate(time.Microsecond)
}

// Time scans a time column of either dialect, in UTC. NULL is the zero time.
type Time struct{ time.Time }

// Scan implements sql.Scanner.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		t.Time = time.Time{}
	case int64:
		t.Time = time.UnixMicro(v).UTC()
	case time.Time:
		t.Time = v.UTC()
	default:
		return fmt.Errorf("sqldb.Time: cannot read a %T; the column must be INTEGER microseconds on SQLite, timestamptz on PostgreSQL", src)
	}
	return nil
}
