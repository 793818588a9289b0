package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// ContentSecurityPolicy is what the pages run under: nothing inline, nothing from another host, and no
// string that becomes markup except through the one policy Svelte names for its own templates.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
	"media-src 'self' blob:; connect-src 'self'; font-src 'self'; worker-src 'self' blob:; frame-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; " +
	"require-trusted-types-for 'script'; trusted-types svelte-trusted-html"

// noticePolicy lets the one committed page, which runs no script, bear its few styles with it.
const noticePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'"

const (
	keepForEver = "public, max-age=31536000, immutable" // a year, the longest that caches honour
	askAgain    = "no-cache"
)

// variant is one way to send an asset: as it is, or compressed when the pages were built.
type variant struct {
	encoding string // the Content-Encoding; empty for the file as it is
	body     []byte
	etag     string
}

// asset is one served file in all its variants, the smallest first.
type asset struct {
	contentType string
	hashed      bool
	page        bool
	variants    []variant
}

// site serves the assets of one build.
type site struct {
	assets   map[string]asset
	notice   []byte
	notFound http.Handler
}

// newSite reads every file of a build once, so that a request costs a map lookup.
func newSite(pages fs.FS, notice []byte, notFound http.Handler) *site {
	s := &site{assets: map[string]asset{}, notice: notice, notFound: notFound}
	// An unbuilt tree has no dist folder: the walk then ends at its root, and the site stays empty.
	_ = fs.WalkDir(pages, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || isCompressed(name) {
			return err
		}
		found, err := load(pages, name)
		if err == nil {
			s.assets[name] = found
		}
		return err
	})
	return s
}

// ServeHTTP answers GET and HEAD for the assets of the site.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, under := strings.CutPrefix(r.URL.Path, Prefix)
	found, known := s.assets[name]
	switch {
	case !under:
		s.notFound.ServeHTTP(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	case known:
		serve(w, r, found)
	case len(s.assets) == 0 && path.Ext(name) == ".html":
		s.serveNotice(w, r)
	default:
		s.notFound.ServeHTTP(w, r)
	}
}

// serveNotice says that the pages are not built, and how to build them.
func (s *site) serveNotice(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	secure(h, noticePolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(s.notice)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method != http.MethodHead {
		_, _ = w.Write(s.notice) // the client may be gone; nothing is left to tell it
	}
}

func serve(w http.ResponseWriter, r *http.Request, a asset) {
	h := w.Header()
	policy := ""
	if a.page {
		policy = ContentSecurityPolicy
	}
	secure(h, policy)
	chosen := a.choose(r.Header.Get("Accept-Encoding"))
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", chosen.etag)
	h.Set("Cache-Control", askAgain)
	if a.hashed {
		h.Set("Cache-Control", keepForEver)
	}
	if len(a.variants) > 1 {
		h.Add("Vary", "Accept-Encoding")
	}
	if chosen.encoding != "" {
		h.Set("Content-Encoding", chosen.encoding)
		// ServeContent leaves the length out of encoded answers, because others compress while they send.
		h.Set("Content-Length", strconv.Itoa(len(chosen.body)))
	}
	// Pages and scripts are small: a part of one, perhaps of another encoding, is never worth sending.
	whole := r.Clone(r.Context())
	whole.Header.Del("Range")
	http.ServeContent(w, whole, "", time.Time{}, bytes.NewReader(chosen.body))
}

// secure sets what every answer bears.
func secure(h http.Header, policy string) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if policy != "" {
		h.Set("Content-Security-Policy", policy)
	}
}

// choose returns the smallest variant the client understands.
func (a asset) choose(accept string) variant {
	for _, v := range a.variants {
		if v.encoding == "" || accepts(accept, v.encoding) {
			return v
		}
	}
	return a.variants[len(a.variants)-1]
}

// accepts reads an Accept-Encoding header: listed, and not with a weight of zero.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		weight, given := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !given || err != nil || q > 0
	}
	return false
}

// load reads one file and its compressed twins.
func load(pages fs.FS, name string) (asset, error) {
	plain, err := fs.ReadFile(pages, name)
	if err != nil {
		return asset{}, err
	}
	sum := sha256.Sum256(plain)
	hash := hex.EncodeToString(sum[:8])
	a := asset{
		contentType: contentType(name),
		hashed:      strings.HasPrefix(name, "assets/"),
		page:        path.Ext(name) == ".html",
	}
	for _, twin := range [][2]string{{"br", ".br"}, {"gzip", ".gz"}} { // the smaller first
		encoding, suffix := twin[0], twin[1]
		body, err := fs.ReadFile(pages, name+suffix)
		if err == nil && len(body) < len(plain) {
			a.variants = append(a.variants, variant{encoding: encoding, body: body, etag: `"` + hash + "-" + encoding + `"`})
		}
	}
	a.variants = append(a.variants, variant{body: plain, etag: `"` + hash + `"`})
	return a, nil
}

func isCompressed(name string) bool {
	extension := path.Ext(name)
	return extension == ".br" || extension == ".gz"
}

// contentType is fixed for what the build makes, since the types of the host's own table differ.
func contentType(name string) string {
	switch extension := path.Ext(name); extension {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}
