package auth

import "context"

// checkSecondFactor reports whether code is right for a person who has a second factor, and
// errSecondFactor when none was given. Who has none needs none.
func (a *Auth) checkSecondFactor(_ context.Context, u *User, code string) (bool, error) {
	if u.totp == "" {
		return true, nil
	}
	if code == "" {
		return false, &errSecondFactor{}
	}
	return false, nil
}
