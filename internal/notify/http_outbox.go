package notify

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/platform/httpd"
)

// deliveryBody is a message on its way to one channel.
type deliveryBody struct {
	ID          string      `json:"id"`
	ChannelID   string      `json:"channel_id"`
	ChannelName string      `json:"channel_name" doc:"Empty when the channel was removed"`
	State       string      `json:"state" enum:"pending,sending,held,sent,failed" doc:"held: until the quiet hours end; failed: given up"`
	Attempts    int64       `json:"attempts"`
	Error       string      `json:"error" doc:"What was wrong last, or how it was sent all the same"`
	CreatedAt   time.Time   `json:"created_at"`
	NextAt      *time.Time  `json:"next_at" doc:"When it is tried, while it waits"`
	EndedAt     *time.Time  `json:"ended_at" doc:"When it was sent or given up"`
	Times       int64       `json:"times" doc:"How many messages about the same collapsed into it"`
	Since       time.Time   `json:"since" doc:"When the first of them happened"`
	StandsIn    bool        `json:"stands_in" doc:"The channel stands in for another that failed"`
	Message     messageBody `json:"message"`
}

type outboxBody struct {
	Deliveries []deliveryBody `json:"deliveries" nullable:"false"`
	NextCursor string         `json:"next_cursor,omitempty" doc:"Send as cursor to get what follows; absent on the last page"`
}

type outboxInput struct {
	PageInput
	Channel string `query:"channel" maxLength:"36" doc:"Only this channel's"`
	State   string `query:"state" enum:"waiting,sent,failed" doc:"Only these"`
}

func (n *Notify) outboxRoutes(r *httpd.Router) {
	httpd.Register(r, op(http.MethodGet, "/messages", "list-messages", "What there was to tell", "Newest first; kept for 60 days."), n.listMessages)
	httpd.Register(r, empty(op(http.MethodPost, "/messages", "send-message", "Tell something", "For scripts of the household: it goes to every channel that wants its severity. It is kept before this answers, and sent soon.")), n.postMessage)
	httpd.Register(r, op(http.MethodGet, "/outbox", "list-outbox", "What was sent, and what waits", "Newest first; kept for 60 days."), n.listOutbox)
	httpd.Register(r, empty(op(http.MethodPost, "/outbox/{id}/retry", "retry-delivery", "Try a notification again now", "Also one that was given up.")), n.postRetry)
}

func (n *Notify) listOutbox(ctx context.Context, in *outboxInput) (*out[outboxBody], error) {
	at, id, err := in.position()
	if err != nil {
		return nil, err
	}
	list, err := n.store.deliveries(ctx, outboxQuery{beforeAt: at, beforeID: id, channel: in.Channel, state: in.State, limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	channels, err := n.store.channels(ctx, n.store.db)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, c := range channels {
		names[c.ID] = c.Name
	}
	body := outboxBody{Deliveries: []deliveryBody{}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		last := list[len(list)-1]
		body.NextCursor = cursor(last.created, last.id)
	}
	for _, d := range list {
		body.Deliveries = append(body.Deliveries, deliveryBodyOf(d, names[d.channel]))
	}
	return &out[outboxBody]{body}, nil
}

func deliveryBodyOf(d *delivery, channelName string) deliveryBody {
	b := deliveryBody{ID: d.id, ChannelID: d.channel, ChannelName: channelName, State: d.state, Attempts: d.attempts, Error: d.err, CreatedAt: micro(d.created), EndedAt: timeOrNil(d.ended),
		Times: d.times, Since: micro(d.since), StandsIn: d.standsFor != "", Message: messageBodyOf(&d.message)}
	if b.Message.State == string(digestState) {
		b.Message.State = string(Plain)
	}
	if d.state == statePending || d.state == stateHeld {
		b.NextAt = timeOrNil(d.next)
	}
	return b
}

func (n *Notify) postRetry(ctx context.Context, in *idInput) (*struct{}, error) {
	return nil, n.retry(ctx, in.ID)
}
