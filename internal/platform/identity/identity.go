// Package identity says who is asking. The auth room fills in the Principal of a request;
// everybody else only reads it.
package identity

import "context"

// Method is the way a caller proved who they are.
type Method string

// The methods a caller can be known by.
const (
	Nobody  Method = ""        // no proof was given and one is asked for
	None    Method = "none"    // AUTH=none: nobody is asked
	Local   Method = "local"   // no API_KEY: only this machine can connect, and is trusted
	APIKey  Method = "api_key" // the administrator's key in a header
	Session Method = "session" // the cookie a page received for the key
)

// Principal is whoever makes a request.
type Principal struct {
	Method Method
	// Name identifies the principal in logs; it is never a secret.
	Name string
}

// Authenticated reports whether the principal may pass doors that ask for credentials.
func (p Principal) Authenticated() bool { return p.Method != Nobody }

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
