package files

import (
	"strings"
	"unicode/utf8"
)

// disposition is what a Content-Disposition header says.
type disposition struct {
	kind     string // form-data, attachment, inline; lower case
	name     string
	filename string
	hasFile  bool // a filename was given, even an empty one
}

// parseDisposition reads the header as browsers, curl and scripts write it: quoted strings in
// which only \" and \\ are escapes (old browsers sent C:\dir\name as it is), the browsers'
// percent-encoding of quotes and line ends, raw UTF-8, and filename* (RFC 5987), which wins
// over filename when it can be read.
func parseDisposition(header string) (d disposition, ok bool) {
	kind, rest, _ := strings.Cut(header, ";")
	d.kind = strings.ToLower(strings.TrimSpace(kind))
	extended := false
	for rest = strings.TrimLeft(rest, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t;") {
		var key, value string
		if key, value, rest, ok = nextParam(rest); !ok {
			return d, false
		}
		switch key {
		case "name":
			d.name = unescapeForm(value)
		case "filename":
			if d.hasFile = true; !extended {
				d.filename = unescapeForm(value)
			}
		case "filename*":
			if name, ok := decodeExtended(value); ok {
				d.filename, d.hasFile, extended = name, true, true
			}
		}
	}
	return d, d.kind != ""
}

// nextParam reads key=value or key="value" from the start of s.
func nextParam(s string) (key, value, rest string, ok bool) {
	eq := strings.IndexAny(s, "=;")
	if eq < 0 {
		return strings.ToLower(strings.TrimSpace(s)), "", "", true
	}
	key = strings.ToLower(strings.TrimSpace(s[:eq]))
	if s[eq] == ';' {
		return key, "", s[eq+1:], true
	}
	s = strings.TrimLeft(s[eq+1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return key, strings.TrimSpace(value), rest, true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return key, b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return key, "", "", false // the quote never ends
}

// unescapeForm undoes the three escapes of HTML forms; every other percent sign is itself.
func unescapeForm(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return strings.NewReplacer("%22", `"`, "%0D", "\r", "%0d", "\r", "%0A", "\n", "%0a", "\n").Replace(s)
}

// decodeExtended reads charset'language'percent-encoded of RFC 5987.
func decodeExtended(s string) (string, bool) {
	charset, rest, ok := strings.Cut(s, "'")
	if !ok {
		return "", false
	}
	_, encoded, ok := strings.Cut(rest, "'")
	if !ok {
		return "", false
	}
	raw := make([]byte, 0, len(encoded))
	for i := 0; i < len(encoded); i++ {
		c := encoded[i]
		if c == '%' {
			if i+2 >= len(encoded) {
				return "", false
			}
			high, low := unhex(encoded[i+1]), unhex(encoded[i+2])
			if high > 15 || low > 15 {
				return "", false
			}
			c, i = high<<4|low, i+2
		}
		raw = append(raw, c)
	}
	switch strings.ToLower(charset) {
	case "utf-8", "us-ascii":
		return string(raw), utf8.Valid(raw)
	case "iso-8859-1":
		runes := make([]rune, len(raw))
		for i, c := range raw {
			runes[i] = rune(c)
		}
		return string(runes), true
	}
	return "", false
}

// unhex returns the value of a hexadecimal digit, 255 for anything else.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// makeDisposition writes the header of a download (RFC 6266): a plain name for old clients,
// and the real one as filename* where the two differ.
func makeDisposition(kind, name string) string {
	const digits = "0123456789ABCDEF"
	plain, exact := make([]byte, 0, len(name)), true
	for _, r := range name {
		switch {
		case r < ' ' || r >= 0x7f || r == '"' || r == '\\' || r == '/' || r == '%': // % because some clients decode it
			plain, exact = append(plain, '_'), false
		default:
			plain = append(plain, byte(r))
		}
	}
	header := kind + `; filename="` + string(plain) + `"`
	if exact {
		return header
	}
	b := []byte(header + `; filename*=UTF-8''`)
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b = append(b, c)
			continue
		}
		b = append(b, '%', digits[c>>4], digits[c&15])
	}
	return string(b)
}
