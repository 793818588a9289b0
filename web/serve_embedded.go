//go:build !dev

package web

import "net/http"

// Handler serves the embedded pages under Prefix. What it does not know it leaves to notFound.
func Handler(notFound http.HandlerFunc) http.Handler {
	pages, notice := embedded()
	return newSite(pages, notice, notFound)
}
