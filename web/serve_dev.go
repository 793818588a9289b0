//go:build dev

package web

import (
	"net/http"
	"os"
)

// Handler serves the pages as they lie on the disk now, for `make dev`, which runs in the
// repository's root and rebuilds them as they change.
func Handler(notFound http.HandlerFunc) http.Handler {
	_, notice := embedded()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		newSite(os.DirFS("web/"+built), notice, notFound).ServeHTTP(w, r)
	})
}
