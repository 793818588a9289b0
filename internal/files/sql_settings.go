package files

import (
	"context"
	"maps"
	"slices"

	"homeserver/internal/platform/sqldb"
)

// settings reads what somebody has set.
func (s store) settings(ctx context.Context) (map[string]string, error) {
	rows, err := s.db.Query(ctx, `SELECT key, value FROM files_settings`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	values := map[string]string{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		values[key] = value
	}
	return values, rows.Err()
}

// saveSettings sets some settings; the others stay.
func (s store) saveSettings(ctx context.Context, values map[string]string) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if _, err := tx.Exec(ctx, `INSERT INTO files_settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, values[key]); err != nil {
				return err
			}
		}
		return nil
	})
}
