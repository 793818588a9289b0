package auth

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// TokenBody is a token as its person sees it, without its secret.
type TokenBody struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"token,app_password"`
	Name      string     `json:"name" example:"backup script"`
	Hint      string     `json:"hint" example:"x7Qk" doc:"The secret's last characters"`
	Scopes    []string   `json:"scopes" nullable:"false" example:"[\"files:read\"]"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at"`
	UsedFrom  string     `json:"used_from" doc:"The address of the last use"`
	ExpiresAt *time.Time `json:"expires_at" doc:"null: never"`
}

type tokensBody struct {
	Tokens []TokenBody `json:"tokens" nullable:"false"`
}

type newTokenBody struct {
	TokenBody
	Secret string `json:"secret" doc:"What the program sends; it is shown this once"`
}

type newTokenInput struct {
	Body struct {
		Kind   string   `json:"kind" enum:"token,app_password" doc:"A token for Authorization: Bearer and X-API-Key, or an app password for HTTP Basic with the account's name"`
		Name   string   `json:"name" maxLength:"400" example:"backup script"`
		Scopes []string `json:"scopes" nullable:"false" minItems:"1" maxItems:"10" doc:"files:read, files:write, monitoring:read, admin"`
		Days   int      `json:"expires_days,omitempty" minimum:"1" maximum:"3650" doc:"Days until it expires; absent: never"`
	}
}

func (a *Auth) tokenRoutes(r *httpd.Router) {
	own := func(method, path, id, summary, description string) httpd.Op {
		return op(identity.ManageAccount, method, "/api/v1/account/tokens"+path, id, summary, description)
	}
	httpd.Register(r, own(http.MethodGet, "", "list-tokens", "My tokens and app passwords", ""), a.listTokens)
	httpd.Register(r, own(http.MethodPost, "", "make-token", "Make a token or an app password", "The secret is in this answer and nowhere else. Asks to confirm who you are (401, urn:homeserver:confirm)."), a.makeToken)
	httpd.Register(r, empty(own(http.MethodDelete, "/{id}", "revoke-token", "Revoke a token", "What uses it ends within a second.")), a.revokeToken)
}

func tokenBodyOf(t *tokenRow) TokenBody {
	b := TokenBody{ID: t.id, Kind: string(t.kind), Name: t.name, Hint: t.hint, Scopes: []string{}, CreatedAt: time.UnixMicro(t.created).UTC(), UsedFrom: t.from,
		UsedAt: timeOrNil(t.used), ExpiresAt: timeOrNil(t.expires)}
	for _, s := range t.scopes {
		b.Scopes = append(b.Scopes, string(s))
	}
	return b
}

// timeOrNil is a time in Unix microseconds, nil for 0.
func timeOrNil(micro int64) *time.Time {
	if micro == 0 {
		return nil
	}
	t := time.UnixMicro(micro).UTC()
	return &t
}

func (a *Auth) listTokens(ctx context.Context, _ *struct{}) (*out[tokensBody], error) {
	u, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	a.noteUses(ctx) // so that the last use shown is the last use
	rows, err := a.store.tokens(ctx, u.ID)
	body := tokensBody{Tokens: []TokenBody{}}
	for i := range rows {
		body.Tokens = append(body.Tokens, tokenBodyOf(&rows[i]))
	}
	return &out[tokensBody]{body}, err
}

func (a *Auth) makeToken(ctx context.Context, in *newTokenInput) (*out[newTokenBody], error) {
	u, err := a.confirmed(ctx)
	if err != nil {
		return nil, err
	}
	b := in.Body
	secret, row, err := a.AddToken(ctx, u, NewToken{Kind: b.Kind, Name: b.Name, Scopes: b.Scopes, Days: b.Days})
	if err != nil {
		return nil, err
	}
	return &out[newTokenBody]{newTokenBody{tokenBodyOf(&row), secret}}, nil
}

func (a *Auth) revokeToken(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	u, err := a.person(ctx)
	if err == nil {
		err = a.RemoveToken(ctx, u, in.ID)
	}
	return nil, err
}
