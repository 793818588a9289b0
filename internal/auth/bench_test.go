package auth

import (
	"net/http/httptest"
	"testing"

	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// BenchmarkAuthenticate is what recognising its sender adds to a request. After the first one
// nothing is read from the database, and nothing is ever written.
func BenchmarkAuthenticate(b *testing.B) {
	db := sqldbtest.Open(b, sqldbtest.SQLite(b))
	a := New(db, Config{APIKey: "key-of-the-household-0123456789", DataDir: b.TempDir()}, nil, newClock().read)
	service := a.Service()
	if err := db.Migrate(b.Context(), service.Name, service.Migrations); err != nil {
		b.Fatal(err)
	}
	if err := a.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	u, err := a.AddUser(b.Context(), NewUser{Name: "ada", Role: "member", Password: goodPassword})
	if err != nil {
		b.Fatal(err)
	}
	session, _, err := a.begin(b.Context(), u, byPassword, client{})
	if err != nil {
		b.Fatal(err)
	}
	token, _, err := a.AddToken(b.Context(), u, NewToken{Kind: "token", Name: "t", Scopes: []string{"files:read"}})
	if err != nil {
		b.Fatal(err)
	}
	for name, header := range map[string][2]string{
		"session": {"Cookie", plainCookie + "=" + session}, "token": {"Authorization", "Bearer " + token}, "API key": {"X-API-Key", string(a.config.APIKey)},
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/api/v1/files/list", nil)
			r.Header.Set(header[0], header[1])
			b.ReportAllocs()
			for b.Loop() {
				who, err := a.Authenticate(r)
				if err != nil || !identity.Allow(who, identity.ReadFile, identity.Object{Owner: who.UserID}) {
					b.Fatal(who, err)
				}
			}
		})
	}
}
