package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

type auditInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The next_cursor of the page before"`
	Actor  string `query:"actor" maxLength:"200" doc:"Only what this person did; household is API_KEY and AUTH=none"`
	Action string `query:"action" maxLength:"100" doc:"Only this action, for example signin.failed"`
}

type entryBody struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor" doc:"Who; empty for somebody who was not recognised" example:"ada"`
	Action  string    `json:"action" example:"user.disabled"`
	Target  string    `json:"target" doc:"To whom or what" example:"bob"`
	Address string    `json:"address" doc:"From where; empty for a terminal on the server" example:"192.168.1.20"`
	Detail  string    `json:"detail"`
}

type entriesBody struct {
	Entries    []entryBody `json:"entries" nullable:"false"`
	NextCursor string      `json:"next_cursor,omitempty" doc:"Send as cursor to get what follows; absent on the last page"`
}

func (a *Auth) auditRoutes(r *httpd.Router) {
	httpd.Register(r, op(identity.ReadAudit, http.MethodGet, "/api/v1/audit", "list-audit", "Who did what", "The audit log, newest first. It goes back a year."), a.listAudit)
}

func (a *Auth) listAudit(ctx context.Context, in *auditInput) (*out[entriesBody], error) {
	q := auditQuery{actor: in.Actor, action: in.Action, beforeAt: math.MaxInt64, limit: in.Limit + 1}
	if in.Cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		if err == nil {
			_, err = fmt.Sscanf(string(raw), "%d %s", &q.beforeAt, &q.beforeID)
		}
		if err != nil {
			return nil, errs.New(errs.Invalid, "cursor is not one that this list gave.")
		}
	}
	list, err := a.store.entries(ctx, q)
	if err != nil {
		return nil, err
	}
	body := entriesBody{Entries: []entryBody{}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		last := list[len(list)-1]
		body.NextCursor = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", last.at, last.id))
	}
	for _, e := range list {
		body.Entries = append(body.Entries, entryBody{ID: e.id, At: time.UnixMicro(e.at).UTC(), Actor: e.actor, Action: e.action, Target: e.target, Address: e.address, Detail: e.detail})
	}
	return &out[entriesBody]{body}, nil
}
