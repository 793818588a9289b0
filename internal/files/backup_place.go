package files

import (
	"path/filepath"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/errs"
)

// mayHoldBackups refuses a directory that would be lost together with what it is to save.
func (f *Files) mayHoldBackups(dir string) error {
	places := map[string]string{"STORAGE_PATH": f.blobs.Place(), "DATA_DIR": f.lent.DataDir}
	if file := f.store.db.Path(); file != "" {
		places["the database's directory"] = filepath.Dir(file)
	}
	for name, place := range places {
		if place != "" && vault.Inside(dir, place) {
			return errs.Newf(errs.Invalid, "%s lies inside %s (%s), and would be lost with it. Choose a directory on another drive.", dir, name, place)
		}
	}
	return nil
}
