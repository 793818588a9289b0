package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/web"
)

// readyTimeout is how long the readiness checks may take; a probe gives up soon after.
const readyTimeout = 3 * time.Second

// tag groups the house's own operations in the description.
func tag() []string { return []string{"Server"} }

type welcome struct {
	Message string `json:"message" example:"Welcome to HomeServer"`
	Version string `json:"version" example:"0.2.0" doc:"APP_VERSION, or the build's version"`
	Status  string `json:"status" example:"running"`
}

type health struct {
	Status  string `json:"status" example:"healthy"`
	App     string `json:"app" example:"HomeServer"`
	Version string `json:"version" example:"0.2.0" doc:"The build's version"`
}

type check struct {
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty" doc:"What is wrong and what to do about it"`
}

type readiness struct {
	Status string           `json:"status" enum:"ready,unavailable"`
	Checks map[string]check `json:"checks" doc:"database, storage and space"`
}

type info struct {
	APIVersion string            `json:"api_version" example:"v1"`
	Services   map[string]string `json:"services" doc:"active or planned"`
}

// mountHouse mounts what belongs to no room: root, health, info and the pages.
func (a *App) mountHouse() {
	op := func(path, id, summary, description string) httpd.Op {
		return httpd.Op{Public: true, Operation: huma.Operation{Method: http.MethodGet, Path: path, OperationID: id, Summary: summary, Description: description, Tags: tag()}}
	}
	early := func(o httpd.Op) httpd.Op {
		o.BeforeSetup = true
		return o
	}
	root := early(op("/{$}", "get-root", "Welcome", "A browser is sent to the dashboard; everyone else gets this JSON."))
	root.Path = "/{$}"
	root.Hidden = true // described below under its real path
	a.router.Handle(root, a.root)
	a.router.Describe("/", describedRoot(op("/", "get-root", root.Summary, root.Description).Operation, a.router))
	httpd.Register(a.router, early(op("/health", "get-health", "Is the process up", "Liveness: healthy as long as the process answers. Whether it can do its work says /health/ready.")), a.health)
	a.router.Handle(readyOp(early(op("/health/ready", "get-readiness", "Can it do its work", "Readiness: 200 when the database answers, the storage directory is there and writable, and there is free space; else 503 with the reasons.")), a.router), a.ready)
	httpd.Register(a.router, op("/api/v1/info", "get-info", "Which services there are", "The services of this server and whether they are built."), a.info)
	a.router.Mount("/static/", pages())
}

func pages() http.Handler {
	return web.Handler(func(w http.ResponseWriter, r *http.Request) {
		httpd.WriteError(w, r, errs.New(errs.NotFound, "Not Found"))
	})
}

func describedRoot(op huma.Operation, r *httpd.Router) huma.Operation {
	op.Responses = map[string]*huma.Response{
		"200": {Description: "For programs", Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(welcome{})}}},
		"303": {Description: "For browsers: the dashboard"},
	}
	return op
}

func readyOp(op httpd.Op, r *httpd.Router) httpd.Op {
	content := map[string]*huma.MediaType{"application/json": {Schema: r.Schema(readiness{})}}
	op.Responses = map[string]*huma.Response{"200": {Description: "Ready", Content: content}, "503": {Description: "Not ready, with reasons", Content: content}}
	return op
}

func (a *App) root(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/static/dashboard.html", http.StatusSeeOther)
		return nil
	}
	version := a.config.House.AppVersion
	if version == "" {
		version = a.version
	}
	return httpd.WriteJSON(w, http.StatusOK, welcome{Message: "Welcome to HomeServer", Version: version, Status: "running"})
}

func (a *App) health(context.Context, *struct{}) (*struct{ Body health }, error) {
	return &struct{ Body health }{health{Status: "healthy", App: a.config.House.AppName, Version: a.version}}, nil
}

func (a *App) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer, status := readiness{Status: "ready", Checks: map[string]check{}}, http.StatusOK
	for name, err := range map[string]error{"database": a.db.Ping(ctx), "storage": a.files.CheckStorage(ctx), "space": a.files.CheckSpace(ctx)} {
		answer.Checks[name] = check{OK: err == nil, Detail: reason(err)}
		if err != nil {
			answer.Status, status = "unavailable", http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpd.WriteJSON(w, status, answer)
}

// reason is the sentence of err; causes stay in the log.
func reason(err error) string {
	switch {
	case err == nil:
		return ""
	case errs.Detail(err) != "":
		return errs.Detail(err)
	case errors.Is(err, context.DeadlineExceeded):
		return "It does not answer."
	default:
		return "It is not available."
	}
}

func (a *App) info(context.Context, *struct{}) (*struct{ Body info }, error) {
	services := map[string]string{}
	for _, name := range planned() {
		services[name] = "planned"
	}
	for _, name := range active() {
		services[name] = "active"
	}
	return &struct{ Body info }{info{APIVersion: "v1", Services: services}}, nil
}
