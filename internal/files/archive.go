package files

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// maxArchive is how many files one archive may hold.
const maxArchive = 10_000

// notIncluded is the entry that tells of files whose content could not be read.
const notIncluded = "NOT INCLUDED.txt"

// archived is a file with its name in the archive.
type archived struct {
	File
	entry string
}

// planArchive finds those of the files that the principal of ctx may read, and gives each a name of its own, in the order of uploads.
func (f *Files) planArchive(ctx context.Context, ids []string) ([]archived, error) {
	if len(ids) == 0 || len(ids) > maxArchive {
		return nil, errs.Newf(errs.Invalid, "Name from 1 to %d files by their ids.", maxArchive)
	}
	rows, err := f.store.byIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	may := gate(identity.From(ctx), identity.ReadFile)
	rows = slices.DeleteFunc(rows, func(row File) bool { return may(&row) != nil })
	if len(rows) == 0 {
		return nil, errNotFound()
	}
	slices.SortFunc(rows, func(a, b File) int { return cmp.Or(a.Uploaded.Compare(b.Uploaded), cmp.Compare(a.ID, b.ID)) })
	names := uniqueNames{nameKey(notIncluded): true}
	list := make([]archived, len(rows))
	for i, row := range rows {
		list[i] = archived{row, names.take(safeEntry(row.Name))}
	}
	return list, nil
}

// writeArchive streams the zip. Content is stored as it is: photos and films do not get smaller.
func (f *Files) writeArchive(ctx context.Context, w io.Writer, list []archived) error {
	z := zip.NewWriter(w)
	var lost []string
	for i := range list {
		err := f.writeEntry(ctx, z, &list[i])
		damaged := errs.TypeOf(err) == typeDamaged
		if damaged && len(lost) == len(list)-1 {
			return err // there is nothing else
		}
		if damaged || errs.Is(err, errs.NotFound) {
			lost = append(lost, list[i].entry)
			continue
		}
		if err != nil {
			return err
		}
	}
	if len(lost) > 0 {
		entry, err := z.CreateHeader(&zip.FileHeader{Name: notIncluded, Method: zip.Store, Modified: f.now()})
		if err == nil {
			_, err = fmt.Fprintf(entry, "These files could not be included, because their content is not there or is damaged:\r\n\r\n%s\r\n", strings.Join(lost, "\r\n"))
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

func (f *Files) writeEntry(ctx context.Context, z *zip.Writer, row *archived) error {
	content, err := f.open(ctx, &row.File)
	if err != nil {
		return err
	}
	defer content.Close()
	entry, err := z.CreateHeader(&zip.FileHeader{Name: row.entry, Method: zip.Store, Modified: row.Uploaded})
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, readUntil{ctx, content})
	return err
}

// safeEntry makes a name that unpacks anywhere to one file in one folder.
func safeEntry(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimRight(name, ". ")
	if name == "" {
		return unnamed
	}
	return name
}

// uniqueNames are the names that are taken, compared as file systems without case do.
type uniqueNames map[string]bool

// take returns name, or "name (2).ext" and so on when it is taken.
func (u uniqueNames) take(name string) string {
	ext := path.Ext(name)
	if ext == name { // .profile has no extension
		ext = ""
	}
	candidate := name
	for n := 2; u[nameKey(candidate)]; n++ {
		candidate = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
	}
	u[nameKey(candidate)] = true
	return candidate
}
