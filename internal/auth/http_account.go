package auth

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

type accountBody struct {
	User        UserBody       `json:"user"`
	HasPassword bool           `json:"has_password" doc:"Whether one can sign in with a password"`
	TOTP        bool           `json:"totp" doc:"Whether a code is asked for beside the password"`
	CodesLeft   int            `json:"recovery_codes_left" example:"10" doc:"Recovery codes that were not used"`
	Passkeys    []PasskeyBody  `json:"passkeys" nullable:"false"`
	Identities  []identityBody `json:"identities" nullable:"false" doc:"At the household's OpenID provider"`
	CreatedAt   time.Time      `json:"created_at"`
}

type sessionBody struct {
	ID        string    `json:"id"`
	Current   bool      `json:"current" doc:"Whether it is the one that asks"`
	Method    string    `json:"method" enum:"password,passkey,oidc,api_key,invitation,setup" doc:"How it began"`
	Address   string    `json:"address" example:"192.168.1.20" doc:"Where it was last used from"`
	Agent     string    `json:"agent" doc:"The browser, as it describes itself"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type sessionsBody struct {
	Sessions []sessionBody `json:"sessions" nullable:"false"`
}

type passwordInput struct {
	Browser
	Body struct {
		Current string `json:"current,omitempty" maxLength:"2000" doc:"The password so far, for those who have one"`
		New     string `json:"new" maxLength:"2000"`
	}
}

// renewed is an empty answer that renews the session's cookie.
type renewed struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func (a *Auth) accountRoutes(r *httpd.Router) {
	own := func(method, path, id, summary, description string) httpd.Op {
		return op(identity.ManageAccount, method, "/api/v1/account"+path, id, summary, description)
	}
	httpd.Register(r, own(http.MethodGet, "", "get-account", "My account", ""), a.showAccount)
	httpd.Register(r, own(http.MethodPatch, "", "edit-account", "Change my name for people to read", ""), a.editAccount)
	httpd.Register(r, empty(own(http.MethodPut, "/password", "change-password", "Change my password", "Ends every other session, and renews this one's cookie.")), a.changePassword)
	httpd.Register(r, own(http.MethodGet, "/sessions", "list-sessions", "Where I am signed in", ""), a.listSessions)
	httpd.Register(r, empty(own(http.MethodDelete, "/sessions/{id}", "end-session", "Sign a device out", "What it has open ends within a second.")), a.endSession)
	httpd.Register(r, empty(own(http.MethodDelete, "/sessions", "end-other-sessions", "Sign all other devices out", "")), a.endOtherSessions)
}

func (a *Auth) showAccount(ctx context.Context, _ *struct{}) (*out[accountBody], error) {
	u, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	return a.account(ctx, u)
}

func (a *Auth) account(ctx context.Context, u *User) (*out[accountBody], error) {
	body := accountBody{User: bodyOf(u), HasPassword: u.password != "", TOTP: u.totp != "", Passkeys: []PasskeyBody{}, Identities: []identityBody{},
		CreatedAt: time.UnixMicro(u.created).UTC()}
	var err error
	if body.CodesLeft, err = a.store.recoveryCodesLeft(ctx, u.ID); err != nil {
		return nil, err
	}
	passkeys, err := a.store.passkeys(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	for i := range passkeys {
		body.Passkeys = append(body.Passkeys, passkeyBodyOf(&passkeys[i]))
	}
	issuers, err := a.store.issuers(ctx, a.store.db, u.ID)
	for _, issuer := range issuers {
		body.Identities = append(body.Identities, identityBody{issuer})
	}
	return &out[accountBody]{body}, err
}

func (a *Auth) editAccount(ctx context.Context, in *struct {
	Body struct {
		DisplayName string `json:"display_name" maxLength:"400" example:"Ada"`
	}
}) (*out[accountBody], error) {
	u, err := a.ChangeUser(ctx, identity.From(ctx).UserID, UserChange{DisplayName: &in.Body.DisplayName})
	if err != nil {
		return nil, err
	}
	return a.account(ctx, u)
}

// changePassword asks for the password so far (it counts as a guess), or for those who have
// none that they show who they are.
func (a *Auth) changePassword(ctx context.Context, in *passwordInput) (*renewed, error) {
	u, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	if u.password == "" {
		if _, err := a.confirmed(ctx); err != nil {
			return nil, err
		}
	} else {
		right, err := a.guarded(ctx, nameKey(u.Name), func() bool { return true }, func() (bool, error) {
			ok, _, err := a.passwords.Verify(ctx, u.password, in.Body.Current)
			return ok, err
		})
		if err != nil {
			return nil, refused(err)
		}
		if !right {
			return nil, errs.New(errs.Invalid, "The password so far is not right.")
		}
	}
	if err := checkPassword(in.Body.New, u.Name); err != nil {
		return nil, err
	}
	encoded, err := a.passwords.Hash(ctx, in.Body.New)
	if err != nil {
		return nil, err
	}
	answer, err := a.rotate(ctx, u, func(tx *sqldb.Tx) error {
		if _, err := endSessions(ctx, tx, u.ID, identity.From(ctx).Credential); err != nil {
			return err
		}
		return setPassword(ctx, tx, u.ID, encoded)
	})
	if err == nil {
		a.record(ctx, "password.changed", u.Name, "")
	}
	return answer, err
}

// rotate makes a change of what lets a person in, and gives the session a new secret with it.
func (a *Auth) rotate(ctx context.Context, u *User, fn func(tx *sqldb.Tx) error) (*renewed, error) {
	secret := newSecret()
	err := a.change(ctx, func(tx *sqldb.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return rotateSession(ctx, tx, identity.From(ctx).Credential, hashOf(secret))
	})
	if err != nil {
		return nil, err
	}
	return &renewed{[]http.Cookie{cookie(secret, sessionIdle, httpd.Secure(ctx))}}, nil
}

func (a *Auth) listSessions(ctx context.Context, _ *struct{}) (*out[sessionsBody], error) {
	who := identity.From(ctx)
	rows, err := a.store.sessions(ctx, who.UserID, a.now().UnixMicro())
	if err != nil {
		return nil, err
	}
	body := sessionsBody{Sessions: []sessionBody{}}
	for i := range rows {
		r := &rows[i]
		a.freshen(r)
		body.Sessions = append(body.Sessions, sessionBody{ID: r.id, Current: r.id == who.Credential, Method: r.method, Address: r.address, Agent: r.agent,
			CreatedAt: time.UnixMicro(r.created).UTC(), UsedAt: time.UnixMicro(r.used).UTC(), ExpiresAt: time.UnixMicro(r.expires).UTC()})
	}
	return &out[sessionsBody]{body}, nil
}

// freshen adds what memory knows and the database does not yet.
func (a *Auth) freshen(r *sessionRow) {
	a.credentials.mu.RLock()
	c := a.credentials.byHash[r.hash]
	a.credentials.mu.RUnlock()
	if c != nil {
		r.used, r.expires, r.address = c.used.Load(), c.expires.Load(), *c.from.Load()
	}
}

func (a *Auth) endSession(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	who := identity.From(ctx)
	err := a.change(ctx, func(tx *sqldb.Tx) error {
		n, err := endSession(ctx, tx, who.UserID, in.ID)
		if err == nil && n == 0 {
			err = errs.New(errs.NotFound, "There is no such session.")
		}
		return err
	})
	if err == nil {
		a.record(ctx, "session.ended", actorOf(who), "")
	}
	return nil, err
}

func (a *Auth) endOtherSessions(ctx context.Context, _ *struct{}) (*struct{}, error) {
	who := identity.From(ctx)
	err := a.change(ctx, func(tx *sqldb.Tx) error {
		_, err := endSessions(ctx, tx, who.UserID, who.Credential)
		return err
	})
	if err == nil {
		a.record(ctx, "sessions.ended", actorOf(who), "all others")
	}
	return nil, err
}
