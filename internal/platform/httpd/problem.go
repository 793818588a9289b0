package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
)

// Problem is an error as clients see it: RFC 9457 problem details.
type Problem struct {
	Type     string `json:"type" example:"about:blank" doc:"Kind of problem; about:blank means that title says it all"`
	Title    string `json:"title" example:"Not Found" doc:"The status in words"`
	Status   int    `json:"status" example:"404" doc:"HTTP status"`
	Detail   string `json:"detail" example:"File not found" doc:"A sentence: what failed and what to do about it"`
	Instance string `json:"instance,omitempty" example:"q2f7x1-42" doc:"Id of the request, also in the server's log"`
	Confirm  string `json:"confirm,omitempty" doc:"What to send as confirm for it to be done all the same"`
	// Errors lists each value that is not acceptable.
	Errors []*huma.ErrorDetail `json:"errors,omitempty" doc:"Each value that is not acceptable"`
}

// Error is the sentence.
func (p *Problem) Error() string { return p.Detail }

// GetStatus tells huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// retryAfter is what clients are told to wait when database or storage are away, in seconds.
const retryAfter = "5"

// statusOf maps a kind of error to its HTTP status.
func statusOf(kind errs.Kind) int {
	switch kind {
	case errs.Malformed:
		return http.StatusBadRequest
	case errs.Invalid:
		return http.StatusUnprocessableEntity
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Forbidden:
		return http.StatusForbidden
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.TooLarge:
		return http.StatusRequestEntityTooLarge
	case errs.UnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case errs.RateLimited:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	case errs.StorageFull:
		return http.StatusInsufficientStorage
	case errs.PreconditionFailed:
		return http.StatusPreconditionFailed
	case errs.Gone:
		return http.StatusGone
	default:
		return http.StatusInternalServerError
	}
}

// ProblemOf is what a client may see of an error about one of several things that a request
// names: the request itself goes on.
func ProblemOf(ctx context.Context, err error) *Problem { return problemOf(ctx, err) }

// problemOf turns any error into what a client may see of it.
func problemOf(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		if call := callFrom(ctx); call != nil && p.Instance == "" {
			p.Instance = call.id
		}
		return p
	}
	if call := callFrom(ctx); call != nil && call.endedBy(err) {
		err = errEnded()
	}
	status, detail := statusOf(errs.KindOf(err)), errs.Detail(err)
	var netErr net.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		status, detail = http.StatusRequestEntityTooLarge, "The request is larger than is accepted here."
	case detail != "":
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		status, detail = http.StatusRequestTimeout, "Nothing arrived for too long; please send the request again."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		status, detail = http.StatusServiceUnavailable, "The request took too long; please try again."
	default:
		detail = "Something went wrong on the server; its log says more under this request's id."
	}
	p = newProblem(ctx, status, detail)
	var known *errs.Error
	if errors.As(err, &known) && known.Type != "" {
		p.Type, p.Confirm = typePrefix+known.Type, known.Confirm
	}
	return p
}

// typePrefix makes a URI of the type of an error.
const typePrefix = "urn:homeserver:"

// NewProblem is an error of a status and a type of problem (RFC 9457) that clients act upon.
func NewProblem(status int, kind, detail string) *Problem {
	return &Problem{Type: kind, Title: http.StatusText(status), Status: status, Detail: detail}
}

func newProblem(ctx context.Context, status int, detail string) *Problem {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
	if call := callFrom(ctx); call != nil {
		p.Instance = call.id
	}
	return p
}

// asProblem notes err for the access log and gives huma something it sends as it is.
func asProblem(ctx context.Context, err error) error {
	noteError(ctx, err)
	p := problemOf(ctx, err)
	headers := headersFor(p.Status)
	if own := ownHeaders(err); own != nil {
		headers = own
	}
	if headers == nil {
		return p
	}
	return huma.ErrorWithHeaders(p, headers)
}

// WriteError answers err as problem+json. When the answer has begun already, the connection
// is cut instead, so that the client notices that it is not whole.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	noteError(r.Context(), err)
	if call := callFrom(r.Context()); call != nil && call.begun() {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, problemOf(r.Context(), err), ownHeaders(err))
}

// writeStatus answers a status that comes from the router or a middleware, not from an error.
func writeStatus(w http.ResponseWriter, r *http.Request, status int, detail string) {
	writeProblem(w, newProblem(r.Context(), status, detail), nil)
}

// ownHeaders are those that err brings, such as Retry-After.
func ownHeaders(err error) http.Header {
	var own huma.HeadersError
	if errors.As(err, &own) {
		return own.GetHeaders()
	}
	return nil
}

func writeProblem(w http.ResponseWriter, p *Problem, own http.Header) {
	h := w.Header()
	for _, name := range []string{"Content-Disposition", "Content-Length", "Content-Encoding", "ETag", "Last-Modified", "Cache-Control"} {
		h.Del(name)
	}
	for _, more := range []http.Header{headersFor(p.Status), own} {
		for name, values := range more {
			h[name] = values
		}
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a client that has gone needs no answer
}

func headersFor(status int) http.Header {
	switch status {
	case http.StatusUnauthorized:
		return http.Header{"Www-Authenticate": {`Bearer realm="HomeServer"`}}
	case http.StatusServiceUnavailable:
		return http.Header{"Retry-After": {retryAfter}}
	}
	return nil
}

// WriteJSON answers v with status.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(append(body, '\n'))
	return err
}

// sentence makes huma's validation errors one sentence, as every other problem's detail is.
func sentence(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	parts := make([]string, 0, len(m.Errors))
	for _, e := range m.Errors {
		if e == nil {
			continue
		}
		e.Value = nil // it may be a whole body, with the password in it
		parts = append(parts, strings.TrimPrefix(strings.TrimPrefix(e.Location, "query."), "body.")+": "+e.Message)
	}
	detail := m.Detail
	if len(parts) > 0 {
		detail = "Not acceptable: " + strings.Join(parts, "; ") + "."
	}
	p := newProblem(ctx.Context(), m.Status, detail)
	p.Errors = m.Errors
	return p, nil
}
