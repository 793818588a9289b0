package vault

import (
	"context"
	"errors"
	"io"
	"path/filepath"
)

// Verified is what Verify found.
type Verified struct {
	Files   int64     `json:"files"`
	Bytes   int64     `json:"bytes"`
	Read    int64     `json:"read"`    // contents that were read again
	Missing []Content `json:"missing"` // not there, or of another size
	Damaged []Content `json:"damaged"` // not what their digests say; put aside
}

// OK reports whether nothing is wrong.
func (v *Verified) OK() bool { return len(v.Missing)+len(v.Damaged) == 0 }

// Verify looks at a snapshot: every part is compared with its digest, and every content must be
// there with its size, and every piece of the history. With all, content is read and compared with its digest, too; what is
// wrong is put aside, so that the next backup copies it anew.
func (v *Vault) Verify(ctx context.Context, s *Snapshot, all bool, progress func(files, bytes int64)) (Verified, error) {
	report := Verified{Missing: []Content{}, Damaged: []Content{}}
	for _, p := range s.Parts {
		if err := v.checkPart(filepath.Join(v.dir, snapshotsDir, s.Name), p); err != nil {
			return report, err
		}
	}
	list, err := v.Contents(s.Name)
	if err != nil {
		return report, err
	}
	defer list.Close()
	if err := v.VerifyContents(ctx, list, all, &report, progress); err != nil {
		return report, err
	}
	return report, v.verifyHistory(ctx, s, all, &report)
}

// VerifyContents is the part of Verify that looks at the content.
func (v *Vault) VerifyContents(ctx context.Context, list *Contents, all bool, report *Verified, progress func(files, bytes int64)) error {
	folder, found := "", map[string]int64{}
	for {
		c, err := list.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if c.SHA256[:2] != folder {
			folder = c.SHA256[:2]
			if found, err = v.List(folder); err != nil {
				return err
			}
		}
		if size, ok := found[c.SHA256]; !ok || size != c.Size {
			report.Missing = append(report.Missing, c)
			continue
		}
		if all {
			switch err := v.Check(ctx, c.SHA256); {
			case errors.Is(err, ErrDamaged):
				report.Damaged = append(report.Damaged, c)
				continue
			case err != nil:
				return err
			}
			report.Read++
		}
		report.Files++
		report.Bytes += c.Size
		if progress != nil {
			progress(report.Files, report.Bytes)
		}
	}
}
