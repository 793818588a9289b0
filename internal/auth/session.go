package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	cookieName = "homeserver_session"
	// sessionLife is how long a page stays signed in, as long as the key stays the same.
	sessionLife = 30 * 24 * time.Hour
)

// issue makes a cookie value: expiry (Unix seconds), a nonce, and their HMAC-SHA256.
func (a *Auth) issue() string {
	payload := strconv.FormatInt(a.now().Add(sessionLife).Unix(), 36) + "." + rand.Text()
	return payload + "." + a.sign(payload)
}

// valid reports whether value was issued under the present key and has not expired.
func (a *Auth) valid(value string) bool {
	cut := strings.LastIndexByte(value, '.')
	if cut < 0 || !hmac.Equal([]byte(a.sign(value[:cut])), []byte(value[cut+1:])) {
		return false
	}
	expiry, _, _ := strings.Cut(value, ".")
	seconds, err := strconv.ParseInt(expiry, 36, 64)
	return err == nil && a.now().Unix() < seconds
}

func (a *Auth) sign(payload string) string {
	mac := hmac.New(sha256.New, a.signing)
	mac.Write([]byte(payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// cookie is the session cookie with a value for life; no life removes it.
func cookie(value string, life time.Duration, secure bool) http.Cookie {
	c := http.Cookie{Name: cookieName, Value: value, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	c.MaxAge = int(life.Seconds())
	if life <= 0 {
		c.MaxAge = -1
	}
	return c
}
