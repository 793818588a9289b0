// Package identity says who is asking and what they may do. The auth room fills in the
// Principal of a request; everybody else only reads it and asks the one gate, [Allow].
package identity

import (
	"context"
	"slices"
	"time"
)

// Method is the way a caller proved who they are.
type Method string

// The methods a caller can be known by.
const (
	Nobody      Method = ""             // no proof was given and one is asked for
	None        Method = "none"         // AUTH=none: nobody is asked
	APIKey      Method = "api_key"      // API_KEY in a header
	Session     Method = "session"      // the cookie that a page received at sign-in
	Token       Method = "token"        // a personal access token in a header
	AppPassword Method = "app_password" // user name and app password (RFC 7617)
	Terminal    Method = "terminal"     // the command line on the server itself
)

// Role is what a person is in the household.
type Role string

// The roles, from the most to the least powerful.
const (
	Administrator Role = "administrator" // manages everything
	Member        Role = "member"        // keeps files of their own and shares the household's
	Guest         Role = "guest"         // reads what is shared with everyone
)

// Roles lists the roles, the most powerful first.
func Roles() []Role { return []Role{Administrator, Member, Guest} }

// Principal is whoever makes a request.
type Principal struct {
	Method Method
	// Name identifies the principal in logs; it is never a secret.
	Name string
	// UserID is the account, "" for API_KEY and AUTH=none, which act for the household.
	UserID string
	Role   Role
	// Scopes narrow what the role may: those of a token. nil narrows nothing.
	Scopes []Scope
	// Credential is the id of the session or token, "" when there is none.
	Credential string
	// Proved is when a session's person last showed a password, passkey or the like.
	Proved time.Time
	// Life ends when the credential is revoked or has expired, or its person was disabled:
	// whatever still runs for it must end then. nil never ends.
	Life context.Context //nolint:containedctx // a lifetime, not a request's context
}

// Authenticated reports whether the principal may pass doors that ask for credentials.
func (p Principal) Authenticated() bool { return p.Method != Nobody }

// SeesAll reports whether every object is visible to p, so that lists need no filter.
func (p Principal) SeesAll() bool { return p.Role == Administrator }

// Household is the principal of someone who is not asked who they are.
func Household() Principal {
	return Principal{Method: None, Name: "household", Role: Administrator}
}

// hasScope reports whether the credential may be used for something of scope s.
func (p Principal) hasScope(s Scope) bool {
	return p.Scopes == nil || slices.Contains(p.Scopes, s) || slices.Contains(p.Scopes, ScopeAdmin)
}

type contextKey struct{}

// With returns ctx carrying p.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the principal of ctx; without one, nobody.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}
