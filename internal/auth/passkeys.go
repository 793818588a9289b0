package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/sqldb"
)

const (
	kindNewPasskey, kindUsedPasskey = "passkey.new", "passkey.used"
	// passkeyLife is how long one may take to find the phone and unlock it.
	passkeyLife = 5 * time.Minute
	// maxPasskeyName is in characters.
	maxPasskeyName = 100
)

// site is the server as a browser sees it, which passkeys are bound to.
type site struct{ rpID, origin string }

// siteOf says under which name passkeys are made and used, or why there can be none: browsers
// know them for names only, on pages that nobody on the way can have changed.
func siteOf(host string, secure bool) (site, error) {
	host = strings.ToLower(host)
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	name = strings.TrimSuffix(name, ".")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || name == "" {
		return site{}, errs.New(errs.Conflict, "Passkeys belong to a name, and this page was opened by an address. Open the server by its name, over https or as localhost.")
	}
	switch {
	case secure:
		return site{name, "https://" + host}, nil
	case name == "localhost" || strings.HasSuffix(name, ".localhost"):
		return site{name, "http://" + host}, nil
	}
	return site{}, errs.New(errs.Conflict, "Browsers use passkeys over https only. Turn TLS on, or open the server as localhost on its own machine.")
}

// relyingParty is the library, set up for the name that this request came to.
func relyingParty(ctx context.Context) (*webauthn.WebAuthn, error) {
	s, err := siteOf(httpd.Host(ctx), httpd.Secure(ctx))
	if err != nil {
		return nil, err
	}
	timeout := webauthn.TimeoutConfig{Timeout: passkeyLife, TimeoutUVD: passkeyLife}
	return webauthn.New(&webauthn.Config{
		RPID: s.rpID, RPDisplayName: totpIssuer, RPOrigins: []string{s.origin},
		AttestationPreference: protocol.PreferNoAttestation,
		// A passkey stands for name and password, so it must know its person and ask for a finger or PIN.
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
		Timeouts:               webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Some password managers send outputs that nobody asked for; none is used here.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
}

// passkeyOwner is a person as the library sees one.
type passkeyOwner struct {
	u    *User
	keys []webauthn.Credential
}

// WebAuthnID is the user handle that authenticators keep.
func (o passkeyOwner) WebAuthnID() []byte { return []byte(o.u.ID) }

// WebAuthnName is what authenticators list an account by.
func (o passkeyOwner) WebAuthnName() string { return o.u.Name }

// WebAuthnDisplayName is the name for people to read.
func (o passkeyOwner) WebAuthnDisplayName() string { return o.u.label() }

// WebAuthnCredentials are those that may be used, or must not be made again.
func (o passkeyOwner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

// owner is a person with the passkeys of rows.
func owner(u *User, rows ...passkeyRow) (passkeyOwner, error) {
	o := passkeyOwner{u: u}
	for _, r := range rows {
		var c webauthn.Credential
		if err := json.Unmarshal([]byte(r.credential), &c); err != nil {
			return o, err
		}
		o.keys = append(o.keys, c)
	}
	return o, nil
}

// beginPasskey asks a browser for a new passkey of a person.
func (a *Auth) beginPasskey(ctx context.Context, u *User) (id string, options *protocol.CredentialCreation, err error) {
	party, err := relyingParty(ctx)
	if err != nil {
		return "", nil, err
	}
	rows, err := a.store.passkeys(ctx, u.ID)
	if err != nil {
		return "", nil, err
	}
	if len(rows) >= maxPasskeys {
		return "", nil, errs.Newf(errs.Conflict, "You have %d passkeys, which is the most. Remove one first.", len(rows))
	}
	o, err := owner(u, rows...)
	if err != nil {
		return "", nil, err
	}
	options, session, err := party.BeginRegistration(o, webauthn.WithExclusions(webauthn.Credentials(o.keys).CredentialDescriptors()))
	if err != nil {
		return "", nil, err
	}
	data, err := json.Marshal(session)
	if err != nil {
		return "", nil, err
	}
	id = newSecret()
	c := challenge{id: hashOf(id), kind: kindNewPasskey, userID: u.ID, data: string(data), expires: a.now().Add(passkeyLife).UnixMicro()}
	return id, options, a.store.replaceChallenge(ctx, c)
}

// newPasskey checks what a browser made after beginPasskey, and says what to keep.
func (a *Auth) newPasskey(ctx context.Context, u *User, id, name string, answer []byte) (*passkeyRow, error) {
	party, err := relyingParty(ctx)
	if err != nil {
		return nil, err
	}
	if name, err = cleanPasskeyName(name); err != nil {
		return nil, err
	}
	userID, data, err := a.store.takeChallenge(ctx, hashOf(id), kindNewPasskey, a.now().UnixMicro())
	if err != nil && !errors.Is(err, sqldb.ErrNoRows) {
		return nil, err
	}
	if err != nil || userID != u.ID {
		return nil, errPasskeyLate(errs.NotFound)
	}
	var session webauthn.SessionData
	if err := json.Unmarshal([]byte(data), &session); err != nil {
		return nil, err
	}
	if session.RelyingPartyID != party.Config.RPID {
		return nil, errs.New(errs.Invalid, "The passkey was asked for under another name of this server. Try again.")
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "This is no passkey that a browser made.", err)
	}
	made, err := party.CreateCredential(passkeyOwner{u: u}, session, parsed)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "The passkey does not fit what was asked for. Try again, on this server's own page.", err)
	}
	made.Attestation = webauthn.CredentialAttestation{} // nobody asks again who built the authenticator
	credential, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	return &passkeyRow{id: uuid.NewString(), credentialID: credentialName(made.ID), userID: u.ID, rpID: party.Config.RPID, name: name,
		credential: string(credential), created: a.now().UnixMicro()}, nil
}

func errPasskeyLate(kind errs.Kind) error {
	return errs.New(kind, "That took too long, or was done already. Try again.")
}

// credentialName is what an authenticator calls a passkey, as text.
func credentialName(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

func cleanPasskeyName(name string) (string, error) {
	name = strings.TrimSpace(toUTF8(name))
	if name == "" || utf8.RuneCountInString(name) > maxPasskeyName {
		return "", errs.Newf(errs.Invalid, "A passkey has a name of 1 to %d characters, so that you know later which device it is on.", maxPasskeyName)
	}
	return name, nil
}

// wayLeft is a Conflict unless a person could still come in: by a password, a passkey or the
// OpenID provider.
func (a *Auth) wayLeft(ctx context.Context, tx *sqldb.Tx, userID string) error {
	u, err := a.store.user(ctx, tx, userID)
	if err != nil || u.password != "" || u.passkeys > 0 {
		return err
	}
	issuers, err := a.store.issuers(ctx, tx, userID)
	if err != nil || a.config.OIDC.on() && slices.Contains(issuers, a.config.OIDC.Issuer) {
		return err
	}
	return errs.New(errs.Conflict, "This is the only way into your account. Set a password or add another passkey first.")
}
