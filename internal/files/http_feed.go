package files

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// maxChanges is how many changes one answer holds at most.
const maxChanges = 1000

// changeBody is a change as clients see it. It is what an event of the stream holds, too.
type changeBody struct {
	Cursor   string    `json:"cursor" example:"42" doc:"Go on from here"`
	Type     string    `json:"type" enum:"created,content,renamed,moved,tagged,shared,trashed,restored,removed,damaged,healed" doc:"removed: destroyed, or no longer for you to see"`
	Kind     string    `json:"kind" enum:"file,folder"`
	ID       string    `json:"id" example:"3f2b8c1e-9d4a-4f6b-8a3e-2c1d0e9f8b7a"`
	FolderID string    `json:"folder_id" doc:"The folder it lies in now, or lay in last; empty when that is not for you to know"`
	Name     string    `json:"name" doc:"Its name now; empty when that is not for you to know"`
	At       time.Time `json:"at"`
	By       string    `json:"by" doc:"The account that did it; empty: the household"`
	ByName   string    `json:"by_name" doc:"That account's name"`
	Revision int64     `json:"revision"`
}

type changesBody struct {
	Changes []changeBody `json:"changes" nullable:"false" doc:"In the order in which they happened"`
	Cursor  string       `json:"cursor" doc:"Send it as since to get what follows"`
	More    bool         `json:"more" doc:"There is more already"`
}

type changesInput struct {
	Since string `query:"since" doc:"A cursor; without one only the present cursor is answered"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

// feedRoutes mounts the feed of changes.
func (f *Files) feedRoutes(r *httpd.Router) {
	changes := op(identity.ListFiles, http.MethodGet, "/changes", "list-changes", "What has changed", "Every change of files and folders that one may read, once and in order. 410 with the type urn:homeserver:gone says that the cursor is too old: read the files anew.")
	changes.Errors = []int{http.StatusGone, http.StatusUnprocessableEntity}
	httpd.Register(r, changes, f.changes)

	events := answers(op(identity.ListFiles, http.MethodGet, "", "follow-changes", "Follow what changes",
		"Server-Sent Events: event: change with the same object as in the list of changes, its cursor as id. The first event is ready, with the cursor that the stream begins at. A client that comes back sends Last-Event-ID, or since."),
		&huma.Response{Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}}}, "422", "429", "503")
	events.Path = "/api/v1/events"
	events.Responses["410"] = &huma.Response{Description: "The cursor is too old: read the files anew"}
	events.Parameters = []*huma.Param{
		{Name: "since", In: "query", Schema: &huma.Schema{Type: "string"}, Description: "A cursor; without one the stream begins now"},
		{Name: "Last-Event-ID", In: "header", Schema: &huma.Schema{Type: "string"}, Description: "The cursor of the last event that was received"},
	}
	r.Handle(events, f.handleEvents)
}

func (f *Files) changes(ctx context.Context, in *changesInput) (*out[changesBody], error) {
	if in.Since == "" {
		newest, err := f.store.feedNewest(ctx)
		return &out[changesBody]{changesBody{Changes: []changeBody{}, Cursor: formatCursor(newest)}}, err
	}
	since, err := parseCursor(in.Since)
	if err != nil {
		return nil, err
	}
	page, err := f.changesSince(ctx, viewOf(identity.From(ctx)), since, min(in.Limit, maxChanges))
	if err != nil {
		return nil, err
	}
	body := changesBody{Changes: make([]changeBody, 0, len(page.list)), Cursor: formatCursor(page.cursor), More: page.more}
	for i := range page.list {
		body.Changes = append(body.Changes, f.changeBody(&page.list[i]))
	}
	return &out[changesBody]{body}, nil
}

func formatCursor(seq int64) string { return strconv.FormatInt(seq, 10) }

func (f *Files) changeBody(e *feedEntry) changeBody {
	return changeBody{Cursor: formatCursor(e.seq), Type: string(e.Type), Kind: string(e.Kind), ID: e.ID, FolderID: e.Folder, Name: e.Name,
		At: time.UnixMicro(e.at).UTC(), By: e.Actor, ByName: f.lent.displayName(e.Actor), Revision: e.Revision}
}

// handleEvents streams changes until the client goes, its credential ends or the server stops.
func (f *Files) handleEvents(w http.ResponseWriter, r *http.Request) error {
	// Before the first look, or a change between the two would wait for the next one.
	slot, leave := f.feed.listen(f.store.feedNewest)
	defer leave()
	v := viewOf(identity.From(r.Context()))
	page, err := f.firstEvents(r, v)
	if err != nil {
		return err
	}
	stream, err := httpd.OpenStream(w, r)
	if err != nil {
		return err
	}
	defer stream.Close()
	stream.Event(formatCursor(page.start), "ready", []byte(`{"cursor":"`+formatCursor(page.start)+`"}`))
	return f.followFeed(stream, v, page.feedPart, slot)
}

// beginning is the first page of a stream with the cursor before it.
type beginning struct {
	feedPart
	start int64
}

// firstEvents reads what a client that comes back has missed. What is wrong with its cursor it
// learns before the stream begins.
func (f *Files) firstEvents(r *http.Request, v view) (b beginning, err error) {
	since := r.Header.Get("Last-Event-ID")
	if since == "" {
		since = r.URL.Query().Get("since")
	}
	if since == "" {
		b.start, err = f.store.feedNewest(r.Context())
		b.cursor = b.start
		return b, err
	}
	if b.start, err = parseCursor(since); err != nil {
		return b, err
	}
	b.feedPart, err = f.changesSince(r.Context(), v, b.start, feedPage)
	return b, err
}

// follow sends page and everything that comes after it, until the stream ends. A client that
// takes nothing any more comes back later and resumes.
func (f *Files) followFeed(stream *httpd.Stream, v view, page feedPart, slot <-chan struct{}) error {
	heartbeat := time.NewTicker(httpd.StreamHeartbeat)
	defer heartbeat.Stop()
	for {
		if f.sendChanges(stream, page.list) != nil || !page.more && !waitForChange(stream, slot, heartbeat.C, page.cursor) {
			return nil
		}
		next, err := f.changesSince(stream.Context(), v, page.cursor, feedPage)
		if stream.Context().Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		page = next
	}
}

func (f *Files) sendChanges(stream *httpd.Stream, list []feedEntry) error {
	for i := range list {
		data, err := json.Marshal(f.changeBody(&list[i]))
		if err != nil {
			return err
		}
		stream.Event(formatCursor(list[i].seq), "change", data)
	}
	return stream.Flush()
}

// waitForChange reports whether there may be something new, or the stream has ended. It moves the
// client's cursor on, past changes of which it learns nothing, whenever it shows that the stream
// is alive.
func waitForChange(stream *httpd.Stream, slot <-chan struct{}, heartbeat <-chan time.Time, cursor int64) bool {
	rest := time.NewTimer(feedRest)
	defer rest.Stop()
	select {
	case <-stream.Done():
		return false
	case <-rest.C:
	}
	for {
		select {
		case <-stream.Done():
			return false
		case <-slot:
			return true
		case <-heartbeat:
			if stream.Heartbeat(formatCursor(cursor)) != nil {
				return false
			}
		}
	}
}
