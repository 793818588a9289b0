// Package web carries the pages a browser shows and serves them under /static/.
//
// The pages are built by Vite into static/dist, which is not committed. A binary compiled without them
// still works: its API is whole, and a page answers 503 with static/unbuilt.html, which says how to build.
// What is built is served by what it is: files under assets/ bear a hash of their content in their name and
// may be kept for ever; pages are asked for again each time and answered 304 while they are unchanged.
package web

import (
	"embed"
	"io/fs"
)

//go:generate node scripts/generate.mjs

//go:embed all:static
var static embed.FS

// Prefix is the path under which Handler expects to be mounted.
const Prefix = "/static/"

// built is where Vite writes, and unbuilt what stands in for pages while it has not.
const (
	built   = "static/dist"
	unbuilt = "static/unbuilt.html"
)

// embedded returns the built pages, which may be none, and the notice that replaces them.
func embedded() (pages fs.FS, notice []byte) {
	notice, err := static.ReadFile(unbuilt)
	if err != nil {
		// The file is compiled in; only an edit of this package can lose it, and its test would say so.
		notice = []byte("The pages are not built.")
	}
	pages, err = fs.Sub(static, built)
	if err != nil {
		pages = embed.FS{}
	}
	return pages, notice
}
