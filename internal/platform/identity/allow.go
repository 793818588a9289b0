package identity

import (
	"slices"

	"homeserver/internal/platform/errs"
)

// Scope is what a token may be used for.
type Scope string

// The scopes a token can bear.
const (
	ScopeFilesRead      Scope = "files:read"
	ScopeFilesWrite     Scope = "files:write"
	ScopeMonitoringRead Scope = "monitoring:read"
	// ScopeAdmin is everything that its person's role may do but for the account itself.
	ScopeAdmin Scope = "admin"
)

// Scopes lists all scopes.
func Scopes() []Scope {
	return []Scope{ScopeFilesRead, ScopeFilesWrite, ScopeMonitoringRead, ScopeAdmin}
}

// Action is something that an operation does. Every operation that is not public names one.
type Action string

// The actions that the gate knows. What it does not know it forbids.
const (
	ListFiles      Action = "files.list"            // those that one may read
	ReadFile       Action = "files.read"            // metadata and content
	CreateFile     Action = "files.create"          // a new file of one's own
	ChangeFile     Action = "files.change"          // rename, tag, delete, restore
	ReadVersions   Action = "files.versions.read"   // what a file's content once was
	ChangeVersions Action = "files.versions.change" // go back to it, keep it, forget it
	ShareFile      Action = "files.share"           // with the household, or no longer
	ManageFiles    Action = "files.manage"          // how the library is kept: retention, quotas, integrity, backups
	ReadMonitoring Action = "monitoring.read"       // how the machine is doing
	// ManageMonitoring is what is watched: rules, silences, and taking note of alerts.
	ManageMonitoring Action = "monitoring.manage"
	ManageAccount    Action = "account.manage"  // one's own password, passkeys, sessions, tokens
	KeepPreference   Action = "preference.keep" // how one's own pages are arranged
	ManageUsers      Action = "users.manage"    // everybody's accounts, invitations
	ReadAudit        Action = "audit.read"      // who did what
	// ManageNotifications is where notifications go, and what was told.
	ManageNotifications Action = "notifications.manage"
)

// Object is what the gate must know of a thing to decide.
type Object struct {
	// Owner is the account that the thing belongs to; "" is the household.
	Owner string
	// Shared says that the owner shares it with the household. What belongs to the household is
	// always shared.
	Shared bool
}

func (o Object) shared() bool { return o.Shared || o.Owner == "" }

// rule is a line of the permission table.
type rule struct {
	scope Scope
	roles []Role
	// object says whether a role that does not see all may do it to o. nil: to any.
	object func(p Principal, o Object) bool
}

// own: one's own and what is shared. Guests own nothing, and so only meet what is shared.
func own(p Principal, o Object) bool { return o.shared() || o.Owner == p.UserID }

// mine: one's own only. Nobody but administrators stops sharing what is the household's.
func mine(p Principal, o Object) bool { return o.Owner != "" && o.Owner == p.UserID }

// kept: one's own and the household's. What somebody's file once was is not shared with it: its
// owner shares what it is.
func kept(p Principal, o Object) bool { return o.Owner == "" || o.Owner == p.UserID }

// ruleOf is the permission table.
func ruleOf(a Action) (rule, bool) {
	everyone, members, administrators := []Role{Administrator, Member, Guest}, []Role{Administrator, Member}, []Role{Administrator}
	switch a {
	case ListFiles:
		return rule{ScopeFilesRead, everyone, nil}, true
	case ReadFile:
		return rule{ScopeFilesRead, everyone, own}, true
	case CreateFile:
		return rule{ScopeFilesWrite, members, nil}, true
	case ChangeFile:
		return rule{ScopeFilesWrite, members, own}, true
	case ReadVersions:
		return rule{ScopeFilesRead, members, kept}, true
	case ChangeVersions:
		return rule{ScopeFilesWrite, members, kept}, true
	case ShareFile:
		return rule{ScopeFilesWrite, members, mine}, true
	case ReadMonitoring:
		return rule{ScopeMonitoringRead, members, nil}, true
	case ManageAccount, KeepPreference:
		return rule{"", everyone, nil}, true
	case ManageFiles, ManageMonitoring, ManageUsers, ReadAudit, ManageNotifications:
		return rule{ScopeAdmin, administrators, nil}, true
	}
	return rule{}, false
}

// Allow is the one gate: whether p may do a to o. Every door asks it by what the object is,
// never by the path that leads there.
func Allow(p Principal, a Action, o Object) bool {
	if Refusal(p, a) != nil {
		return false
	}
	r, _ := ruleOf(a)
	return p.SeesAll() || r.object == nil || r.object(p, o)
}

// Refusal says why p may not do a to anything at all, and nil if there may be something: what
// a door asks before it knows the object. The error is Unauthenticated for nobody, else Forbidden.
func Refusal(p Principal, a Action) error {
	r, known := ruleOf(a)
	switch {
	case !p.Authenticated():
		return errs.New(errs.Unauthenticated, "Sign in first, or send a token as a Bearer token or as X-API-Key.")
	case !known:
		return errs.New(errs.Forbidden, "Nobody may do this.")
	case !slices.Contains(r.roles, p.Role):
		return errs.Newf(errs.Forbidden, "The role %s may not do this.", p.Role)
	case p.Method == None && (a == ManageUsers || a == ReadAudit):
		return errs.New(errs.Forbidden, "This server asks nobody who they are (AUTH=none), so accounts are managed at its terminal only: homeserver user --help.")
	case a == ManageAccount && p.Method != Session:
		return errs.New(errs.Forbidden, "An account is managed by its person, signed in with a browser, not with a key or token.")
	case !p.hasScope(r.scope):
		return errs.Newf(errs.Forbidden, "This token lacks the scope %s.", r.scope)
	}
	return nil
}
