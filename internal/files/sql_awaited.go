package files

import (
	"context"
	"crypto/sha256"
	"encoding"
)

// awaited returns the digests of resumable uploads that are whole and no files yet. A crash
// between giving content its place and storing its row leaves such a one, and its sender may come
// again as long as the upload is kept, which is longer than the collector waits.
func (s store) awaited(ctx context.Context) (map[string]bool, error) {
	rows, err := s.db.Query(ctx, `SELECT hash_state FROM uploads WHERE file_id IS NULL AND offset_bytes = size AND hash_state IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	digests := map[string]bool{}
	for rows.Next() {
		var state []byte
		if err := rows.Scan(&state); err != nil {
			return nil, err
		}
		if sum := sha256.New(); sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state) == nil {
			digests[digestOf(sum)] = true
		}
	}
	return digests, rows.Err()
}
