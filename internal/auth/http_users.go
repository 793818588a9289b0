package auth

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// personBody is an account as administrators see it.
type personBody struct {
	UserBody
	Disabled    bool       `json:"disabled"`
	HasPassword bool       `json:"has_password"`
	TOTP        bool       `json:"totp" doc:"Whether a code is asked for beside the password"`
	Passkeys    int        `json:"passkeys"`
	CreatedAt   time.Time  `json:"created_at"`
	UsedAt      *time.Time `json:"used_at" doc:"When the person was last here, to the minute"`
}

func personBodyOf(u *User) personBody {
	return personBody{UserBody: bodyOf(u), Disabled: u.Disabled, HasPassword: u.password != "", TOTP: u.totp != "", Passkeys: u.passkeys,
		CreatedAt: time.UnixMicro(u.created).UTC(), UsedAt: timeOrNil(u.used)}
}

type peopleBody struct {
	Users []personBody `json:"users" nullable:"false"`
}

type codeBody struct {
	Code      string    `json:"code" doc:"Give /static/invite.html#CODE to the person; it is shown this once"`
	ExpiresAt time.Time `json:"expires_at"`
}

type userInput struct {
	ID string `path:"id"`
}

func (a *Auth) userRoutes(r *httpd.Router) {
	manage := func(method, path, id, summary, description string) httpd.Op {
		return op(identity.ManageUsers, method, "/api/v1/users"+path, id, summary, description)
	}
	httpd.Register(r, manage(http.MethodGet, "", "list-users", "Everybody with an account", ""), a.listUsers)
	httpd.Register(r, manage(http.MethodPost, "", "add-user", "Add a person", ""), a.addUser)
	httpd.Register(r, manage(http.MethodPatch, "/{id}", "edit-user", "Change a person's role, or disable the account", "Ends that person's sessions, tokens and live connections within a second. What is left out stays as it is."), a.editUser)
	httpd.Register(r, manage(http.MethodPost, "/{id}/reset", "reset-user", "Make a link for a new password", "It works once, for a day."), a.resetUser)
	httpd.Register(r, empty(manage(http.MethodDelete, "/{id}/sessions", "end-user-sessions", "Sign a person out everywhere", "")), a.endUserSessions)
}

func (a *Auth) listUsers(ctx context.Context, _ *struct{}) (*out[peopleBody], error) {
	a.noteUses(ctx) // so that the last use shown is the last use
	users, err := a.Users(ctx)
	body := peopleBody{Users: []personBody{}}
	for i := range users {
		body.Users = append(body.Users, personBodyOf(&users[i]))
	}
	return &out[peopleBody]{body}, err
}

func (a *Auth) addUser(ctx context.Context, in *struct {
	Body struct {
		Name        string `json:"name" maxLength:"200" example:"ada"`
		DisplayName string `json:"display_name,omitempty" maxLength:"400" example:"Ada"`
		Role        string `json:"role" enum:"administrator,member,guest"`
		Password    string `json:"password" maxLength:"2000"`
	}
}) (*out[personBody], error) {
	b := in.Body
	u, err := a.AddUser(ctx, NewUser{Name: b.Name, DisplayName: b.DisplayName, Role: b.Role, Password: b.Password})
	if err != nil {
		return nil, err
	}
	return &out[personBody]{personBodyOf(u)}, nil
}

func (a *Auth) editUser(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body struct {
		DisplayName *string `json:"display_name,omitempty" maxLength:"400"`
		Role        *string `json:"role,omitempty" enum:"administrator,member,guest"`
		Disabled    *bool   `json:"disabled,omitempty"`
	}
}) (*out[personBody], error) {
	u, err := a.ChangeUser(ctx, in.ID, UserChange{DisplayName: in.Body.DisplayName, Role: in.Body.Role, Disabled: in.Body.Disabled})
	if err != nil {
		return nil, err
	}
	return &out[personBody]{personBodyOf(u)}, nil
}

func (a *Auth) resetUser(ctx context.Context, in *userInput) (*out[codeBody], error) {
	code, i, err := a.Reset(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &out[codeBody]{codeBody{Code: code, ExpiresAt: time.UnixMicro(i.expires).UTC()}}, nil
}

func (a *Auth) endUserSessions(ctx context.Context, in *userInput) (*struct{}, error) {
	u, err := a.store.user(ctx, a.store.db, in.ID)
	if err != nil {
		return nil, err
	}
	err = a.change(ctx, func(tx *sqldb.Tx) error {
		_, err := endSessions(ctx, tx, u.ID, "")
		return err
	})
	if err == nil {
		a.record(ctx, "sessions.ended", u.Name, "by an administrator")
	}
	return nil, err
}
