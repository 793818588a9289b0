package auth

import (
	"context"
	"net/http"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

type totpBody struct {
	ID     string `json:"id" doc:"Send it with the first code"`
	Secret string `json:"secret" example:"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" doc:"For apps that cannot scan; it is shown this once"`
	URI    string `json:"uri" example:"otpauth://totp/HomeServer:ada?secret=JBSWY3DPEHPK3PXP&issuer=HomeServer" doc:"What the app scans as a QR code"`
}

type recoveryBody struct {
	Codes []string `json:"recovery_codes" nullable:"false" example:"[\"ABCD-EFGH-IJKL-MNOP\"]" doc:"Each stands for a code of the app, once; they are shown this once"`
}

// recoveryAnswer gives recovery codes and renews the session's cookie.
type recoveryAnswer struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      recoveryBody
}

func (a *Auth) totpRoutes(r *httpd.Router) {
	own := func(method, path, id, summary, description string) httpd.Op {
		return op(identity.ManageAccount, method, "/api/v1/account"+path, id, summary, description)
	}
	const confirms = " Asks to confirm who you are (401, urn:homeserver:confirm)."
	httpd.Register(r, own(http.MethodPost, "/totp/begin", "begin-totp", "Set an authenticator app up", "Gives a secret for the app; nothing changes until a first code comes back, within 10 minutes."+confirms), a.beginTOTPSetup)
	httpd.Register(r, own(http.MethodPost, "/totp", "finish-totp", "Ask for a code beside my password", "Takes the first code of the app and gives recovery codes. A wrong one may be corrected. Renews the session's cookie."), a.finishTOTPSetup)
	httpd.Register(r, empty(own(http.MethodDelete, "/totp", "remove-totp", "Ask for no code any more", "The recovery codes go with it. Renews the session's cookie."+confirms)), a.removeTOTP)
	httpd.Register(r, own(http.MethodPost, "/recovery-codes", "make-recovery-codes", "Make new recovery codes", "Those so far stop working. Renews the session's cookie."+confirms), a.makeRecoveryCodes)
}

func (a *Auth) beginTOTPSetup(ctx context.Context, _ *struct{}) (*out[totpBody], error) {
	if a.keys.Load().fleeting {
		return nil, errs.New(errs.Conflict, "This server forgets its key with every restart, and would then know no code any more. Its administrator must set SECRET_KEY first.")
	}
	u, err := a.confirmed(ctx)
	if err != nil {
		return nil, err
	}
	id, secret, uri, err := a.beginTOTP(ctx, u)
	return &out[totpBody]{totpBody{ID: id, Secret: secret, URI: uri}}, err
}

func (a *Auth) finishTOTPSetup(ctx context.Context, in *struct {
	Body struct {
		ID   string `json:"id" maxLength:"200"`
		Code string `json:"code" maxLength:"50" example:"123456"`
	}
}) (*recoveryAnswer, error) {
	u, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	sealed, step, err := a.checkTOTP(ctx, u, in.Body.ID, in.Body.Code)
	if err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes()
	answer, err := a.rotate(ctx, u, func(tx *sqldb.Tx) error {
		if there, err := dropChallenge(ctx, tx, hashOf(in.Body.ID), kindTOTP); err != nil || !there {
			return orElse(err, errTOTPGone())
		}
		if err := setTOTP(ctx, tx, u.ID, sealed, step); err != nil {
			return err
		}
		return setRecoveryCodes(ctx, tx, u.ID, hashes)
	})
	if err != nil {
		return nil, err
	}
	a.record(ctx, "totp.added", u.Name, "")
	return &recoveryAnswer{answer.SetCookie, recoveryBody{codes}}, nil
}

func (a *Auth) removeTOTP(ctx context.Context, _ *struct{}) (*renewed, error) {
	u, err := a.secured(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := a.rotate(ctx, u, func(tx *sqldb.Tx) error { return removeSecondFactor(ctx, tx, u.ID) })
	if err == nil {
		a.record(ctx, "totp.removed", u.Name, "")
	}
	return answer, err
}

func (a *Auth) makeRecoveryCodes(ctx context.Context, _ *struct{}) (*recoveryAnswer, error) {
	u, err := a.secured(ctx)
	if err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes()
	answer, err := a.rotate(ctx, u, func(tx *sqldb.Tx) error { return setRecoveryCodes(ctx, tx, u.ID, hashes) })
	if err != nil {
		return nil, err
	}
	a.record(ctx, "recovery_codes.made", u.Name, "")
	return &recoveryAnswer{answer.SetCookie, recoveryBody{codes}}, nil
}

// secured is confirmed for what only somebody with an authenticator app can do.
func (a *Auth) secured(ctx context.Context) (*User, error) {
	u, err := a.confirmed(ctx)
	if err == nil && u.totp == "" {
		err = errs.New(errs.Conflict, "This account asks for no code beside its password.")
	}
	return u, err
}
