package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// PasskeyBody is a passkey as its person sees it.
type PasskeyBody struct {
	ID        string     `json:"id"`
	Name      string     `json:"name" example:"phone"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at"`
}

func passkeyBodyOf(r *passkeyRow) PasskeyBody {
	return PasskeyBody{ID: r.id, Name: r.name, CreatedAt: time.UnixMicro(r.created).UTC(), UsedAt: timeOrNil(r.used)}
}

// ceremonyBody is the first half of making or showing a passkey.
type ceremonyBody struct {
	ID      string `json:"id" doc:"Send it with the browser's answer"`
	Options any    `json:"options" doc:"For navigator.credentials: {\"publicKey\": ...}, whose value PublicKeyCredential.parseCreationOptionsFromJSON or parseRequestOptionsFromJSON understands"`
}

// passkeyAnswer gives a new passkey and renews the session's cookie.
type passkeyAnswer struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      PasskeyBody
}

type passkeySignInInput struct {
	Browser
	Body struct {
		ID         string          `json:"id" maxLength:"4000"`
		Credential json.RawMessage `json:"credential" doc:"What the browser gave, as its toJSON() writes it"`
	}
}

type newPasskeyInput struct {
	Body struct {
		ID         string          `json:"id" maxLength:"200"`
		Name       string          `json:"name" maxLength:"400" example:"phone" doc:"Which device it is on"`
		Credential json.RawMessage `json:"credential" doc:"What the browser gave, as its toJSON() writes it"`
	}
}

func (a *Auth) passkeyRoutes(r *httpd.Router) {
	const path = "/api/v1/account"
	own := func(method, below, id, summary, description string) httpd.Op {
		return op(identity.ManageAccount, method, path+below, id, summary, description)
	}
	const confirms = " Asks to confirm who you are (401, urn:homeserver:confirm)."
	const session = "/api/v1/session/passkey"
	httpd.Register(r, op("", http.MethodPost, session+"/begin", "begin-passkey-sign-in", "Begin to sign in with a passkey",
		"Works within 5 minutes, once. Passkeys need a host name, over https or as localhost: 409 otherwise."), a.beginPasskeySession)
	httpd.Register(r, op("", http.MethodPost, session, "sign-in-with-passkey", "Sign in with a passkey", "It stands for name, password and code."), a.signInWithPasskey)
	httpd.Register(r, own(http.MethodPost, "/passkeys/begin", "begin-passkey", "Begin to add a passkey", "For the host name that the page was opened by, within 5 minutes."+confirms), a.beginNewPasskey)
	httpd.Register(r, own(http.MethodPost, "/passkeys", "add-passkey", "Add a passkey", "Renews the session's cookie."+confirms), a.addPasskey)
	httpd.Register(r, own(http.MethodPatch, "/passkeys/{id}", "rename-passkey", "Rename a passkey", ""), a.renamePasskey)
	httpd.Register(r, empty(own(http.MethodDelete, "/passkeys/{id}", "remove-passkey", "Remove a passkey", "409 if it is the only way into the account. Renews the session's cookie."+confirms)), a.removePasskey)
	httpd.Register(r, empty(own(http.MethodDelete, "/password", "remove-password", "Sign in without a password", "Needs a passkey, 409 without. Renews the session's cookie."+confirms)), a.removePassword)
}

func (a *Auth) beginPasskeySession(ctx context.Context, _ *struct{}) (*out[ceremonyBody], error) {
	if a.config.Open() {
		return nil, errOpen()
	}
	ticket, options, err := a.beginPasskeySignIn(ctx)
	return &out[ceremonyBody]{ceremonyBody{ticket, options}}, err
}

func (a *Auth) signInWithPasskey(ctx context.Context, in *passkeySignInInput) (*signedIn, error) {
	if a.config.Open() {
		return nil, errOpen()
	}
	proof, err := a.provePasskey(ctx, in.Body.ID, in.Body.Credential)
	if err != nil {
		return nil, refused(err)
	}
	return a.startSession(ctx, proof.user, byPasskey, in.client(ctx), proof.use(ctx, a))
}

func (a *Auth) beginNewPasskey(ctx context.Context, _ *struct{}) (*out[ceremonyBody], error) {
	u, err := a.confirmed(ctx)
	if err != nil {
		return nil, err
	}
	id, options, err := a.beginPasskey(ctx, u)
	return &out[ceremonyBody]{ceremonyBody{id, options}}, err
}

func (a *Auth) addPasskey(ctx context.Context, in *newPasskeyInput) (*passkeyAnswer, error) {
	u, err := a.confirmed(ctx)
	if err != nil {
		return nil, err
	}
	row, err := a.newPasskey(ctx, u, in.Body.ID, in.Body.Name, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	answer, err := a.rotate(ctx, u, func(tx *sqldb.Tx) error {
		added, err := insertPasskey(ctx, tx, row)
		if err != nil || !added {
			return orElse(err, errs.New(errs.Conflict, "This passkey is known already."))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.record(ctx, "passkey.added", u.Name, row.name)
	return &passkeyAnswer{answer.SetCookie, passkeyBodyOf(row)}, nil
}

func errNoPasskey() error { return errs.New(errs.NotFound, "There is no such passkey.") }

func (a *Auth) renamePasskey(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body struct {
		Name string `json:"name" maxLength:"400" example:"phone"`
	}
}) (*out[PasskeyBody], error) {
	u, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	name, err := cleanPasskeyName(in.Body.Name)
	if err != nil {
		return nil, err
	}
	var row passkeyRow
	err = a.store.db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		row, err = renamePasskey(ctx, tx, u.ID, in.ID, name)
		return err
	})
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errNoPasskey()
	}
	return &out[PasskeyBody]{passkeyBodyOf(&row)}, err
}

func (a *Auth) removePasskey(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*renewed, error) {
	u, err := a.confirmed(ctx)
	if err != nil {
		return nil, err
	}
	var name string
	answer, err := a.rotate(ctx, u, func(tx *sqldb.Tx) (err error) {
		name, err = deletePasskey(ctx, tx, u.ID, in.ID)
		if errors.Is(err, sqldb.ErrNoRows) {
			return errNoPasskey()
		}
		if err != nil {
			return err
		}
		return a.wayLeft(ctx, tx, u.ID)
	})
	if err == nil {
		a.record(ctx, "passkey.removed", u.Name, name)
	}
	return answer, err
}

func (a *Auth) removePassword(ctx context.Context, _ *struct{}) (*renewed, error) {
	u, err := a.confirmed(ctx)
	if err != nil {
		return nil, err
	}
	if u.password == "" {
		return nil, errs.New(errs.Conflict, "This account has no password.")
	}
	answer, err := a.rotate(ctx, u, func(tx *sqldb.Tx) error {
		n, err := countPasskeys(ctx, tx, u.ID)
		if err != nil || n == 0 {
			return orElse(err, errs.New(errs.Conflict, "Add a passkey first: without a password there would be no sure way into your account."))
		}
		return setPassword(ctx, tx, u.ID, "")
	})
	if err == nil {
		a.record(ctx, "password.removed", u.Name, "")
	}
	return answer, err
}
