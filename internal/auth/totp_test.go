package auth

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"homeserver/internal/platform/sqldb"
)

// codeAt is what an authenticator app shows, some steps from now.
func (h *house) codeAt(secret string, steps int) string {
	h.Helper()
	code, err := totp.GenerateCode(secret, h.clock().Add(time.Duration(steps)*totpPeriod*time.Second))
	if err != nil {
		h.Fatal(err)
	}
	return code
}

// withTOTP sets an authenticator app up and returns its secret and the recovery codes.
func (b *browser) withTOTP() (string, []string) {
	b.h.Helper()
	begun := read[totpBody](b.do(http.MethodPost, "/api/v1/account/totp/begin", object{}).want(http.StatusOK))
	codes := read[recoveryBody](b.do(http.MethodPost, "/api/v1/account/totp", object{"id": begun.ID, "code": b.h.codeAt(begun.Secret, 0)}).want(http.StatusOK))
	return begun.Secret, codes.Codes
}

func TestTOTPSetup(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		b := h.signedIn(adaName, adaPassword)
		begun := read[totpBody](b.do(http.MethodPost, "/api/v1/account/totp/begin", object{}).want(http.StatusOK))
		if !strings.HasPrefix(begun.URI, "otpauth://totp/HomeServer:ada?") || !strings.Contains(begun.URI, "secret="+begun.Secret) {
			t.Errorf("got URI %s", begun.URI)
		}
		finish := func(who *browser, code string) reply {
			return who.do(http.MethodPost, "/api/v1/account/totp", object{"id": begun.ID, "code": code})
		}
		finish(b, "000000").want(http.StatusUnprocessableEntity)
		finish(h.signedIn(bobName, bobPassword), h.codeAt(begun.Secret, 0)).want(http.StatusNotFound)
		codes := read[recoveryBody](finish(b, h.codeAt(begun.Secret, 0)).want(http.StatusOK)).Codes
		if len(codes) != recoveryCodes || len(codes[0]) != recoveryLength+3 {
			t.Errorf("got recovery codes %q", codes)
		}
		finish(b, h.codeAt(begun.Secret, 0)).want(http.StatusNotFound)
		if b.who() != adaName {
			t.Error("the session did not go on after its secret was renewed")
		}
		b.do(http.MethodGet, "/api/v1/account", nil).want(http.StatusOK, `"totp":true`, `"recovery_codes_left":10`)
		b.do(http.MethodGet, "/api/v1/users", nil).want(http.StatusOK, `"totp":true`)

		u, err := h.auth.UserByName(t.Context(), adaName)
		if err != nil || u.totp == "" || strings.Contains(u.totp, begun.Secret) {
			t.Errorf("the secret is not sealed: %q (%v)", u.totp, err)
		}
		h.noCanary(append(codes, begun.Secret)...)
		if h.audited("totp.added", adaName) != 1 {
			t.Error("it is not in the audit log")
		}
	})
}

func TestTOTPSetupEnds(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		b := h.signedIn(adaName, adaPassword)
		begin := func() totpBody {
			return read[totpBody](b.do(http.MethodPost, "/api/v1/account/totp/begin", object{}).want(http.StatusOK))
		}
		finish := func(begun totpBody) reply {
			return b.do(http.MethodPost, "/api/v1/account/totp", object{"id": begun.ID, "code": h.codeAt(begun.Secret, 0)})
		}
		first, second := begin(), begin()
		finish(first).want(http.StatusNotFound)
		h.pass(totpSetupLife)
		finish(second).want(http.StatusNotFound)
		h.pass(provedFor)
		b.do(http.MethodPost, "/api/v1/account/totp/begin", object{}).want(http.StatusUnauthorized, typeConfirm)
		b.do(http.MethodDelete, "/api/v1/account/totp", nil).want(http.StatusUnauthorized, typeConfirm)
		b.do(http.MethodPost, "/api/v1/account/recovery-codes", object{}).want(http.StatusUnauthorized, typeConfirm)
	})
}

func TestTOTPSignIn(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		secret, _ := h.signedIn(adaName, adaPassword).withTOTP()
		b := h.browser()
		b.signIn(adaName, adaPassword, "").want(http.StatusUnauthorized, typeSecondFactor)
		b.signIn(adaName, adaPassword, h.codeAt(secret, 0)).want(http.StatusUnauthorized, detailWrong) // it confirmed the setup
		h.pass(totpPeriod * time.Second)
		b.signIn(adaName, "wrong password", h.codeAt(secret, 0)).want(http.StatusUnauthorized, detailWrong)
		for _, steps := range []int{-1, 2, 20} { // used, too early
			b.signIn(adaName, adaPassword, h.codeAt(secret, steps)).want(http.StatusUnauthorized, detailWrong)
		}
		typed := h.codeAt(secret, 0)
		b.signIn(adaName, adaPassword, " "+typed[:3]+" "+typed[3:]).want(http.StatusOK)
		b.signIn(adaName, adaPassword, typed).want(http.StatusUnauthorized, detailWrong)
		h.browser().signIn(adaName, adaPassword, h.codeAt(secret, 1)).want(http.StatusOK) // a clock that is ahead
		b.signIn(adaName, adaPassword, typed).want(http.StatusUnauthorized, detailWrong)  // earlier than the last used
		h.pass(3 * totpPeriod * time.Second)
		b.signIn(adaName, adaPassword, h.codeAt(secret, -1)).want(http.StatusOK) // a clock that is behind
		h.noCanary(secret, typed)
	})
}

func TestTOTPCodeWorksOnceAtOnce(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		secret, recovery := h.signedIn(adaName, adaPassword).withTOTP()
		h.pass(totpPeriod * time.Second)
		for _, code := range []string{h.codeAt(secret, 0), recovery[0]} {
			var group sync.WaitGroup
			var mu sync.Mutex
			statuses := map[int]int{}
			for range 4 {
				b := h.browser()
				group.Go(func() {
					status := b.signIn(adaName, adaPassword, code).status
					mu.Lock()
					defer mu.Unlock()
					statuses[status]++
				})
			}
			group.Wait()
			if statuses[http.StatusOK] != 1 || statuses[http.StatusUnauthorized] != 3 {
				t.Errorf("four sign-ins at once with one code: got %v want one success", statuses)
			}
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		b := h.signedIn(adaName, adaPassword)
		_, codes := b.withTOTP()
		h.browser().signIn(adaName, adaPassword, strings.ToLower(strings.ReplaceAll(codes[0], "-", " "))).want(http.StatusOK)
		h.browser().signIn(adaName, adaPassword, codes[0]).want(http.StatusUnauthorized, detailWrong)
		b.do(http.MethodGet, "/api/v1/account", nil).want(http.StatusOK, `"recovery_codes_left":9`)
		if h.audited("recovery_code.used", adaName) != 1 {
			t.Error("the use of a recovery code is not in the audit log")
		}
		renewed := read[recoveryBody](b.do(http.MethodPost, "/api/v1/account/recovery-codes", object{}).want(http.StatusOK)).Codes
		h.browser().signIn(adaName, adaPassword, codes[1]).want(http.StatusUnauthorized, detailWrong)
		h.browser().signIn(adaName, adaPassword, renewed[1]).want(http.StatusOK)
		h.browser().signIn(bobName, bobPassword, renewed[2]).want(http.StatusOK) // who has no second factor needs none

		b.do(http.MethodDelete, "/api/v1/account/totp", nil).want(http.StatusNoContent)
		b.do(http.MethodGet, "/api/v1/account", nil).want(http.StatusOK, `"totp":false`, `"recovery_codes_left":0`)
		b.do(http.MethodPost, "/api/v1/account/recovery-codes", object{}).want(http.StatusConflict)
		h.browser().signIn(adaName, adaPassword, "").want(http.StatusOK)
		h.noCanary(append(codes, renewed...)...)
	})
}

// TestLostSecondFactor is the way back in for whoever lost the app and the codes.
func TestLostSecondFactor(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		h.signedIn(adaName, adaPassword).withTOTP()
		if err := h.auth.SetPassword(t.Context(), adaName, "another long password"); err != nil {
			t.Fatal(err)
		}
		h.signedIn(adaName, "another long password")
		if h.audited("totp.removed", adaName) != 1 {
			t.Error("it is not in the audit log")
		}
	})
}
