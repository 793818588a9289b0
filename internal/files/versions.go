package files

import "homeserver/internal/platform/errs"

// errNotAdopted says that a file of the original cannot have versions before its content has a
// digest.
func errNotAdopted() error {
	return errs.New(errs.Conflict, "This file is only just being taken over from the old server. Nothing was changed; please try again in a moment.")
}
