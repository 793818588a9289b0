package files

import (
	"context"
	"errors"

	"homeserver/internal/platform/blob"
)

// versions looks for the content of older versions.
func (c *checker) versions(ctx context.Context) error {
	for after := ""; ; {
		list, err := c.f.store.versionContent(ctx, after, checkBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1].id
		for i := range list {
			if err := c.version(ctx, &list[i]); err != nil {
				return err
			}
		}
	}
}

func (c *checker) version(ctx context.Context, v *versionUse) error {
	info, err := c.f.blobs.Stat(ctx, v.SHA256)
	problem := Problem{ID: v.file, Filename: v.name, SHA256: v.SHA256, Path: blob.Path(v.SHA256), Size: v.Size, Found: info.Size}
	if err == nil && info.Size != v.Size {
		c.report.WrongSize = append(c.report.WrongSize, problem)
	}
	if !errors.Is(err, blob.ErrNotExist) {
		return err
	}
	there, err := c.f.store.hasVersion(ctx, v.id)
	if err != nil || !there { // destroyed since the rows were read
		return err
	}
	c.report.Missing = append(c.report.Missing, problem)
	return c.f.noteDamage(ctx, v.SHA256, contentLost, "", c.f.stillDamaged(v.SHA256, contentLost))
}

// damaged names the files whose content is damaged, whoever found out.
func (c *checker) damaged(ctx context.Context) error {
	for after := ""; ; {
		list, err := c.f.store.damagedDigests(ctx, after, damageBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1]
		for _, digest := range list {
			files, err := c.f.store.concerned(ctx, view{all: true}, digest, maxConcerned)
			if err != nil {
				return err
			}
			for i := range files {
				c.report.Damaged = append(c.report.Damaged, Problem{ID: files[i].ID, Filename: files[i].Name, SHA256: digest, Path: blob.Path(digest), Size: files[i].Size})
			}
		}
	}
}
