package files

import (
	"context"
	"strconv"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// emptyPage is how many things in the trash are looked at together.
const emptyPage = 1000

// going is what shall go from the trash for good.
type going struct {
	ids   []string
	files map[string]int64 // by owner
}

func (g *going) add(t *Trashed) {
	g.ids = append(g.ids, t.ID)
	g.files[t.Owner] += t.files
}

// DeleteTrash destroys things in the trash for good, by their ids there: those that the principal
// of ctx may change. It returns them, which may have been restored meanwhile.
func (f *Files) DeleteTrash(ctx context.Context, ids []string, confirmed string) (gone []string, d destroyed, err error) {
	g := going{files: map[string]int64{}}
	may := gateTrash(identity.From(ctx), identity.ChangeFile)
	for _, id := range uniqueIDs(ids) {
		t, err := f.store.trashed(ctx, f.store.db, id)
		if err == nil {
			err = may(t)
		}
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return nil, d, err
		}
		g.add(t)
	}
	d, err = f.destroyConfirmed(ctx, g, confirmed)
	return g.ids, d, err
}

// EmptyTrash destroys everything in the trash for good that the principal of ctx may change.
func (f *Files) EmptyTrash(ctx context.Context, confirmed string) (destroyed, error) {
	p := identity.From(ctx)
	g, may := going{files: map[string]int64{}}, gateTrash(p, identity.ChangeFile)
	var after *trashPosition
	for {
		list, err := f.store.inTrash(ctx, viewOf(p), after, emptyPage)
		if err != nil {
			return destroyed{}, err
		}
		for i := range list {
			if may(&list[i]) == nil {
				g.add(&list[i])
			}
		}
		if len(list) < emptyPage {
			return f.destroyConfirmed(ctx, g, confirmed)
		}
		last := &list[len(list)-1]
		after = &trashPosition{last.At.UnixMicro(), last.ID}
	}
}

// destroyConfirmed destroys if it is little, or its number of files was said.
func (f *Files) destroyConfirmed(ctx context.Context, g going, confirmed string) (d destroyed, err error) {
	all, err := f.store.liveFiles(ctx)
	if err != nil {
		return d, err
	}
	for owner, n := range g.files {
		all[owner] += n
	}
	if err := confirm(g.files, all, confirmed); err != nil {
		return d, err
	}
	d, err = f.destroy(ctx, g.ids)
	if d.entries > 0 {
		f.lent.record(ctx, "files.destroy", "", strconv.Itoa(d.entries)+" things in the trash with "+strconv.Itoa(d.files)+" files")
	}
	return d, err
}
