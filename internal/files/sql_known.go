package files

import (
	"context"
	"slices"
)

// readableContent returns those of digests that a live file in the view has, with their sizes.
func (s store) readableContent(ctx context.Context, v view, digests []string) (map[string]int64, error) {
	sizes := map[string]int64{}
	for chunk := range slices.Chunk(sorted(digests), idsAtOnce) {
		query := `SELECT f.sha256, f.size FROM file_metadata f WHERE f.sha256 IN (` + listText(1, len(chunk)) + `) AND f.deleted_at IS NULL AND f.storage_path LIKE 'blobs/%'` + notSinking
		args := anys(chunk)
		if audiences := v.filter(); audiences != nil {
			query += ` AND f.audience IN (` + listText(len(args)+1, len(audiences)) + `)`
			args = append(args, anys(audiences)...)
		}
		if err := s.addSizes(ctx, sizes, query+` GROUP BY f.sha256, f.size`, args); err != nil {
			return nil, err
		}
	}
	return sizes, nil
}

func (s store) addSizes(ctx context.Context, sizes map[string]int64, query string, args []any) error {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var digest string
		var size int64
		if err := rows.Scan(&digest, &size); err != nil {
			return err
		}
		sizes[digest] = size
	}
	return rows.Err()
}

// sorted is a list in order, each once.
func sorted(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
