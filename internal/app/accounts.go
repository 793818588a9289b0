package app

import (
	"context"

	"homeserver/internal/auth"
	"homeserver/internal/platform/identity"
)

// The words of accounts, for the command line, which knows no rooms.
type (
	// Accounts are the people of the house.
	Accounts = auth.Auth
	// NewUser is what is needed for an account.
	NewUser = auth.NewUser
	// UserChange says what to change of an account.
	UserChange = auth.UserChange
	// User is one account.
	User = auth.User
)

// WithAccounts lets fn change accounts for somebody at a terminal; it may run beside a serving
// process, which notices within a second. The database is migrated first, as Serve does.
func (a *App) WithAccounts(ctx context.Context, fn func(context.Context, *Accounts) error) error {
	if err := a.migrateAtStart(ctx); err != nil {
		return err
	}
	if err := a.auth.Prepare(ctx); err != nil {
		return err
	}
	return fn(identity.With(ctx, identity.Principal{Method: identity.Terminal, Name: "terminal", Role: identity.Administrator}), a.auth)
}

// displayName and record lend the auth room to the others.
func (a *App) displayName(id string) string { return a.auth.DisplayName(id) }

func (a *App) record(ctx context.Context, action, target, detail string) {
	a.auth.Record(ctx, action, target, detail)
}
