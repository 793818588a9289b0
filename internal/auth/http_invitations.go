package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// InvitationBody is an open invitation as administrators see it.
type InvitationBody struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind" enum:"invitation,reset" doc:"For a new account, or for a new password"`
	Role      string    `json:"role" enum:"administrator,member,guest"`
	Name      string    `json:"name" doc:"The account's name, if it is settled"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func invitationBodyOf(i invitation) InvitationBody {
	b := InvitationBody{ID: i.id, Kind: "invitation", Role: i.role, Name: i.name, CreatedBy: i.createdBy, CreatedAt: time.UnixMicro(i.created).UTC(), ExpiresAt: time.UnixMicro(i.expires).UTC()}
	if i.userID != "" {
		b.Kind = "reset"
	}
	return b
}

type invitationsBody struct {
	Invitations []InvitationBody `json:"invitations" nullable:"false"`
}

type newInvitationBody struct {
	InvitationBody
	Code string `json:"code" doc:"Give /static/invite.html#CODE to the person; it is shown this once"`
}

type lookBody struct {
	Kind      string    `json:"kind" enum:"invitation,reset"`
	Role      string    `json:"role" enum:"administrator,member,guest"`
	Name      string    `json:"name" doc:"The account's name, if it is settled"`
	InvitedBy string    `json:"invited_by"`
	ExpiresAt time.Time `json:"expires_at"`
}

type acceptInput struct {
	Browser
	Body struct {
		Code        string `json:"code" maxLength:"200"`
		Name        string `json:"name,omitempty" maxLength:"200" example:"ada"`
		DisplayName string `json:"display_name,omitempty" maxLength:"400" example:"Ada"`
		Password    string `json:"password" maxLength:"2000"`
	}
}

func (a *Auth) invitationRoutes(r *httpd.Router) {
	const path = "/api/v1/invitations"
	manage := func(method, below, id, summary, description string) httpd.Op {
		return op(identity.ManageUsers, method, path+below, id, summary, description)
	}
	httpd.Register(r, manage(http.MethodGet, "", "list-invitations", "Open invitations", ""), a.listInvitations)
	httpd.Register(r, manage(http.MethodPost, "", "make-invitation", "Invite somebody by a link", ""), a.makeInvitation)
	httpd.Register(r, empty(manage(http.MethodDelete, "/{id}", "revoke-invitation", "Revoke an invitation", "")), a.revokeInvitation)
	httpd.Register(r, op("", http.MethodPost, path+"/look", "look-at-invitation", "What an invitation is for", ""), a.lookAtInvitation)
	httpd.Register(r, op("", http.MethodPost, path+"/accept", "accept-invitation", "Accept an invitation",
		"Makes the account, or sets the new password, and signs in; whoever has a second factor signs in afterwards."), a.acceptInvitation)
}

func (a *Auth) listInvitations(ctx context.Context, _ *struct{}) (*out[invitationsBody], error) {
	list, err := a.store.invitations(ctx, a.now().UnixMicro())
	body := invitationsBody{Invitations: []InvitationBody{}}
	for _, i := range list {
		body.Invitations = append(body.Invitations, invitationBodyOf(i))
	}
	return &out[invitationsBody]{body}, err
}

func (a *Auth) makeInvitation(ctx context.Context, in *struct {
	Body struct {
		Role string `json:"role" enum:"administrator,member,guest"`
		Name string `json:"name,omitempty" maxLength:"200" doc:"Settles the account's name; else the person chooses"`
		Days int    `json:"expires_days,omitempty" minimum:"1" maximum:"90" doc:"7 when left out"`
	}
}) (*out[newInvitationBody], error) {
	code, i, err := a.Invite(ctx, in.Body.Role, in.Body.Name, in.Body.Days)
	if err != nil {
		return nil, err
	}
	return &out[newInvitationBody]{newInvitationBody{invitationBodyOf(i), code}}, nil
}

func (a *Auth) revokeInvitation(ctx context.Context, in *userInput) (*struct{}, error) {
	var i invitation
	err := a.store.db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		i, err = deleteInvitation(ctx, tx, in.ID)
		if errors.Is(err, sqldb.ErrNoRows) {
			err = errs.New(errs.NotFound, "There is no such invitation.")
		}
		return err
	})
	if err == nil {
		a.record(ctx, "invitation.revoked", i.name, "role "+i.role+", made by "+i.createdBy)
	}
	return nil, err
}

func (a *Auth) lookAtInvitation(ctx context.Context, in *struct {
	Body struct {
		Code string `json:"code" maxLength:"200"`
	}
}) (*out[lookBody], error) {
	i, err := a.Look(ctx, in.Body.Code)
	if err != nil {
		return nil, refused(err)
	}
	b := invitationBodyOf(i)
	return &out[lookBody]{lookBody{Kind: b.Kind, Role: b.Role, Name: b.Name, InvitedBy: b.CreatedBy, ExpiresAt: b.ExpiresAt}}, nil
}

func (a *Auth) acceptInvitation(ctx context.Context, in *acceptInput) (*signedIn, error) {
	b := in.Body
	u, secret, err := a.Accept(ctx, b.Code, NewUser{Name: b.Name, DisplayName: b.DisplayName, Password: b.Password}, in.client(ctx))
	if err != nil {
		return nil, refused(err)
	}
	if secret == "" {
		return &signedIn{Body: a.state(ctx, identity.Principal{}, nil)}, nil
	}
	return a.welcome(ctx, u, secret), nil
}
