package httpd

import (
	"bytes"
	"embed"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	swaggerui "github.com/swaggest/swgui/v5/static"
	"github.com/vearutop/statigz"
)

//go:embed docs.html docs.js
var docs embed.FS

// docsPolicy allows the documentation page its own scripts and the styles that Swagger UI
// sets on elements, and nothing from anywhere else.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// describe is the huma configuration: JSON only, our own documentation page, no $schema
// fields in answers.
func describe(title, version string) huma.Config {
	config := huma.DefaultConfig(title, version)
	config.DocsPath, config.OpenAPIPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.Transformers = append(config.Transformers, sentence)
	config.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	config.Info.Description = "One binary that runs a household's server: its files and its monitoring.\n\n" +
		"Errors are `application/problem+json` (RFC 9457) with a sentence in `detail`. Times are RFC 3339 in UTC. " +
		"Where an API key is set it is sent as `X-API-Key` or `Authorization: Bearer`."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"apiKey":  {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "The administrator's key (API_KEY)."},
		"bearer":  {Type: "http", Scheme: "bearer", Description: "The same key as a Bearer token."},
		"session": {Type: "apiKey", In: "cookie", Name: "homeserver_session", Description: "The cookie that POST /api/v1/session gives to pages."},
	}
	return config
}

// mountDescription serves /openapi.json and /docs.
func (r *Router) mountDescription() {
	r.Handle(Op{Public: true, Compress: true, Operation: huma.Operation{Method: http.MethodGet, Path: "/openapi.json",
		Summary: "This description", OperationID: "get-openapi", Tags: []string{"Server"}, Hidden: true}},
		func(w http.ResponseWriter, _ *http.Request) error {
			body, err := r.OpenAPI()
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-cache")
			_, err = w.Write(body)
			return err
		})
	page := func(name, contentType string) HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) error {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Content-Security-Policy", docsPolicy)
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, req, docs, name)
			return nil
		}
	}
	hidden := func(path string) Op {
		return Op{Public: true, Operation: huma.Operation{Method: http.MethodGet, Path: path, Summary: "Interactive documentation", Hidden: true}}
	}
	r.Handle(hidden("/docs"), page("docs.html", "text/html; charset=utf-8"))
	r.Handle(hidden("/docs/start.js"), page("docs.js", "text/javascript; charset=utf-8"))
	r.Mount("/docs/", http.StripPrefix("/docs", statigz.FileServer(swaggerui.FS)))
}

// OpenAPI renders the description of everything registered, as indented JSON. Operations that
// are not public say which credentials they take.
func (r *Router) OpenAPI() ([]byte, error) {
	api := r.api.OpenAPI()
	for _, route := range r.routes {
		op := operation(api.Paths[strings.TrimSuffix(route.Path, "{$}")], route.Method)
		if op == nil {
			continue
		}
		r.describeErrors(op, route.Public)
	}
	raw, err := json.Marshal(api)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '\n'), nil
}

// describeErrors adds what every operation can answer: problem+json, and 401 where
// credentials are asked for. It may run repeatedly.
func (r *Router) describeErrors(op *huma.Operation, public bool) {
	problem := map[string]*huma.MediaType{"application/problem+json": {Schema: r.Schema(Problem{})}}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{Description: "Any error, as problem details (RFC 9457)", Content: problem}
	for status, response := range op.Responses {
		_, own := response.Content["application/json"] // an answer, not an error, for example readiness
		if (strings.HasPrefix(status, "4") || strings.HasPrefix(status, "5")) && !own {
			response.Content = problem
		}
	}
	if public {
		return
	}
	op.Security = []map[string][]string{{"apiKey": {}}, {"bearer": {}}, {"session": {}}}
	op.Responses["401"] = &huma.Response{Description: "Credentials are asked for and were not given", Content: problem}
}

func operation(item *huma.PathItem, method string) *huma.Operation {
	if item == nil {
		return nil
	}
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodHead:
		return item.Head
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	case http.MethodDelete:
		return item.Delete
	case http.MethodOptions:
		return item.Options
	}
	return nil
}
