package auth

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

// ticketPasskey is the purpose of tickets for signing in with a passkey. Anybody may ask for
// one, so the challenge is kept by whoever asked; that it was used is noted once it was.
const ticketPasskey = "passkey"

// detailPasskey says the same of a passkey that is unknown, removed or not right, and of a
// person who may not come in.
const detailPasskey = "This passkey does not open this server. Sign in another way."

// beginPasskeySignIn asks a browser to show any passkey that it has for this server.
func (a *Auth) beginPasskeySignIn(ctx context.Context) (ticket string, options *protocol.CredentialAssertion, err error) {
	party, err := relyingParty(ctx)
	if err != nil {
		return "", nil, err
	}
	options, session, err := party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return "", nil, err
	}
	ticket, err = a.keys.Load().ticket(ticketPasskey, session, a.now().Add(passkeyLife))
	return ticket, options, err
}

// passkeyProof is a passkey that was shown, and is right.
type passkeyProof struct {
	user      *User
	row       passkeyRow
	renewed   *webauthn.Credential // as it is after this use
	challenge string
}

// provePasskey checks what a browser answered to beginPasskeySignIn.
func (a *Auth) provePasskey(ctx context.Context, ticket string, answer []byte) (*passkeyProof, error) {
	party, err := relyingParty(ctx)
	if err != nil {
		return nil, err
	}
	var session webauthn.SessionData
	if !a.keys.Load().openTicket(ticketPasskey, ticket, a.now(), &session) {
		return nil, errPasskeyLate(errs.Unauthenticated)
	}
	proof := &passkeyProof{challenge: session.Challenge}
	right, err := a.guarded(ctx, "", nil, func() (bool, error) { return a.checkAssertion(ctx, party, session, answer, proof) })
	if err != nil {
		return nil, err
	}
	name := ""
	if proof.user != nil {
		name = proof.user.Name
	}
	switch {
	case !right:
		a.recordAs(ctx, "", "signin.failed", name, "passkey")
		return nil, errs.New(errs.Unauthenticated, detailPasskey)
	case proof.renewed.Authenticator.CloneWarning:
		a.recordAs(ctx, "", "passkey.copied", name, proof.row.name)
		return nil, errs.New(errs.Unauthenticated, "This passkey counts its uses, and the count went backwards: it may have been copied. Sign in another way and remove it from your account.")
	}
	return proof, nil
}

// checkAssertion reports whether an answer is right, and fills proof in as far as it came.
func (a *Auth) checkAssertion(ctx context.Context, party *webauthn.WebAuthn, session webauthn.SessionData, answer []byte, proof *passkeyProof) (bool, error) {
	if session.RelyingPartyID != party.Config.RPID {
		return false, nil
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return false, nil //nolint:nilerr // not what a browser sends: wrong, and nobody's fault here
	}
	proof.row, err = a.store.passkey(ctx, party.Config.RPID, credentialName(parsed.RawID))
	if errors.Is(err, sqldb.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if proof.user, err = a.store.user(ctx, a.store.db, proof.row.userID); err != nil {
		return false, err
	}
	o, err := owner(proof.user, proof.row)
	if err != nil {
		return false, err
	}
	_, proof.renewed, err = party.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return o, nil }, session, parsed)
	if err != nil {
		reason := err.Error()
		var why *protocol.Error
		if errors.As(err, &why) {
			reason = why.Details
		}
		a.log.Info("a passkey was refused", "account", proof.user.Name, "reason", reason)
		return false, nil
	}
	return !proof.user.Disabled, nil
}

// use notes in the transaction that begins the session that challenge and counter were used: of
// two sign-ins with one answer one succeeds.
func (p *passkeyProof) use(ctx context.Context, a *Auth) func(tx *sqldb.Tx) error {
	return func(tx *sqldb.Tx) error {
		fresh, err := markUsed(ctx, tx, hashOf(p.challenge), kindUsedPasskey, a.now().Add(passkeyLife).UnixMicro())
		if err != nil || !fresh {
			return orElse(err, errPasskeyLate(errs.Unauthenticated))
		}
		credential, err := json.Marshal(p.renewed)
		if err != nil {
			return err
		}
		same, err := usePasskey(ctx, tx, &p.row, string(credential), a.now().UnixMicro())
		if err != nil || !same {
			return orElse(err, errs.New(errs.Unauthenticated, "This passkey was used elsewhere at this very moment. Try again."))
		}
		return nil
	}
}
