package auth

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

const (
	// inviteLife is how long an invitation works when nobody says otherwise, and longestInvite
	// how long at most, in days.
	inviteLife, longestInvite = 7, 90
	// resetLife is how long a link to a new password works: it is sent to somebody who waits.
	resetLife = 24 * time.Hour
)

// Invite makes a link's code that lets somebody make an account.
func (a *Auth) Invite(ctx context.Context, role, name string, days int) (code string, i invitation, err error) {
	r, err := cleanRole(role)
	if err != nil {
		return "", i, err
	}
	if name != "" {
		if name, err = cleanUserName(name); err != nil {
			return "", i, err
		}
		if _, err := a.store.userByName(ctx, a.store.db, name); !errs.Is(err, errs.NotFound) {
			return "", i, orElse(err, errs.New(errs.Conflict, "This name is taken. Choose another."))
		}
	}
	if days == 0 {
		days = inviteLife
	}
	code, i, err = a.invite(ctx, invitation{role: string(r), name: name}, time.Duration(days)*24*time.Hour)
	if err == nil {
		a.record(ctx, "invitation.made", name, "role "+role)
	}
	return code, i, err
}

// Reset makes a link's code that lets a person choose a new password.
func (a *Auth) Reset(ctx context.Context, id string) (code string, i invitation, err error) {
	u, err := a.store.user(ctx, a.store.db, id)
	if err != nil {
		return "", i, err
	}
	if u.Disabled {
		return "", i, errs.New(errs.Conflict, "This account is disabled. Enable it first.")
	}
	code, i, err = a.invite(ctx, invitation{userID: u.ID, role: string(u.Role), name: u.Name}, resetLife)
	if err == nil {
		a.record(ctx, "password.reset", u.Name, "a link was made")
	}
	return code, i, err
}

func (a *Auth) invite(ctx context.Context, i invitation, life time.Duration) (string, invitation, error) {
	code, now := newSecret(), a.now()
	i.id, i.hash, i.createdBy = uuid.NewString(), hashOf(code), actorOf(identity.From(ctx))
	i.creatorID = identity.From(ctx).UserID
	i.created, i.expires = now.UnixMicro(), now.Add(life).UnixMicro()
	err := a.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if i.userID != "" { // the latest link is the one that works
			if err := dropResets(ctx, tx, i.userID); err != nil {
				return err
			}
		}
		return insertInvitation(ctx, tx, &i)
	})
	return code, i, err
}

func errNoInvitation() error {
	return errs.New(errs.NotFound, "This link does not work any more. Ask for a new one.")
}

// Look says what an invitation's code is for.
func (a *Auth) Look(ctx context.Context, code string) (i invitation, err error) {
	right, err := a.guarded(ctx, "", nil, func() (bool, error) {
		i, err = a.store.invitation(ctx, hashOf(code), a.now().UnixMicro())
		if errors.Is(err, sqldb.ErrNoRows) {
			return false, nil
		}
		return err == nil, err
	})
	if err == nil && !right {
		a.recordAs(ctx, "", "invitation.failed", "", "")
		err = errNoInvitation()
	}
	return i, err
}

// Accept makes the account of an invitation, or gives a person a new password, and signs in.
func (a *Auth) Accept(ctx context.Context, code string, n NewUser, c client) (u *User, secret string, err error) {
	i, err := a.Look(ctx, code)
	if err != nil {
		return nil, "", err
	}
	taken := func(tx *sqldb.Tx) error {
		_, err := takeInvitation(ctx, tx, hashOf(code), a.now().UnixMicro())
		if errors.Is(err, sqldb.ErrNoRows) {
			return errNoInvitation()
		}
		return err
	}
	if i.userID != "" {
		return a.acceptReset(ctx, i, n.Password, c, taken)
	}
	if i.name != "" {
		n.Name = i.name
	}
	n.Role = i.role
	if u, err = a.prepare(ctx, n); err != nil {
		return nil, "", err
	}
	secret, _, err = a.begin(ctx, u, byInvitation, c, taken, func(tx *sqldb.Tx) error { return insertUser(ctx, tx, u) })
	if err == nil {
		a.recordAs(ctx, u.Name, "invitation.accepted", u.Name, "role "+string(u.Role)+", invited by "+i.createdBy)
	}
	return u, secret, err
}

// acceptReset gives a person the new password. A second factor that they have is still asked
// for: the link only stands for the password.
func (a *Auth) acceptReset(ctx context.Context, i invitation, password string, c client, taken func(*sqldb.Tx) error) (*User, string, error) {
	u, err := a.store.user(ctx, a.store.db, i.userID)
	if err != nil {
		return nil, "", err
	}
	if err := checkPassword(password, u.Name); err != nil {
		return nil, "", err
	}
	encoded, err := a.passwords.Hash(ctx, password)
	if err != nil {
		return nil, "", err
	}
	renewed := func(tx *sqldb.Tx) error {
		if _, err := endSessions(ctx, tx, u.ID, ""); err != nil {
			return err
		}
		return setPassword(ctx, tx, u.ID, encoded)
	}
	if u.totp != "" {
		err = a.change(ctx, func(tx *sqldb.Tx) error {
			if err := taken(tx); err != nil {
				return err
			}
			return renewed(tx)
		})
		if err == nil {
			a.recordAs(ctx, u.Name, "password.set", u.Name, "by a link")
		}
		return u, "", err
	}
	secret, _, err := a.begin(ctx, u, byInvitation, c, taken, renewed)
	if err == nil {
		a.recordAs(ctx, u.Name, "password.set", u.Name, "by a link")
	}
	return u, secret, err
}
