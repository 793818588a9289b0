package auth

import (
	"context"
	"strings"
	"sync"
	"testing"

	"homeserver/internal/auth/password"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// TestSignInOvertaken changes the account between the moment that a sign-in has proved who it
// is and the one in which its session begins.
func TestSignInOvertaken(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		yes, no := true, false
		for name, change := range map[string]func(u *User) error{
			"carl changes the password": func(u *User) error { return d.SetPassword(t.Context(), u.Name, "another good password") },
			"dora is disabled": func(u *User) error {
				_, err := d.ChangeUser(t.Context(), u.ID, UserChange{Disabled: &yes})
				return err
			},
		} {
			d.add(strings.Fields(name)[0], "member")
			u, err := d.byName(t.Context(), strings.Fields(name)[0], goodPassword, "")
			if err != nil {
				t.Fatal(err)
			}
			if err := change(u); err != nil {
				t.Fatal(err)
			}
			if _, _, err := d.begin(t.Context(), u, byPassword, client{}); !errs.Is(err, errs.Unauthenticated) {
				t.Errorf("%s: the session began all the same (%v)", name, err)
			}
			if _, err := d.ChangeUser(t.Context(), u.ID, UserChange{Disabled: &no}); err != nil {
				t.Fatal(err)
			}
			if list, err := d.store.sessions(t.Context(), u.ID, 0); err != nil || len(list) != 0 {
				t.Errorf("%s: got %v %v, want no session", name, list, err)
			}
		}
	})
}

// TestLinksOfTheMighty: whoever is no administrator any more lets nobody in either.
func TestLinksOfTheMighty(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		mal, bob := d.add("mal", "administrator"), d.add("bob", "member")
		session := d.signIn("mal")
		var invited newInvitationBody
		session.expect("POST", "/api/v1/invitations", map[string]any{"role": "administrator", "expires_days": 90}, 200).decode(t, &invited)
		var reset codeBody
		session.expect("POST", "/api/v1/users/"+bob.ID+"/reset", nil, 200).decode(t, &reset)
		member := "member"
		if _, err := d.ChangeUser(t.Context(), mal.ID, UserChange{Role: &member}); err != nil {
			t.Fatal(err)
		}
		for _, code := range []string{invited.Code, reset.Code} {
			d.visitor().expect("POST", "/api/v1/invitations/accept", map[string]string{"code": code, "name": "mal2", "password": goodPassword}, 404)
		}
	})
}

// TestParallelGuesses tries many passwords at once: those that wait for their turn are not
// looked at when those before them were wrong.
func TestParallelGuesses(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		// Hashed as in a household, so that all of them are there before the first has its answer.
		d.passwords = password.New(password.Memory)
		d.add("eve", "member")
		var mu sync.Mutex
		looked := 0
		var all sync.WaitGroup
		for range 4 * freeGuesses {
			all.Go(func() {
				if d.visitor("X-Forwarded-For", "192.0.2.1").do("POST", "/api/v1/session", map[string]string{"name": "eve", "password": "wrong password"}).status == 401 {
					mu.Lock()
					looked++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if looked > freeGuesses+4 { // as many hash at a time as there are slots
			t.Errorf("%d of %d guesses at once were looked at, want about %d", looked, 4*freeGuesses, freeGuesses)
		}
	})
}

// TestShortKeyIsNotTriedAtLeisure: a token that is right lifts no limit on guessing a short
// API_KEY; a long one is not guessed by anybody, and its household is not locked out.
func TestShortKeyIsNotTriedAtLeisure(t *testing.T) {
	for key, want := range map[string]int{"short-key-1": 429, "a-key-that-is-long-enough-0123456789": 204} {
		tables.Run(t, func(t *testing.T, db *sqldb.DB) {
			d := open(t, db, Config{APIKey: Secret(key)})
			d.add("gus", "guest")
			var token struct{ Secret string }
			d.signIn("gus").expect("POST", "/api/v1/account/tokens", map[string]any{"kind": "token", "name": "t", "scopes": []string{"files:read"}}, 200).decode(t, &token)
			d.visitor("X-API-Key", token.Secret).expect("GET", "/read", nil, 204)
			guesser := d.visitor("X-API-Key", "a wrong key")
			for range freeTokens + 1 {
				guesser.do("GET", "/read", nil)
			}
			if got := d.visitor("X-API-Key", key).do("GET", "/read", nil); got.status != want {
				t.Errorf("%q: got %d after %d wrong keys, want %d", key, got.status, freeTokens+1, want)
			}
			d.visitor("X-API-Key", token.Secret).expect("GET", "/read", nil, 204)
			if err := d.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestOpenHouseMakesNoAdministrators: what is open to everybody today must not leave behind
// somebody who may do everything tomorrow.
func TestOpenHouseMakesNoAdministrators(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, Config{Auth: "none"})
		v := d.visitor()
		v.expect("GET", "/write", nil, 204)
		v.expect("POST", "/api/v1/users", map[string]string{"name": "eve", "role": "administrator", "password": goodPassword}, 403)
		v.expect("POST", "/api/v1/invitations", map[string]string{"role": "administrator"}, 403)
		v.expect("GET", "/api/v1/audit", nil, 403)
	})
}

// TestSessionsOfTheKey can be listed and ended by whoever holds one.
func TestSessionsOfTheKey(t *testing.T) {
	const key = "a-key-that-is-long-enough-0123456789"
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, Config{APIKey: key})
		d.add("ada", "administrator")
		d.signIn("ada")
		here, lost := d.visitor(), d.visitor()
		for _, v := range []*visitor{here, lost} {
			v.expect("POST", "/api/v1/session", map[string]string{"api_key": key}, 200)
		}
		var list sessionsBody
		here.expect("GET", "/api/v1/account/sessions", nil, 200).decode(t, &list)
		if len(list.Sessions) != 2 {
			t.Errorf("got %+v, want the two that the key began", list)
		}
		here.expect("DELETE", "/api/v1/account/sessions", nil, 204)
		lost.expect("GET", "/read", nil, 401)
		here.expect("GET", "/read", nil, 204)
	})
}

func TestAppPasswordNeedsItsName(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		u, err := d.UserByName(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		secret, _, err := d.AddToken(identity.With(context.Background(), identity.Principal{}), u, NewToken{Kind: "app_password", Name: "a", Scopes: []string{"files:read"}})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]int{"ada": 204, "": 401, "bob": 401} {
			v := d.visitor("Authorization", basicAuth(name, secret))
			v.expect("GET", "/read", nil, want)
		}
	})
}
