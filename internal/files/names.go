package files

import (
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"homeserver/internal/platform/errs"
)

const (
	// maxName is the length of the longest file name, in characters: what the original's column
	// held and what file systems take.
	maxName = 255
	// maxContentType is the length of the longest content type, in characters; the longest
	// registered ones have about 80.
	maxContentType = 255

	unnamed        = "unnamed"
	anyContentType = "application/octet-stream"
)

// cleanName keeps the last element of a path, as browsers and scripts send them, and checks
// it. A name is a label: it is never part of a path on disk.
func cleanName(name string) (string, error) {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if name == "" || name == "." || name == ".." {
		return unnamed, nil
	}
	if err := checkText("file name", name, maxName); err != nil {
		return "", err
	}
	return name, nil
}

// cleanContentType keeps what the client said, if it said anything.
func cleanContentType(t string) (string, error) {
	if t = strings.TrimSpace(t); t == "" {
		return anyContentType, nil
	}
	return t, checkText("content type", t, maxContentType)
}

// checkText refuses what no database column or no person could take back unchanged.
func checkText(what, s string, longest int) error {
	if !utf8.ValidString(s) {
		return errs.Newf(errs.Invalid, "The %s is not valid UTF-8.", what)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return errs.Newf(errs.Invalid, "The %s contains a NUL character.", what)
	}
	if len(s) > longest && utf8.RuneCountInString(s) > longest {
		return errs.Newf(errs.Invalid, "The %s is too long: at most %d characters.", what, longest)
	}
	return nil
}

// nameKey is what names are sorted and searched by: case and the ways of writing an accent
// do not count.
func nameKey(name string) string {
	for i := range len(name) {
		if c := name[i]; c >= utf8.RuneSelf {
			return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
		}
	}
	return strings.ToLower(name)
}

// servedType is the Content-Type of a download: as uploaded if it is one at all, with a
// character set for text.
func servedType(stored string) string {
	mediaType, params, err := mime.ParseMediaType(stored)
	if err != nil || !strings.Contains(mediaType, "/") || strings.ContainsAny(stored, "\r\n") {
		return anyContentType
	}
	if strings.HasPrefix(mediaType, "text/") && params["charset"] == "" {
		return strings.TrimRight(stored, "; ") + "; charset=utf-8"
	}
	return stored
}

// mayShowInline reports whether a browser may show content of this type instead of saving
// it: nothing in which a script could hide. SVG is not in the list.
func mayShowInline(servedType string) bool {
	mediaType, _, err := mime.ParseMediaType(servedType)
	if err != nil {
		return false
	}
	switch mediaType {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain", "application/pdf":
		return true
	}
	return strings.HasPrefix(mediaType, "audio/") || strings.HasPrefix(mediaType, "video/")
}
