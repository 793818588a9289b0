package auth

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// TestDisabledIsOut disables somebody through another copy of the server on the same database:
// sessions, tokens and what is open end at the next look, which is less than a second later.
func TestDisabledIsOut(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		bob := d.add("bob", "member")
		session := d.signIn("bob")
		var token struct{ Secret string }
		session.expect("POST", "/api/v1/account/tokens", map[string]any{"kind": "token", "name": "t", "scopes": []string{"files:read"}}, 200).decode(t, &token)
		program := d.visitor("X-API-Key", token.Secret)
		program.expect("GET", "/read", nil, 204)
		c, err := d.find(t.Context(), kindSession, strings.TrimPrefix(session.cookie, plainCookie+"="), "")
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		life := c.principal.Load().Life

		other := New(d.store.db, d.config, nil, d.clock.read)
		if err := other.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		yes, no := true, false
		if _, err := other.ChangeUser(t.Context(), bob.ID, UserChange{Disabled: &yes}); err != nil {
			t.Fatal(err)
		}
		if lookEvery >= time.Second {
			t.Error("changes are looked for less than once a second")
		}
		d.look(t.Context())
		if life.Err() == nil {
			t.Error("what was open goes on")
		}
		session.expect("GET", "/read", nil, 401)
		program.expect("GET", "/read", nil, 401)
		if got := d.visitor().do("POST", "/api/v1/session", map[string]string{"name": "bob", "password": goodPassword}); got.status != 401 || !strings.Contains(got.body, detailWrong) {
			t.Errorf("signing in: got %d %s", got.status, got.body)
		}
		if _, err := other.ChangeUser(t.Context(), bob.ID, UserChange{Disabled: &no}); err != nil {
			t.Fatal(err)
		}
		d.look(t.Context())
		program.expect("GET", "/read", nil, 204)
		session.expect("GET", "/read", nil, 401)
		d.signIn("bob")
	})
}

func TestRoles(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada, bob := d.signIn("ada"), d.add("bob", "guest")
		guest := d.signIn("bob")
		guest.expect("GET", "/read", nil, 204)
		guest.expect("GET", "/write", nil, 403)
		guest.expect("GET", "/machine", nil, 403)
		guest.expect("GET", "/api/v1/users", nil, 403)
		guest.expect("GET", "/api/v1/audit", nil, 403)
		// Another role means to sign in again: what is open began with other rights.
		ada.expect("PATCH", "/api/v1/users/"+bob.ID, map[string]any{"role": "member"}, 200)
		guest.expect("GET", "/read", nil, 401)
		member := d.signIn("bob")
		member.expect("GET", "/write", nil, 204)
		ada.expect("PATCH", "/api/v1/users/"+bob.ID, map[string]any{"role": "king"}, 422)
		ada.expect("PATCH", "/api/v1/users/nobody", map[string]any{"role": "guest"}, 404)
		// A token has what its person has, at most.
		var token struct{ Secret string }
		member.expect("POST", "/api/v1/account/tokens", map[string]any{"kind": "token", "name": "all", "scopes": []string{"admin"}}, 200).decode(t, &token)
		program := d.visitor("Authorization", "Bearer "+token.Secret)
		program.expect("GET", "/write", nil, 204)
		program.expect("GET", "/api/v1/users", nil, 403)
		program.expect("GET", "/api/v1/account", nil, 403)
		program.expect("POST", "/api/v1/account/tokens", map[string]any{"kind": "token", "name": "more", "scopes": []string{"admin"}}, 403)
	})
}

// TestLastAdministrator has two administrators take each other's rights away at once.
func TestLastAdministrator(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		users, err := d.Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		eve := d.add("eve", "administrator")
		ids := []string{users[0].ID, eve.ID}
		failures := make([]error, 2)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				member, yes := "member", true
				change := UserChange{Role: &member}
				if i == 1 {
					change = UserChange{Disabled: &yes}
				}
				_, failures[i] = d.ChangeUser(t.Context(), ids[i], change)
			})
		}
		all.Wait()
		if (failures[0] == nil) == (failures[1] == nil) {
			t.Fatalf("got %v, want that exactly one succeeds", failures)
		}
		for _, err := range failures {
			if err != nil && !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
		}
	})
}

func TestNamesAndPasswords(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada := d.signIn("ada")
		for _, c := range []struct {
			name, display, role, password string
			want                          int
		}{
			{"bob", "Bob", "member", goodPassword, 200},
			{"BOB", "", "member", goodPassword, 409},
			{"ada", "", "member", goodPassword, 409},
			{"", "", "member", goodPassword, 422},
			{"a b", "", "member", goodPassword, 422},
			{"<script>", "", "member", goodPassword, 422},
			{strings.Repeat("x", 65), "", "member", goodPassword, 422},
			{"eve", "Eve\u202eevE", "member", goodPassword, 422},
			{"eve", strings.Repeat("é", 101), "member", goodPassword, 422},
			{"eve", "Eve", "king", goodPassword, 422},
			{"eve", "Eve", "guest", "short", 422},
			{"eve", "Eve", "guest", strings.Repeat("a", 30), 422},
			{"margaret", "", "guest", "hello margaret!", 422},
			{"Zoë", "Zoë 🦊", "guest", "päßwörter sind gut", 200},
		} {
			body := map[string]any{"name": c.name, "display_name": c.display, "role": c.role, "password": c.password}
			if got := ada.do("POST", "/api/v1/users", body); got.status != c.want {
				t.Errorf("%q %q %q: got %d want %d: %s", c.name, c.role, c.password, got.status, c.want, got.body)
			}
		}
		// The same password as another keyboard composes it.
		v := d.visitor()
		v.expect("POST", "/api/v1/session", map[string]string{"name": "ZOE\u0308", "password": "pa\u0308ßwo\u0308rter sind gut"}, 200)
	})
}

func TestPasswordChange(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		here, there := d.signIn("ada"), d.signIn("ada")
		change := map[string]string{"current": "wrong wrong wrong", "new": "another good password"}
		here.expect("PUT", "/api/v1/account/password", change, 422)
		change["current"] = goodPassword
		before := here.cookie
		here.expect("PUT", "/api/v1/account/password", change, 204)
		if here.cookie == before {
			t.Error("the session's secret stayed the same")
		}
		here.expect("GET", "/read", nil, 204)
		there.expect("GET", "/read", nil, 401)
		d.visitor().expect("POST", "/api/v1/session", map[string]string{"name": "ada", "password": goodPassword}, 401)
		d.visitor().expect("POST", "/api/v1/session", map[string]string{"name": "ada", "password": change["new"]}, 200)
	})
}

// TestConfirm lets an old session do harmless things only.
func TestConfirm(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada := d.signIn("ada")
		token := map[string]any{"kind": "token", "name": "t", "scopes": []string{"files:read"}}
		ada.expect("POST", "/api/v1/account/tokens", token, 200)
		d.clock.advance(provedFor + time.Second)
		if got := ada.expect("POST", "/api/v1/account/tokens", token, 401); !strings.Contains(got.body, typeConfirm) {
			t.Errorf("got %s", got.body)
		}
		ada.expect("GET", "/api/v1/account/tokens", nil, 200)
		ada.expect("POST", "/api/v1/session", map[string]string{"name": "ada", "password": goodPassword}, 200)
		ada.expect("POST", "/api/v1/account/tokens", token, 200)
	})
}

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada := d.signIn("ada")
		for _, body := range []map[string]any{
			{"kind": "token", "name": " ", "scopes": []string{"files:read"}},
			{"kind": "token", "name": "x", "scopes": []string{}},
			{"kind": "token", "name": "x", "scopes": []string{"files:burn"}},
			{"kind": "key", "name": "x", "scopes": []string{"files:read"}},
			{"kind": "token", "name": "x", "scopes": []string{"files:read"}, "expires_days": 0},
		} {
			ada.expect("POST", "/api/v1/account/tokens", body, 422)
		}
		var token newTokenBody
		ada.expect("POST", "/api/v1/account/tokens", map[string]any{"kind": "token", "name": "script", "scopes": []string{"files:read", "files:read"}, "expires_days": 2}, 200).decode(t, &token)
		if !strings.HasPrefix(token.Secret, tokenPrefix) || !strings.HasSuffix(token.Secret, token.Hint) || len(token.Scopes) != 1 {
			t.Errorf("got %+v", token)
		}
		program := d.visitor("Authorization", "Bearer "+token.Secret, "X-Forwarded-For", "192.0.2.9")
		program.expect("GET", "/read", nil, 204)
		var list tokensBody
		got := ada.expect("GET", "/api/v1/account/tokens", nil, 200)
		got.decode(t, &list)
		if len(list.Tokens) != 1 || list.Tokens[0].UsedAt == nil || list.Tokens[0].UsedFrom != "192.0.2.9" || strings.Contains(got.body, token.Secret) {
			t.Errorf("got %s", got.body)
		}
		d.clock.advance(49 * time.Hour)
		program.expect("GET", "/read", nil, 401)
		ada.expect("GET", "/read", nil, 204)
		ada.expect("DELETE", "/api/v1/account/tokens/"+token.ID, nil, 204)
		ada.expect("DELETE", "/api/v1/account/tokens/"+token.ID, nil, 404)
	})
}

func TestInvitations(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada := d.signIn("ada")
		invite := func(body map[string]any) newInvitationBody {
			var made newInvitationBody
			ada.expect("POST", "/api/v1/invitations", body, 200).decode(t, &made)
			return made
		}
		accept := func(code, name string) answer {
			return d.visitor().do("POST", "/api/v1/invitations/accept", map[string]string{"code": code, "name": name, "password": goodPassword})
		}
		open := invite(map[string]any{"role": "member"})
		got := d.visitor().expect("POST", "/api/v1/invitations/look", map[string]string{"code": open.Code}, 200)
		if !strings.Contains(got.body, `"invited_by":"ada"`) || !strings.Contains(got.body, `"role":"member"`) {
			t.Errorf("got %s", got.body)
		}
		// Two people with one link: one gets in.
		results := make([]int, 2)
		var all sync.WaitGroup
		for i := range results {
			all.Go(func() { results[i] = accept(open.Code, fmt.Sprint("guest", i)).status })
		}
		all.Wait()
		if results[0]+results[1] != 200+404 {
			t.Errorf("got %v", results)
		}
		fixed := invite(map[string]any{"role": "guest", "name": "Carl"})
		if got := accept(fixed.Code, "somebody-else"); got.status != 200 || !strings.Contains(got.body, `"name":"Carl"`) || !strings.Contains(got.body, `"role":"guest"`) {
			t.Errorf("got %d %s", got.status, got.body)
		}
		revoked := invite(map[string]any{"role": "member"})
		ada.expect("DELETE", "/api/v1/invitations/"+revoked.ID, nil, 204)
		if got := accept(revoked.Code, "eve"); got.status != 404 {
			t.Errorf("revoked: got %d", got.status)
		}
		late := invite(map[string]any{"role": "member", "expires_days": 1})
		d.clock.advance(25 * time.Hour)
		if got := accept(late.Code, "eve"); got.status != 404 {
			t.Errorf("expired: got %d", got.status)
		}
		// A link for a new password: the latest works, once, and ends what was open.
		carl, err := d.UserByName(t.Context(), "carl")
		if err != nil {
			t.Fatal(err)
		}
		session := d.signIn("carl")
		var first, second codeBody
		ada.expect("POST", "/api/v1/users/"+carl.ID+"/reset", nil, 200).decode(t, &first)
		ada.expect("POST", "/api/v1/users/"+carl.ID+"/reset", nil, 200).decode(t, &second)
		renew := func(code string) int {
			return d.visitor().do("POST", "/api/v1/invitations/accept", map[string]string{"code": code, "password": "the new password of carl"}).status
		}
		if a, b := renew(first.Code), renew(second.Code); a != 404 || b != 422 {
			t.Errorf("got %d and %d, want 404 for the older link and 422 for a password with the name", a, b)
		}
		if got := d.visitor().do("POST", "/api/v1/invitations/accept", map[string]string{"code": second.Code, "password": "a new password indeed"}); got.status != 200 {
			t.Errorf("got %d %s", got.status, got.body)
		}
		session.expect("GET", "/read", nil, 401)
	})
}

// TestAudit expects who, what, when and from where, and no more.
func TestAudit(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada := d.signIn("ada", "X-Forwarded-For", "192.0.2.1")
		bob := d.add("bob", "member")
		ada.expect("PATCH", "/api/v1/users/"+bob.ID, map[string]any{"disabled": true}, 200)
		d.visitor("X-Forwarded-For", "192.0.2.66").expect("POST", "/api/v1/session", map[string]string{"name": "canary-password-typed-as-name", "password": "canary-password"}, 401)
		d.clock.advance(time.Second)
		var page entriesBody
		got := ada.expect("GET", "/api/v1/audit?limit=2", nil, 200)
		got.decode(t, &page)
		if len(page.Entries) != 2 || page.NextCursor == "" || strings.Contains(got.body, "canary") {
			t.Fatalf("got %s", got.body)
		}
		var rest entriesBody
		ada.expect("GET", "/api/v1/audit?cursor="+page.NextCursor, nil, 200).decode(t, &rest)
		seen := map[string]entryBody{}
		for _, e := range append(page.Entries, rest.Entries...) {
			seen[e.Action] = e
		}
		if e := seen["user.disabled"]; e.Actor != "ada" || e.Target != "bob" || e.Address != "192.0.2.1" || !e.At.Equal(d.clock.read().Add(-time.Second)) {
			t.Errorf("got %+v", e)
		}
		if e := seen["signin.failed"]; e.Actor != "" || e.Target != "" || e.Address != "192.0.2.66" {
			t.Errorf("got %+v", e)
		}
		if e := seen["signin"]; e.Actor != "ada" {
			t.Errorf("got %+v", e)
		}
		ada.expect("GET", "/api/v1/audit?cursor=nonsense", nil, 422)
		var some entriesBody
		ada.expect("GET", "/api/v1/audit?actor=ada&action=user.disabled", nil, 200).decode(t, &some)
		if len(some.Entries) != 1 {
			t.Errorf("got %+v", some)
		}
		d.clock.advance(auditKept)
		if err := d.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list, err := d.store.entries(t.Context(), auditQuery{beforeAt: d.clock.read().UnixMicro(), limit: 10}); err != nil || len(list) != 0 {
			t.Errorf("after a year: got %v %v", list, err)
		}
	})
}

// TestSeesNobody makes sure that a principal without a role may do nothing.
func TestSeesNobody(t *testing.T) {
	for _, action := range []identity.Action{identity.ListFiles, identity.ReadFile, identity.CreateFile, identity.ChangeFile, identity.ShareFile, identity.ReadMonitoring, identity.ManageAccount, identity.ManageUsers, identity.ReadAudit, identity.ManageFiles, identity.ManageNotifications, identity.ManageMonitoring, "", "unheard"} {
		if identity.Allow(identity.Principal{}, action, identity.Object{}) || identity.Allow(identity.Principal{Method: identity.Session, UserID: "x"}, action, identity.Object{Owner: "x"}) {
			t.Errorf("%q is allowed", action)
		}
	}
}
