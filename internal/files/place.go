package files

import (
	"context"

	"homeserver/internal/platform/identity"
)

// destination is where an upload shall go: into a folder, or into a file as its new content.
type destination struct {
	folder     string // "" or mine: the root of one's own tree
	onConflict conflict
	shared     bool

	replaces string  // the id of a file; folder, onConflict and shared mean nothing then
	match    ifMatch // what the file must still be
}

// aimed is what an upload knows of where it shall go, beside its owner and folder.
type aimed struct {
	who      identity.Principal
	conflict conflict // what is done if its name is taken; "" keeps both
	replaces string   // the id of the file whose content it becomes; "" for a file of its own
	match    ifMatch  // what that file must still be
}

// aim gives an upload its destination, if the principal of ctx may put something there. It
// reads at most a row and may be asked before the content comes, so that nobody sends for
// nothing. Whatever door content comes through, aim and then keep are its way in; the transaction
// looks again.
func (f *Files) aim(ctx context.Context, u *upload, to destination) error {
	p := identity.From(ctx)
	u.actor, u.Revision = p.UserID, 1
	u.aimed = aimed{who: p, conflict: to.onConflict, replaces: to.replaces, match: to.match}
	if to.replaces != "" {
		row, err := f.store.find(ctx, to.replaces)
		if err == nil {
			err = gateIf(p, to.match, identity.ChangeFile)(row)
		}
		if err != nil {
			return err
		}
		u.Owner, u.Folder, u.audience = row.Owner, row.Folder, row.audience
		return nil
	}
	u.Owner, u.Folder = p.UserID, rootOf(p.UserID)
	if id := folderID(p, to.folder); id != u.Folder {
		d, err := f.intoFolder(ctx, id)
		if err != nil {
			return err
		}
		u.Owner, u.Folder = d.Owner, d.ID
	}
	u.share(to.shared)
	return nil
}

// placed is what became of an upload.
type placed struct {
	file     File
	replaced bool     // it is the new content of a file that was there
	err      error    // why it alone was not stored
	warnings []string // sentences for whoever sent it
}
