package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

const (
	kindTOTP = "totp"
	// totpPeriod is how long a code is shown, in seconds, and totpDigits its length: what every
	// authenticator app knows (RFC 6238, with SHA-1).
	totpPeriod, totpDigits = 30, 6
	// totpSkew is how many codes before and after the present one are right: clocks differ, and
	// people type slowly.
	totpSkew = 1
	// totpSecretBytes is what RFC 4226 section 4 recommends.
	totpSecretBytes = 20
	// totpSetupLife is how long one may take to scan the picture and type the first code.
	totpSetupLife = 10 * time.Minute
	// totpIssuer is what authenticator apps call this server.
	totpIssuer = "HomeServer"
	// recoveryCodes is how many recovery codes there are; each is 80 bits of base 32, in groups
	// that can be written down.
	recoveryCodes, recoveryLength, recoveryGroup = 10, 16, 4
)

// totpPurpose binds a sealed secret to its person: another's, copied there, does not open.
func totpPurpose(userID string) string { return "totp:" + userID }

// checkSecondFactor reports whether code is right for a person who has a second factor, and
// errSecondFactor when none was given. Who has none needs none. A code that is right is used up.
func (a *Auth) checkSecondFactor(ctx context.Context, u *User, code string) (bool, error) {
	if u.totp == "" {
		return true, nil
	}
	if code == "" {
		return false, &errSecondFactor{}
	}
	digits := typedDigits(code)
	if digits == "" {
		return a.useRecoveryCode(ctx, u, code)
	}
	secret, err := a.keys.Load().open(totpPurpose(u.ID), u.totp)
	if err != nil {
		return false, errs.Wrap(errs.Conflict, "The server cannot read its two-factor secrets any more, because its key is another. Sign in with a recovery code.", err)
	}
	step, err := matchingStep(secret, digits, a.now(), u.totpStep)
	if err != nil || step == 0 {
		return false, err
	}
	return a.store.useStep(ctx, u, step)
}

// typedDigits is the code of an authenticator app, however it was typed, or "" if it is none.
func typedDigits(code string) string {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(code)
	if len(digits) != totpDigits || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return digits
}

// matchingStep returns the step that code belongs to, if it is one later than after: 0 says
// that the code is wrong, or was used.
func matchingStep(secret, code string, now time.Time, after int64) (int64, error) {
	current := now.Unix() / totpPeriod
	for step := current - totpSkew; step <= current+totpSkew; step++ {
		right, err := hotp.ValidateCustom(code, uint64(max(step, 0)), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, err
		}
		if right && step > after {
			return step, nil
		}
	}
	return 0, nil
}

func (a *Auth) useRecoveryCode(ctx context.Context, u *User, code string) (bool, error) {
	used, err := a.store.useRecoveryCode(ctx, u.ID, hashOf(cleanCode(code)))
	if err == nil && used {
		a.recordAs(ctx, u.Name, "recovery_code.used", u.Name, "")
	}
	return used, err
}

// newRecoveryCodes makes codes and what is kept of them.
func newRecoveryCodes() (codes, hashes []string) {
	for range recoveryCodes {
		code := rand.Text()[:recoveryLength]
		codes, hashes = append(codes, grouped(code, recoveryGroup)), append(hashes, hashOf(code))
	}
	return codes, hashes
}

// beginTOTP makes a secret for a person's authenticator app and keeps it aside until a first
// code shows that the app has it. Only the latest that was begun can be finished.
func (a *Auth) beginTOTP(ctx context.Context, u *User) (id, secret, uri string, err error) {
	if u.password == "" {
		return "", "", "", errs.New(errs.Conflict, "Codes are asked for beside a password, and this account has none. Set a password first.")
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: totpIssuer, AccountName: u.Name, Period: totpPeriod, SecretSize: totpSecretBytes,
		Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", "", "", err
	}
	id = newSecret()
	c := challenge{id: hashOf(id), kind: kindTOTP, userID: u.ID, data: a.keys.Load().seal(totpPurpose(u.ID), key.Secret()), expires: a.now().Add(totpSetupLife).UnixMicro()}
	return id, key.Secret(), key.URL(), a.store.replaceChallenge(ctx, c)
}

// checkTOTP compares the first code with a secret that beginTOTP kept. It throws nothing away:
// a code that was mistyped may be typed again.
func (a *Auth) checkTOTP(ctx context.Context, u *User, id, code string) (sealed string, step int64, err error) {
	sealed, err = a.store.lookChallenge(ctx, hashOf(id), kindTOTP, u.ID, a.now().UnixMicro())
	if errors.Is(err, sqldb.ErrNoRows) {
		return "", 0, errTOTPGone()
	}
	if err != nil {
		return "", 0, err
	}
	secret, err := a.keys.Load().open(totpPurpose(u.ID), sealed)
	if err != nil {
		return "", 0, errs.Wrap(errs.Conflict, "The server's key has changed meanwhile. Begin anew.", err)
	}
	if digits := typedDigits(code); digits != "" {
		step, err = matchingStep(secret, digits, a.now(), 0)
	}
	if err == nil && step == 0 {
		err = errs.New(errs.Invalid, "This is not the code that belongs to the secret. Type the one that the app shows now; the clocks of the phone and the server must agree.")
	}
	return sealed, step, err
}

func errTOTPGone() error {
	return errs.New(errs.NotFound, "This took too long, or was begun anew elsewhere. Begin again.")
}
