package notify

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// prefix is where the room's operations are.
const prefix = "/api/v1/notifications"

// out is the answer of a typed operation.
type out[T any] struct{ Body T }

// op begins the description of an operation.
func op(method, path, id, summary, description string) httpd.Op {
	return httpd.Op{Action: identity.ManageNotifications, Operation: huma.Operation{Method: method, Path: prefix + path, OperationID: id, Summary: summary, Description: description, Tags: []string{"Notifications"}}}
}

// empty makes an operation answer 204.
func empty(o httpd.Op) httpd.Op {
	o.DefaultStatus = http.StatusNoContent
	return o
}

// routes mounts the room.
func (n *Notify) routes(r *httpd.Router) {
	n.channelRoutes(r)
	n.outboxRoutes(r)
	n.settingsRoutes(r)
}

// PageInput chooses a page of a list.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The next_cursor of the page before"`
}

// position is where a page begins: before a time and an id.
func (in *PageInput) position() (at int64, id string, err error) {
	at = math.MaxInt64
	if in.Cursor == "" {
		return at, "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(in.Cursor)
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "%d %s", &at, &id)
	}
	if err != nil {
		return 0, "", errs.New(errs.Invalid, "cursor is not one that this list gave.")
	}
	return at, id, nil
}

func cursor(at int64, id string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", at, id))
}

// timeOrNil is a time in Unix microseconds, nil for 0.
func timeOrNil(at int64) *time.Time {
	if at == 0 {
		return nil
	}
	t := micro(at)
	return &t
}

// messageBody is a message as it is listed.
type messageBody struct {
	ID       string    `json:"id"`
	Key      string    `json:"key" doc:"What it is about; empty when it is about nothing that repeats"`
	State    string    `json:"state" enum:"plain,raised,recovered"`
	Severity string    `json:"severity" enum:"info,warning,critical"`
	Title    string    `json:"title" example:"The disk of the library is nearly full"`
	Text     string    `json:"text"`
	At       time.Time `json:"at" doc:"When it happened"`
	Link     string    `json:"link" doc:"A page of this house, or empty"`
}

func messageBodyOf(m *storedMessage) messageBody {
	return messageBody{ID: m.id, Key: m.Key, State: string(m.State), Severity: m.Severity.String(), Title: m.Title, Text: m.Text, At: m.At, Link: m.Link}
}

type messagesBody struct {
	Messages   []messageBody `json:"messages" nullable:"false"`
	NextCursor string        `json:"next_cursor,omitempty" doc:"Send as cursor to get what follows; absent on the last page"`
}

type messageInput struct {
	Body struct {
		Title    string     `json:"title" minLength:"1" maxLength:"250" example:"The backup script has failed"`
		Text     string     `json:"text,omitempty" maxLength:"4000"`
		Severity string     `json:"severity,omitempty" enum:"info,warning,critical" default:"info"`
		State    string     `json:"state,omitempty" enum:"plain,raised,recovered" default:"plain" doc:"raised: it began; recovered: it is over, with the severity of what is over"`
		Key      string     `json:"key,omitempty" maxLength:"200" doc:"What it is about: what waits about the same collapses into one. Needed to raise and recover" example:"backup-script"`
		At       *time.Time `json:"at,omitempty" doc:"When it happened; absent: now"`
		Link     string     `json:"link,omitempty" maxLength:"1000" doc:"A page of this house" example:"/static/settings.html"`
	}
}

func (n *Notify) listMessages(ctx context.Context, in *PageInput) (*out[messagesBody], error) {
	at, id, err := in.position()
	if err != nil {
		return nil, err
	}
	list, err := n.store.messages(ctx, at, id, in.Limit+1)
	if err != nil {
		return nil, err
	}
	body := messagesBody{Messages: []messageBody{}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		last := list[len(list)-1]
		body.NextCursor = cursor(last.created, last.id)
	}
	for i := range list {
		body.Messages = append(body.Messages, messageBodyOf(&list[i]))
	}
	return &out[messagesBody]{body}, nil
}

func (n *Notify) postMessage(ctx context.Context, in *messageInput) (*struct{}, error) {
	b := in.Body
	severity, ok := severityOf(b.Severity)
	if !ok {
		return nil, errs.New(errs.Invalid, "A severity is info, warning or critical.")
	}
	m := Message{Key: b.Key, Severity: severity, State: State(b.State), Title: b.Title, Text: b.Text, Link: b.Link}
	if b.At != nil {
		m.At = *b.At
	}
	return nil, n.Send(ctx, m)
}
