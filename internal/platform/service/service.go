// Package service is the contract between a room and the house: everything a room
// offers is one value of type Service, listed in internal/app/services.go.
package service

import (
	"context"
	"io/fs"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/jobs"
)

// Service is what a room offers the house. Every field but Name may be zero.
type Service struct {
	Name       string                          // unique, lower case; namespace of its migrations and its status in /api/v1/info
	Migrations fs.FS                           // applied in wiring order before Run
	Routes     func(r *httpd.Router)           // mounts the room's HTTP surface
	Jobs       func(w *jobs.Workers)           // registers its periodic background work
	Run        func(ctx context.Context) error // background work until ctx ends; an error stops the house
}
