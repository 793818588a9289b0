package httpd

import (
	"context"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzhttp"

	"homeserver/internal/platform/identity"
)

// compressFrom is the size in bytes from which an answer is worth compressing; below it the
// header and the CPU cost more than the saved packet.
const compressFrom = 1400

// maxJSONBody limits the body of typed operations, in bytes: 10,000 identifiers of 36
// characters fit, and nobody fills the memory.
const maxJSONBody = 1 << 20

// Op describes one operation: what the API description says of it and who may call it.
type Op struct {
	huma.Operation
	// Public operations ask for no credentials. Everything else does.
	Public bool
	// Action is what an operation that is not public does; the gate knows who may. Without one
	// nobody may.
	Action identity.Action
	// BeforeSetup operations are there before the first administrator is; nothing else is.
	BeforeSetup bool
	// Compress compresses the answer of a plain handler; typed operations always are.
	Compress bool
}

// HandlerFunc is a plain handler that returns its error instead of writing it.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Route is a registered operation, for `homeserver routes` and tests that walk them all.
type Route struct {
	Method, Path, Summary string
	Public, BeforeSetup   bool
	Action                identity.Action
}

// Router mounts operations and describes them in one OpenAPI document. It is filled while
// the house is wired and read-only afterwards.
type Router struct {
	mux     *http.ServeMux
	api     huma.API
	routes  []Route
	pending Op // the typed operation being registered: huma calls mount without it
	zip     func(http.Handler) http.HandlerFunc
}

// NewRouter makes a router whose API description carries title and version.
func NewRouter(title, version string) *Router {
	zip, err := gzhttp.NewWrapper(gzhttp.MinSize(compressFrom), gzhttp.EnableZstd(true))
	if err != nil {
		panic("httpd: constant compression options are not valid: " + err.Error())
	}
	r := &Router{mux: http.NewServeMux(), zip: zip}
	r.api = humago.New(mount{r}, describe(title, version))
	r.mountDescription()
	return r
}

// mount is the face of the router that huma registers on.
type mount struct{ r *Router }

// HandleFunc adds a typed operation under the guard of the pending Op.
func (m mount) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.r.mux.Handle(pattern, m.r.guard(m.r.pending, m.r.zip(http.HandlerFunc(h))))
}

// ServeHTTP completes humago.Mux.
func (m mount) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.r.ServeHTTP(w, r) }

// Register mounts a typed operation: huma decodes and checks in, fn answers, errors become
// problem+json.
func Register[I, O any](r *Router, op Op, fn func(context.Context, *I) (*O, error)) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxJSONBody
	}
	r.note(op)
	r.pending = op
	huma.Register(r.api, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		if err := checkTexts(ctx, in); err != nil {
			return nil, asProblem(ctx, err)
		}
		out, err := fn(ctx, in)
		if err != nil {
			return nil, asProblem(ctx, err)
		}
		return out, nil
	})
}

// Handle mounts a plain handler, for byte streams and upgrades. The operation is only
// described: nothing reads the body before h does.
func (r *Router) Handle(op Op, h HandlerFunc) {
	r.note(op)
	if !op.Hidden {
		r.api.OpenAPI().AddOperation(&op.Operation)
	}
	var next http.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := h(w, req); err != nil {
			WriteError(w, req, err)
		}
	})
	if op.Compress {
		next = r.zip(next)
	}
	r.mux.Handle(op.Method+" "+op.Path, r.guard(op, next))
}

// Describe adds an operation to the description only, for one whose pattern is not its path.
func (r *Router) Describe(path string, op huma.Operation) {
	op.Path = path
	r.api.OpenAPI().AddOperation(&op)
}

// Mount serves everything below prefix (ending in a slash) by h, public and not described:
// pages and their assets.
func (r *Router) Mount(prefix string, h http.Handler) {
	r.routes = append(r.routes, Route{Method: http.MethodGet, Path: prefix, Summary: "Pages and assets", Public: true, BeforeSetup: true})
	r.mux.Handle("GET "+prefix, h)
}

// Schema returns a reference to the JSON schema of v's type, for hand-written descriptions.
func (r *Router) Schema(v any) *huma.Schema {
	t := reflect.TypeOf(v)
	return r.api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// Routes lists what was registered, in order.
func (r *Router) Routes() []Route { return r.routes }

func (r *Router) note(op Op) {
	r.routes = append(r.routes, Route{Method: op.Method, Path: op.Path, Summary: op.Summary, Public: op.Public, BeforeSetup: op.BeforeSetup, Action: op.Action})
}

// ServeHTTP answers unknown paths and methods in the house's form and passes everything else
// to its operation. Paths are matched as they were sent: no redirects.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	escaped := req.URL.EscapedPath()
	if !strings.HasPrefix(escaped, "/") || clean(escaped) != escaped {
		writeStatus(w, req, http.StatusNotFound, "Not Found")
		return
	}
	if _, pattern := r.mux.Handler(req); pattern != "" {
		r.mux.ServeHTTP(w, req)
		return
	}
	if allowed := r.allowed(req); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeStatus(w, req, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	writeStatus(w, req, http.StatusNotFound, "Not Found")
}

// allowed lists the methods that req's path does know.
func (r *Router) allowed(req *http.Request) []string {
	var known []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		probe := &http.Request{Method: method, Host: req.Host, URL: req.URL}
		if _, pattern := r.mux.Handler(probe); pattern != "" {
			known = append(known, method)
		}
	}
	return known
}

// clean is path.Clean that keeps a trailing slash, the form ServeMux would redirect to.
func clean(p string) string {
	cleaned := path.Clean(p)
	if strings.HasSuffix(p, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return cleaned
}
