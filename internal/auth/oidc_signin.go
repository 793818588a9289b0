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
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

const (
	// nameless is the name of an account whose provider gave none that can be used.
	nameless = "person"
	// maxNamesakes is how many people of one name get a number.
	maxNamesakes = 1000
)

// usedFlow notes that a flow was used, in the transaction that it leads to.
func (a *Auth) usedFlow(ctx context.Context, f flow) func(tx *sqldb.Tx) error {
	return func(tx *sqldb.Tx) error {
		fresh, err := markUsed(ctx, tx, hashOf(f.State), kindUsedOIDC, a.now().Add(oidcLife).UnixMicro())
		if err != nil || !fresh {
			return orElse(err, errFlow())
		}
		return nil
	}
}

func errFlow() error {
	return errs.New(errs.Unauthenticated, "This sign-in was begun in another browser, under another name of this server, or too long ago. Try again.")
}

// allowed is the role that somebody's groups give, whether by themselves or for want of any.
func (a *Auth) allowed(c *claims) (role identity.Role, mapped bool, err error) {
	if role = a.config.OIDC.roleOf(c.groups); role != "" {
		return role, true, nil
	}
	if role = identity.Role(a.config.OIDC.DefaultRole); role != "" {
		return role, false, nil
	}
	return "", false, errs.Newf(errs.Forbidden, "You are known to %s, but in none of the groups that may come in here. Ask an administrator.", a.config.OIDC.Name)
}

// enter signs in whoever the provider vouches for, and makes an account at the first time. An
// account that has the same name stays another's: only its own person links it.
func (a *Auth) enter(ctx context.Context, f flow, c *claims, from client) (secret string, err error) {
	role, mapped, err := a.allowed(c)
	if err != nil {
		a.recordAs(ctx, "", "signin.failed", c.Login, "single sign-on: no group")
		return "", err
	}
	u, err := a.store.userByIdentity(ctx, a.store.db, a.config.OIDC.Issuer, c.subject)
	switch {
	case err != nil:
		return "", err
	case u == nil:
		return a.enterFirst(ctx, f, c, role, from)
	case u.Disabled:
		a.recordAs(ctx, "", "signin.failed", u.Name, "single sign-on: disabled")
		return "", errs.New(errs.Forbidden, "This account is disabled. Ask an administrator.")
	case u.Role != role && (mapped || u.Role == identity.Administrator && len(a.config.OIDC.AdminGroups) > 0):
		if err := a.followGroups(ctx, u, role); err != nil {
			return "", err
		}
	}
	secret, _, err = a.begin(ctx, u, byOIDC, from, a.usedFlow(ctx, f))
	if err == nil {
		a.recordAs(ctx, u.Name, "signin", u.Name, byOIDC)
	}
	return secret, err
}

// followGroups gives a person the role of their groups, but never takes the house its last
// administrator.
func (a *Auth) followGroups(ctx context.Context, u *User, role identity.Role) error {
	text := string(role)
	theirs := identity.With(ctx, identity.Principal{Method: identity.Session, UserID: u.ID, Name: u.Name, Role: u.Role})
	_, err := a.ChangeUser(theirs, u.ID, UserChange{Role: &text})
	if errs.Is(err, errs.Conflict) {
		a.log.Warn("the OpenID provider's groups would take the last administrator away; the role stays", "account", u.Name, "groups_say", text)
		return nil
	}
	return err
}

// enterFirst makes an account and its session at once.
func (a *Auth) enterFirst(ctx context.Context, f flow, c *claims, role identity.Role, from client) (secret string, err error) {
	u := &User{ID: uuid.NewString(), Role: role, created: a.now().UnixMicro()}
	if u.DisplayName, err = cleanDisplayName(c.Name); err != nil {
		u.DisplayName = "" // the name of the account will do
	}
	secret, _, err = a.begin(ctx, u, byOIDC, from, a.usedFlow(ctx, f), func(tx *sqldb.Tx) (err error) {
		if u.Name, err = a.freeName(ctx, tx, c); err != nil {
			return err
		}
		if err := insertUser(ctx, tx, u); err != nil {
			return err
		}
		return a.addIdentity(ctx, tx, u, c)
	})
	if err == nil {
		a.recordAs(ctx, u.Name, "user.added", u.Name, "role "+string(u.Role)+", by single sign-on")
		a.recordAs(ctx, u.Name, "signin", u.Name, byOIDC)
	}
	return secret, err
}

func (a *Auth) addIdentity(ctx context.Context, tx *sqldb.Tx, u *User, c *claims) error {
	added, err := insertIdentity(ctx, tx, identityRow{issuer: a.config.OIDC.Issuer, subject: c.subject, userID: u.ID, created: a.now().UnixMicro()})
	if err != nil || !added {
		return orElse(err, errs.Newf(errs.Conflict, "This account of %s belongs to somebody else here already.", a.config.OIDC.Name))
	}
	return nil
}

// freeName is a name for a new account that nobody has.
func (a *Auth) freeName(ctx context.Context, tx *sqldb.Tx, c *claims) (string, error) {
	local, _, _ := strings.Cut(c.Email, "@")
	wanted := nameless
	for _, text := range []string{c.Login, local, c.Name} {
		if text = usableName(text); text != "" {
			wanted = text
			break
		}
	}
	name := wanted
	for i := 2; i < maxNamesakes; i++ {
		_, err := a.store.userByName(ctx, tx, name)
		if errs.Is(err, errs.NotFound) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		suffix := fmt.Sprintf("-%d", i)
		name = cutRunes(wanted, maxName-len(suffix)) + suffix
	}
	return "", errs.New(errs.Conflict, "Too many people here have this name. Ask an administrator for an account.")
}

// usableName is what is left of a name that was made elsewhere.
func usableName(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("._-@", r):
			return r
		case r == ' ':
			return '.'
		}
		return -1
	}, norm.NFC.String(strings.TrimSpace(toUTF8(text))))
	return cutRunes(text, maxName)
}

func cutRunes(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}

// link adds an identity to the account of whoever is signed in and began the flow.
func (a *Auth) link(ctx context.Context, f flow, c *claims) (*renewed, error) {
	if f.Link != identity.From(ctx).UserID {
		return nil, errFlow()
	}
	if _, _, err := a.allowed(c); err != nil {
		return nil, err
	}
	u, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	linked, err := a.store.userByIdentity(ctx, a.store.db, a.config.OIDC.Issuer, c.subject)
	if err != nil {
		return nil, err
	}
	answer, err := a.rotate(ctx, u, func(tx *sqldb.Tx) error {
		if err := a.usedFlow(ctx, f)(tx); err != nil {
			return err
		}
		if linked != nil && linked.ID == u.ID {
			return nil
		}
		return a.addIdentity(ctx, tx, u, c)
	})
	if err == nil {
		a.record(ctx, "identity.linked", u.Name, a.config.OIDC.Issuer)
	}
	return answer, err
}
