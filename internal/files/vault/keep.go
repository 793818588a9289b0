package vault

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"homeserver/internal/platform/failpoint"
)

// Keep says which of the moments, oldest first, are kept: the newest n, and of the last n days,
// weeks and months that have any, the newest of each. n of 0 keeps everything.
func Keep(n int, moments []time.Time) []bool {
	kept := make([]bool, len(moments))
	if n <= 0 {
		for i := range kept {
			kept[i] = true
		}
		return kept
	}
	for i := max(len(moments)-n, 0); i < len(moments); i++ {
		kept[i] = true
	}
	periods := []func(time.Time) string{
		func(t time.Time) string { return t.UTC().Format("2006-01-02") },
		func(t time.Time) string { year, week := t.UTC().ISOWeek(); return fmt.Sprint(year, "-", week) },
		func(t time.Time) string { return t.UTC().Format("2006-01") },
	}
	for _, period := range periods {
		last, left := "", n
		for i := len(moments) - 1; i >= 0 && left > 0; i-- {
			if p := period(moments[i]); p != last {
				kept[i], last = true, p
				left--
			}
		}
	}
	return kept
}

// Thin removes snapshots that the rule of Keep does not keep, but never the newest, nor the
// newest that lacks nothing, nor the newest that has a history. It is called under the lock, and returns what it removed.
func (v *Vault) Thin(ctx context.Context, n int) (removed []string, err error) {
	list, broken, err := v.Snapshots()
	if err != nil {
		return nil, err
	}
	moments := make([]time.Time, len(list))
	needed := map[int]int{} // the newest of each kind, by what it has
	for i := range list {
		moments[i] = list[i].At
		if len(list[i].Lost) == 0 {
			needed[0] = i
		}
		if list[i].hasHistory() {
			needed[1] = i
		}
	}
	kept := Keep(n, moments)
	for _, i := range needed {
		kept[i] = true
	}
	for i := range list {
		if kept[i] || ctx.Err() != nil {
			continue
		}
		if err := v.remove(list[i].Name); err != nil {
			return removed, err
		}
		removed = append(removed, list[i].Name)
	}
	if len(removed) == 0 || len(broken) > 0 || ctx.Err() != nil {
		return removed, ctx.Err() // what a snapshot that cannot be read refers to is not known
	}
	return removed, v.sweep(ctx)
}

// remove removes a snapshot: its name first.
func (v *Vault) remove(name string) error {
	dir := filepath.Join(v.dir, snapshotsDir)
	away := filepath.Join(dir, "."+name+removedEnd)
	if err := os.Rename(filepath.Join(dir, name), away); err != nil {
		return v.explain(err)
	}
	if err := syncDir(dir); err != nil {
		return v.explain(err)
	}
	failpoint.Hit("backup-thinning")
	return v.explain(os.RemoveAll(away))
}

// sweep removes content that no snapshot refers to.
func (v *Vault) sweep(ctx context.Context) error {
	list, _, err := v.Snapshots()
	if err != nil {
		return err
	}
	readers := make([]*Contents, 0, len(list))
	defer func() {
		for _, r := range readers {
			r.Close()
		}
	}()
	for i := range list {
		// The list is trusted with what is removed, so it is compared with its digest first.
		p, _ := list[i].Part(ContentsPart)
		if err := v.checkPart(filepath.Join(v.dir, snapshotsDir, list[i].Name), p); err != nil {
			return err
		}
		r, err := v.Contents(list[i].Name)
		if err != nil {
			return err
		}
		readers = append(readers, r)
	}
	for folder := range folders {
		if err := ctx.Err(); err != nil {
			return err
		}
		found, err := v.List(folder)
		if err != nil {
			return err
		}
		for _, r := range readers {
			lines, err := r.Folder(folder)
			if err != nil {
				return err
			}
			for _, line := range lines {
				delete(found, line.SHA256)
			}
		}
		for digest := range found {
			if err := os.Remove(v.blobPath(digest)); err != nil {
				return v.explain(err)
			}
			failpoint.Hit("backup-sweeping")
		}
	}
	return v.sweepHistory(list)
}
