package auth

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

const (
	// maxName and maxDisplayName are in characters: what fits a line of a phone, and then some.
	maxName, maxDisplayName = 64, 100
	// leastPassword is NIST SP 800-63B's spirit with a margin; mostPassword keeps hashing cheap.
	leastPassword, mostPassword = 10, 1000
	// leastVariety is how many different characters a password has at least.
	leastVariety = 4
)

// User is one account.
type User struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	DisplayName string        `json:"display_name"`
	Role        identity.Role `json:"role"`
	Disabled    bool          `json:"disabled"`

	password string // what is kept of it
	totp     string // sealed
	totpStep int64
	passkeys int
	created  int64
	used     int64
}

// label is the name for people to read.
func (u *User) label() string {
	if u.DisplayName != "" {
		return u.DisplayName
	}
	return u.Name
}

// nameKey is what must be unique of a name.
func nameKey(name string) string { return strings.ToLower(norm.NFC.String(strings.TrimSpace(name))) }

// cleanUserName checks the name of a new account.
func cleanUserName(name string) (string, error) {
	name = norm.NFC.String(strings.TrimSpace(name))
	if name == "" || utf8.RuneCountInString(name) > maxName {
		return "", errs.Newf(errs.Invalid, "A name has from 1 to %d characters.", maxName)
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-@", r) {
			return "", errs.New(errs.Invalid, "A name has only letters, digits and . _ - @.")
		}
	}
	return name, nil
}

// cleanDisplayName checks a name for people to read.
func cleanDisplayName(name string) (string, error) {
	name = strings.TrimSpace(norm.NFC.String(name))
	if utf8.RuneCountInString(name) > maxDisplayName {
		return "", errs.Newf(errs.Invalid, "A display name has at most %d characters.", maxDisplayName)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r) }) {
		return "", errs.New(errs.Invalid, "A display name has only characters that can be seen.")
	}
	return name, nil
}

// cleanRole checks a role.
func cleanRole(role string) (identity.Role, error) {
	for _, known := range identity.Roles() {
		if role == string(known) {
			return known, nil
		}
	}
	return "", errs.New(errs.Invalid, "A role is administrator, member or guest.")
}

// checkPassword says what is wrong with a new password.
func checkPassword(password, name string) error {
	length := utf8.RuneCountInString(password)
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	switch {
	case length < leastPassword:
		return errs.Newf(errs.Invalid, "The password is too short: it needs at least %d characters. A few words are easy to remember.", leastPassword)
	case length > mostPassword:
		return errs.Newf(errs.Invalid, "The password is longer than %d characters.", mostPassword)
	case len(different) < leastVariety:
		return errs.New(errs.Invalid, "The password is too easy to guess: it repeats the same few characters.")
	case name != "" && utf8.RuneCountInString(name) >= leastVariety && strings.Contains(strings.ToLower(password), strings.ToLower(name)):
		return errs.New(errs.Invalid, "The password contains the name, which makes it easy to guess.")
	}
	return nil
}

// NewUser is what is needed for an account.
type NewUser struct {
	Name, DisplayName, Role, Password string
}

// prepare checks everything and hashes the password.
func (a *Auth) prepare(ctx context.Context, n NewUser) (*User, error) {
	u := &User{ID: uuid.NewString(), created: a.now().UnixMicro()}
	var err error
	if u.Name, err = cleanUserName(n.Name); err != nil {
		return nil, err
	}
	if u.DisplayName, err = cleanDisplayName(n.DisplayName); err != nil {
		return nil, err
	}
	if u.Role, err = cleanRole(n.Role); err != nil {
		return nil, err
	}
	if err := checkPassword(n.Password, u.Name); err != nil {
		return nil, err
	}
	u.password, err = a.passwords.Hash(ctx, n.Password)
	return u, err
}

// AddUser makes an account.
func (a *Auth) AddUser(ctx context.Context, n NewUser) (*User, error) {
	u, err := a.prepare(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := a.change(ctx, func(tx *sqldb.Tx) error { return insertUser(ctx, tx, u) }); err != nil {
		return nil, err
	}
	a.record(ctx, "user.added", u.Name, "role "+string(u.Role))
	return u, nil
}

// change is store.change, and brings memory up to date at once.
func (a *Auth) change(ctx context.Context, fn func(tx *sqldb.Tx) error) error {
	httpd.Outlive(ctx) // it may be the caller's own session that ends
	if err := a.store.change(ctx, fn); err != nil {
		return err
	}
	// What is committed must take effect though the client has gone, and has taken effect though
	// memory cannot be brought up to date now: the next look does.
	if err := a.refresh(context.WithoutCancel(ctx)); err != nil {
		a.log.Warn("a change of accounts takes effect when the database answers again", "error", err)
	}
	return nil
}

// Users lists all accounts by name.
func (a *Auth) Users(ctx context.Context) ([]User, error) { return a.store.users(ctx) }

// UserChange says what to change of an account; nil leaves as it is.
type UserChange struct {
	DisplayName, Role *string
	Disabled          *bool
}

// ChangeUser changes an account. Another role, and being disabled, end its sessions; the
// latter its tokens as well, until it is enabled again.
func (a *Auth) ChangeUser(ctx context.Context, id string, c UserChange) (*User, error) {
	var u *User
	var before User
	err := a.change(ctx, func(tx *sqldb.Tx) (err error) {
		if u, err = a.store.user(ctx, tx, id); err != nil {
			return err
		}
		before = *u
		if err := c.apply(u); err != nil {
			return err
		}
		if before.Role == identity.Administrator && !before.Disabled && (u.Role != identity.Administrator || u.Disabled) {
			if n, err := otherAdministrators(ctx, tx, id); err != nil || n == 0 {
				return lastAdministrator(err)
			}
		}
		if u.Role != before.Role || u.Disabled {
			if _, err := endSessions(ctx, tx, id, ""); err != nil {
				return err
			}
		}
		if u.Disabled {
			if err := dropResets(ctx, tx, id); err != nil {
				return err
			}
		}
		if u.Disabled || u.Role != identity.Administrator {
			if err := dropMadeBy(ctx, tx, id); err != nil {
				return err
			}
		}
		return updateUser(ctx, tx, u, a.now().UnixMicro())
	})
	if err != nil {
		return nil, err
	}
	a.recordChange(ctx, &before, u)
	return u, nil
}

func lastAdministrator(err error) error {
	if err != nil {
		return err
	}
	return errs.New(errs.Conflict, "This is the last administrator. Make somebody else one first.")
}

func (c UserChange) apply(u *User) (err error) {
	if c.DisplayName != nil {
		if u.DisplayName, err = cleanDisplayName(*c.DisplayName); err != nil {
			return err
		}
	}
	if c.Role != nil {
		if u.Role, err = cleanRole(*c.Role); err != nil {
			return err
		}
	}
	if c.Disabled != nil {
		u.Disabled = *c.Disabled
	}
	return nil
}

func (a *Auth) recordChange(ctx context.Context, before, after *User) {
	if before.Role != after.Role {
		a.record(ctx, "user.role", after.Name, fmt.Sprintf("%s, before %s", after.Role, before.Role))
	}
	if before.Disabled != after.Disabled {
		action := "user.enabled"
		if after.Disabled {
			action = "user.disabled"
		}
		a.record(ctx, action, after.Name, "")
	}
	if before.DisplayName != after.DisplayName {
		a.record(ctx, "user.renamed", after.Name, "")
	}
}

// SetPassword gives an account a new password, takes its second factor away and ends its
// sessions, for an administrator at a terminal: it is the way back in for whoever lost the
// authenticator app and the recovery codes. Passkeys, tokens and app passwords stay.
func (a *Auth) SetPassword(ctx context.Context, name, password string) error {
	u, err := a.store.userByName(ctx, a.store.db, name)
	if err != nil {
		return err
	}
	if err := checkPassword(password, u.Name); err != nil {
		return err
	}
	encoded, err := a.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	err = a.change(ctx, func(tx *sqldb.Tx) error {
		if _, err := endSessions(ctx, tx, u.ID, ""); err != nil {
			return err
		}
		if err := dropResets(ctx, tx, u.ID); err != nil {
			return err
		}
		if err := removeSecondFactor(ctx, tx, u.ID); err != nil {
			return err
		}
		return setPassword(ctx, tx, u.ID, encoded)
	})
	if err == nil {
		a.record(ctx, "password.set", u.Name, "by an administrator")
		if u.totp != "" {
			a.record(ctx, "totp.removed", u.Name, "by an administrator")
		}
	}
	return err
}

// UserByName finds an account, whatever the case of its name.
func (a *Auth) UserByName(ctx context.Context, name string) (*User, error) {
	return a.store.userByName(ctx, a.store.db, name)
}
