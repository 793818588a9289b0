package files

import (
	"context"
	"maps"
	"slices"

	"homeserver/internal/platform/sqldb"
)

// freeFrom is how many new files in one transaction are worth asking for their names together.
const freeFrom = 4

// mayMeet reports whether it matters to an upload that somebody bears its name.
func (u *upload) mayMeet() bool {
	return u.replaces == "" && u.conflict != "" && u.conflict != keepBoth
}

// freeNames finds which names of a batch, as folder/key, nobody bears in their folders, in a
// few questions instead of two for each file. The transaction holds the trees. Names that it
// does not return need a closer look.
func (s store) freeNames(ctx context.Context, tx *sqldb.Tx, batch []*upload) (map[string]bool, error) {
	free, keys, n := map[string]bool{}, map[string][]string{}, 0
	for _, u := range batch {
		if u.mayMeet() {
			keys[u.Folder] = append(keys[u.Folder], u.key)
			n++
		}
	}
	if n < freeFrom {
		return free, nil
	}
	for _, folder := range slices.Sorted(maps.Keys(keys)) {
		for some := range slices.Chunk(keys[folder], rowsAtOnce) {
			for _, key := range some {
				free[folder+"/"+key] = true
			}
			taken, err := s.takenKeys(ctx, tx, folder, some)
			if err != nil {
				return nil, err
			}
			for _, key := range taken {
				delete(free, folder+"/"+key)
			}
		}
	}
	return free, nil
}

// takenKeys returns which of keys files or folders bear in a folder.
func (s store) takenKeys(ctx context.Context, tx *sqldb.Tx, folder string, keys []string) ([]string, error) {
	for keys = slices.Clone(keys); len(keys) < rowsAtOnce; { // one text, that stays compiled
		keys = append(keys, keys[0])
	}
	in := listText(2, len(keys))
	return sqldb.Texts(ctx, tx, `SELECT f.name_key FROM file_metadata f WHERE f.folder_id = $1 AND f.name_key IN (`+in+`) AND f.deleted_at IS NULL
		UNION SELECT d.name_key FROM folders d WHERE d.parent_id = $1 AND d.name_key IN (`+in+`) AND d.deleted_at IS NULL`, append([]any{folder}, anys(keys)...)...)
}
