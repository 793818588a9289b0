package auth

import (
	"context"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/sqldb"
)

// Methods by which a session can begin, as its person sees them.
const (
	byPassword   = "password"
	byPasskey    = "passkey"
	byOIDC       = "oidc"
	byAPIKey     = "api_key"
	byInvitation = "invitation"
	bySetup      = "setup"
)

// maxAgent bounds the User-Agent that is kept with a session, in bytes.
const maxAgent = 300

const detailWrong = "The name or the password is not right."

// errSecondFactor says that the password was right and a code is needed.
type errSecondFactor struct{}

// Error is for the log.
func (*errSecondFactor) Error() string { return "a second factor is asked for" }

// tooMany says when a guess may be repeated.
type tooMany struct {
	error
	wait time.Duration
}

func newTooMany(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	return &tooMany{errs.Newf(errs.RateLimited, "Too many wrong attempts. Try again in %d seconds.", seconds), wait}
}

// Unwrap gives the kind and the sentence.
func (t *tooMany) Unwrap() error { return t.error }

// guarded looks at a guess if the limiter lets it, and counts it if it was wrong: look reports
// whether it was right, or an error that is nobody's fault.
func (a *Auth) guarded(ctx context.Context, account string, known func() bool, look func() (bool, error)) (bool, error) {
	address := httpd.ClientAddr(ctx)
	verdict := a.guesses.Ask(address, account, known)
	if verdict.Refuse > 0 {
		return false, newTooMany(verdict.Refuse)
	}
	if err := pause(ctx, verdict.Pause); err != nil {
		return false, err
	}
	right, err := look()
	if err == nil && !right {
		a.guesses.Wrong(address, account)
	}
	return right, err
}

// stillFree asks again when a guess has waited for its turn: others that waited with it may
// have been wrong.
func (a *Auth) stillFree(ctx context.Context, account string) error {
	if wait := a.guesses.Again(httpd.ClientAddr(ctx), account); wait > 0 {
		return newTooMany(wait)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// byName checks a name, a password and, for those who have one, a second factor. Whatever is
// wrong the answer is the same, and takes as long.
func (a *Auth) byName(ctx context.Context, name, password, code string) (*User, error) {
	u, err := a.store.userByName(ctx, a.store.db, name)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	if u == nil {
		u = &User{}
	}
	known := func() bool {
		ok, err := a.store.signedInFrom(ctx, u.ID, httpd.ClientAddr(ctx))
		return err == nil && ok
	}
	var second error
	right, err := a.guarded(ctx, nameKey(name), known, func() (bool, error) {
		ok, renew, err := a.passwords.Verify(ctx, u.password, password, func() error { return a.stillFree(ctx, nameKey(name)) })
		if err != nil || !ok || u.Disabled {
			return false, err
		}
		if renew {
			a.renew(ctx, u, password)
		}
		right, err := a.checkSecondFactor(ctx, u, code)
		if _, asks := err.(*errSecondFactor); asks { //nolint:errorlint // made right here
			second = err
			return true, nil
		}
		return right, err
	})
	switch {
	case err != nil:
		return nil, err
	case !right:
		a.recordAs(ctx, "", "signin.failed", u.Name, "") // not what was typed: it may be a password
		return nil, errs.New(errs.Unauthenticated, detailWrong)
	}
	return u, second
}

// renew keeps a hash that takes as much work as is usual now.
func (a *Auth) renew(ctx context.Context, u *User, password string) {
	encoded, err := a.passwords.Hash(ctx, password)
	renewed := false
	if err == nil {
		renewed, err = a.store.renewPassword(ctx, u.ID, u.password, encoded)
	}
	if err != nil {
		a.log.Debug("a password's hash could not be renewed", "error", err)
	}
	if renewed {
		u.password = encoded
	}
}

// stillStands makes sure, while changes of accounts wait, that what a sign-in has proved is
// still so: since then the person may have been disabled, or have changed the password.
func (a *Auth) stillStands(ctx context.Context, tx *sqldb.Tx, u *User, method string) error {
	if u == nil {
		return nil
	}
	now, err := a.store.user(ctx, tx, u.ID)
	switch {
	case errs.Is(err, errs.NotFound): // about to be made
		return nil
	case err != nil:
		return err
	case now.Disabled, method == byPassword && (now.password != u.password || now.totp != u.totp):
		return errs.New(errs.Unauthenticated, detailWrong)
	}
	return nil
}

// client is what is kept of who signs in.
type client struct{ address, agent, old string }

// begin begins a session of a person (nil: the household, by API_KEY) and returns its secret.
// The session that the client had before ends: each sign-in has a secret of its own.
func (a *Auth) begin(ctx context.Context, u *User, method string, c client, also ...func(tx *sqldb.Tx) error) (secret string, row *sessionRow, err error) {
	now := a.now()
	secret = newSecret()
	agent := c.agent
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	row = &sessionRow{id: uuid.NewString(), hash: hashOf(secret), method: method, address: c.address, agent: toUTF8(agent),
		created: now.UnixMicro(), proved: now.UnixMicro(), used: now.UnixMicro(), expires: now.Add(sessionIdle).UnixMicro()}
	if u != nil {
		row.userID = u.ID
	} else {
		row.keyDigest = a.keyDigest()
	}
	err = a.change(ctx, func(tx *sqldb.Tx) error {
		if err := a.stillStands(ctx, tx, u, method); err != nil {
			return err
		}
		for _, fn := range also {
			if err := fn(tx); err != nil {
				return err
			}
		}
		if c.old != "" {
			if _, err := endSessionByHash(ctx, tx, hashOf(c.old)); err != nil {
				return err
			}
		}
		return insertSession(ctx, tx, row)
	})
	return secret, row, err
}

// Setup makes the first administrator, for whoever brings a setup code.
func (a *Auth) Setup(ctx context.Context, code string, n NewUser, c client) (u *User, secret string, err error) {
	if !a.Closed() {
		return nil, "", errSetUp()
	}
	hash := hashOf(cleanCode(code))
	right, err := a.guarded(ctx, "", nil, func() (bool, error) { return a.store.hasChallenge(ctx, hash, kindSetup, a.now().UnixMicro()) })
	if err != nil {
		return nil, "", err
	}
	if !right {
		a.recordAs(ctx, "", "setup.failed", "", "")
		return nil, "", errs.New(errs.Forbidden, "This is not the setup code. It is in the server's log, after the latest start.")
	}
	n.Role = "administrator"
	if u, err = a.prepare(ctx, n); err != nil {
		return nil, "", err
	}
	secret, _, err = a.begin(ctx, u, bySetup, c, func(tx *sqldb.Tx) error {
		if count, err := countUsers(ctx, tx); err != nil || count > 0 {
			return orElse(err, errSetUp())
		}
		if err := dropChallenges(ctx, tx, kindSetup); err != nil {
			return err
		}
		return insertUser(ctx, tx, u)
	})
	if err == nil {
		a.recordAs(ctx, u.Name, "setup", u.Name, "")
	}
	return u, secret, err
}

func errSetUp() error {
	return errs.New(errs.Conflict, "This server has been set up already. Sign in instead.")
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
