package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

const (
	// tokenPrefix tells our tokens from API_KEY and from others' to people and secret scanners.
	tokenPrefix = "hs_"
	// appGroup and appLength make an app password that can be typed on a television: 100 bits of
	// base 32 in groups of five.
	appGroup, appLength = 5, 20
	// hintLength is how many of a secret's last characters are kept to tell it from others.
	hintLength = 4
	// maxTokens is how many an account may have.
	maxTokens = 100
	// maxTokenName is in characters.
	maxTokenName = 100
)

// NewToken is what is needed for a token or an app password.
type NewToken struct {
	Kind, Name string
	Scopes     []string
	Days       int // 0 never expires
}

// AddToken makes a token of a person. Its secret is returned here and never again.
func (a *Auth) AddToken(ctx context.Context, u *User, n NewToken) (secret string, row tokenRow, err error) {
	row = tokenRow{id: uuid.NewString(), userID: u.ID, kind: kind(n.Kind), created: a.now().UnixMicro()}
	row.name = strings.TrimSpace(toUTF8(n.Name))
	if row.name == "" || utf8.RuneCountInString(row.name) > maxTokenName {
		return "", row, errs.Newf(errs.Invalid, "A token has a name of 1 to %d characters, so that you know later what it is for.", maxTokenName)
	}
	if row.scopes, err = cleanScopes(n.Scopes); err != nil {
		return "", row, err
	}
	if n.Days > 0 {
		row.expires = a.now().Add(time.Duration(n.Days) * 24 * time.Hour).UnixMicro()
	}
	switch row.kind {
	case kindToken:
		secret = tokenPrefix + newSecret()
	case kindApp:
		secret = newAppPassword()
	default:
		return "", row, errs.New(errs.Invalid, "kind is token or app_password.")
	}
	row.hash, row.hint = hashOf(secret), secret[len(secret)-hintLength:]
	texts := make([]string, len(row.scopes))
	for i, s := range row.scopes {
		texts[i] = string(s)
	}
	err = a.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		count, err := countTokens(ctx, tx, u.ID)
		if err != nil {
			return err
		}
		if count >= maxTokens {
			return errs.Newf(errs.Conflict, "You have %d tokens, which is the most. Revoke one first.", count)
		}
		return insertToken(ctx, tx, &row, strings.Join(texts, " "))
	})
	if err == nil {
		a.record(ctx, "token.made", row.name, string(row.kind)+" for "+strings.Join(texts, ", "))
	}
	return secret, row, err
}

func newAppPassword() string {
	return grouped(strings.ToLower(rand.Text()[:appLength]), appGroup)
}

// cleanScopes checks scopes and drops repetitions.
func cleanScopes(list []string) ([]identity.Scope, error) {
	var scopes []identity.Scope
	for _, text := range list {
		s := identity.Scope(text)
		if !slices.Contains(identity.Scopes(), s) {
			return nil, errs.Newf(errs.Invalid, "%q is no scope; there are files:read, files:write, monitoring:read and admin.", text)
		}
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	if len(scopes) == 0 {
		return nil, errs.New(errs.Invalid, "Choose at least one scope: files:read, files:write, monitoring:read or admin.")
	}
	return scopes, nil
}

// RemoveToken revokes a token of a person.
func (a *Auth) RemoveToken(ctx context.Context, u *User, id string) error {
	var name string
	err := a.change(ctx, func(tx *sqldb.Tx) (err error) {
		name, err = deleteToken(ctx, tx, u.ID, id)
		if errors.Is(err, sqldb.ErrNoRows) {
			return errs.New(errs.NotFound, "There is no such token.")
		}
		return err
	})
	if err == nil {
		a.record(ctx, "token.revoked", name, "")
	}
	return err
}
