package files

import (
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// household is the owner of what belongs to nobody in particular, and the audience of what
// everybody in the house may see.
const household = ""

// Object is what the gate must know of the file.
func (f *File) Object() identity.Object {
	return identity.Object{Owner: f.Owner, Shared: f.shared()}
}

// shared reports whether everybody in the house may see the file.
func (f *File) shared() bool { return f.audience == household }

// share shows the file to everybody in the house, or to its owner alone. The household's are
// everybody's always.
func (f *File) share(shared bool) {
	f.audience = f.Owner
	if shared {
		f.audience = household
	}
}

// setShared does what a client asks for; nil asks for nothing.
func setShared(f *File, shared *bool) error {
	if shared == nil {
		return nil
	}
	if f.Owner == household && !*shared {
		return errs.Newf(errs.Invalid, "%q belongs to the household, so it is always shared. Nothing was changed.", f.Name)
	}
	f.share(*shared)
	return nil
}

// sharing says for the audit log what was done.
func sharing(shared bool) string {
	if shared {
		return "shared with the household"
	}
	return "no longer shared"
}

// gate asks the gate whether p may do all of actions to a file. Of what one may not even read
// one learns nothing: it is not found.
func gate(p identity.Principal, actions ...identity.Action) func(*File) error {
	return func(f *File) error {
		object := f.Object()
		for _, action := range actions {
			if identity.Allow(p, action, object) {
				continue
			}
			if !identity.Allow(p, identity.ReadFile, object) {
				return errNotFound()
			}
			return refused(p, action)
		}
		return nil
	}
}

// refused says why p may not do action to a file that p may read.
func refused(p identity.Principal, action identity.Action) error {
	if err := identity.Refusal(p, action); err != nil {
		return err
	}
	switch action {
	case identity.ReadVersions, identity.ChangeVersions:
		return errs.New(errs.Forbidden, "What a file once was is for its owner and administrators. You may read what it is.")
	case identity.ShareFile:
		return errs.New(errs.Forbidden, "Only the owner of a file and administrators decide whether it is shared. Nothing was changed.")
	}
	return errs.New(errs.Forbidden, "You may read this file, but not change it.")
}

// view is what of the library a principal's lists show: exactly what the gate lets them read.
// The zero view shows what is everybody's.
type view struct {
	all bool   // everything, without a filter
	own string // the account whose private files are shown beside everybody's; "" for none
}

func viewOf(p identity.Principal) view {
	return view{all: p.SeesAll(), own: p.UserID}
}

// filter is the audiences whose files the view shows, nil when it shows all.
func (v view) filter() []string {
	switch {
	case v.all:
		return nil
	case v.own == household:
		return []string{household}
	}
	return []string{household, v.own}
}
