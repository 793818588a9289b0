package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

const (
	// maxPreference is how large a page's arrangement may be, in bytes: a hundred charts of ten
	// series each.
	maxPreference = 64 << 10
	// maxPreferences is how many pages a person may arrange: more than there are.
	maxPreferences = 50
)

// typeChanged tells a page that it must read again.
const typeChanged = "changed"

// PreferenceName is an input: which page.
type PreferenceName struct {
	Name string `path:"name" pattern:"^[a-z][a-z0-9-]{0,39}$" example:"dashboard" doc:"The page"`
}

type preferenceBody struct {
	Document map[string]any `json:"document" doc:"What was put; null when nothing was"`
	ETag     string         `json:"etag" example:"\"r1\"" doc:"Send it as If-Match to replace only what was seen"`
}

type preferenceAnswer struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         preferenceBody
}

func (a *Auth) preferenceRoutes(r *httpd.Router) {
	own := func(method, id, summary, description string) httpd.Op {
		return op(identity.KeepPreference, method, "/api/v1/preferences/{name}", id, summary, description)
	}
	httpd.Register(r, own(http.MethodGet, "get-preference", "How I have arranged a page",
		"A document that only the page understands. Where nobody has an account (AUTH=none, the API key) it is the household's."), a.getPreference)
	put := own(http.MethodPut, "put-preference", "Arrange a page", "Send the ETag that was read as If-Match, so as not to undo what was arranged elsewhere meanwhile (412).")
	put.Errors = []int{http.StatusPreconditionFailed, http.StatusUnprocessableEntity}
	put.MaxBodyBytes = maxPreference
	httpd.Register(r, put, a.putPreference)
}

func (a *Auth) getPreference(ctx context.Context, in *PreferenceName) (*preferenceAnswer, error) {
	p, err := a.store.preference(ctx, a.store.db, identity.From(ctx).UserID, in.Name)
	if err != nil {
		return nil, err
	}
	return answerPreference(p)
}

func (a *Auth) putPreference(ctx context.Context, in *struct {
	PreferenceName
	IfMatch string `header:"If-Match" doc:"The ETag that was read; without it whatever is there is replaced"`
	Body    struct {
		Document map[string]any `json:"document"`
	}
}) (*preferenceAnswer, error) {
	document, err := json.Marshal(in.Body.Document)
	if err != nil {
		return nil, err
	}
	owner, now := identity.From(ctx).UserID, a.now().UnixMicro()
	written := preference{document: string(document)}
	err = a.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := lockPreferences(ctx, tx, owner); err != nil {
			return err
		}
		kept, err := a.store.preference(ctx, tx, owner, in.Name)
		if err != nil {
			return err
		}
		if in.IfMatch != "" && in.IfMatch != "*" && in.IfMatch != kept.etag() {
			return errPreferenceChanged()
		}
		if others, err := countPreferences(ctx, tx, owner, in.Name); err != nil || others >= maxPreferences {
			if err == nil {
				err = errs.Newf(errs.Conflict, "There are %d arrangements, which is the most.", maxPreferences)
			}
			return err
		}
		written.revision = kept.revision + 1
		ok, err := putPreference(ctx, tx, owner, in.Name, written.document, kept.revision, now)
		if err == nil && !ok {
			err = errPreferenceChanged()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return answerPreference(written)
}

func errPreferenceChanged() error {
	return errs.Typed(errs.PreconditionFailed, typeChanged, "It was arranged anew elsewhere meanwhile.")
}

func (p preference) etag() string { return `"r` + strconv.FormatInt(p.revision, 10) + `"` }

func answerPreference(p preference) (*preferenceAnswer, error) {
	out := &preferenceAnswer{ETag: p.etag(), CacheControl: "no-store", Body: preferenceBody{ETag: p.etag()}}
	if p.revision == 0 {
		return out, nil
	}
	return out, json.Unmarshal([]byte(p.document), &out.Body.Document)
}
