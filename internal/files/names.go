package files

import (
	"fmt"
	"mime"
	"path"
	"strings"
	"unicode"
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

	// maxNameBytes is the length of the longest name that a folder takes, in bytes: what file
	// systems take, so that every tree can be written to a disk.
	maxNameBytes = 255
	// maxExtension is the length of the longest ending that is kept when a name is numbered, in
	// bytes with its dot; what is longer is no ending but the rest of a sentence.
	maxExtension = 40

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

// strictName checks the name of something in a folder. Every door but the original's upload
// asks it: nothing is cut off or replaced, so what a client names is what is there.
func strictName(name string) error {
	switch {
	case name == "":
		return errs.New(errs.Invalid, "The name is empty.")
	case !utf8.ValidString(name):
		return errs.New(errs.Invalid, "The name is not valid UTF-8.")
	case name == "." || name == "..":
		return errs.Newf(errs.Invalid, "%q is no name: it means a folder itself or the one above it.", name)
	case len(name) > maxNameBytes:
		return errs.Newf(errs.Invalid, "The name is too long: %d bytes, and at most %d are possible.", len(name), maxNameBytes)
	}
	for _, r := range name {
		switch {
		case r == '/' || r == '\\':
			return errs.Newf(errs.Invalid, "The name contains %q, which separates folders.", string(r))
		case r == 0:
			return errs.New(errs.Invalid, "The name contains a NUL character.")
		case unicode.IsControl(r):
			return errs.Newf(errs.Invalid, "The name contains the control character U+%04X.", r)
		}
	}
	return nil
}

// sameName is the form in which names are compared: two that look alike to the letter, however
// their accents are written, are one.
func sameName(name string) string { return norm.NFC.String(name) }

// splitExtension cuts a name before the ending that tells its kind: ".profile" has none.
func splitExtension(name string) (stem, ext string) {
	ext = path.Ext(name)
	if ext == name || len(ext) > maxExtension {
		ext = ""
	}
	return strings.TrimSuffix(name, ext), ext
}

// numberedName is "name (n).ext", its stem cut where the whole would be too long.
func numberedName(name string, n int) string {
	stem, ext := splitExtension(name)
	end := fmt.Sprintf(" (%d)%s", n, ext)
	return cutText(stem, maxNameBytes-len(end)) + end
}

// cutText keeps at most n bytes of s, and only whole characters.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
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
