package channel

import (
	"net/url"
	"slices"
	"strings"
)

const (
	// leastSecret is the length in bytes from which on a part of an address is taken for a secret:
	// hiding shorter ones would make sentences unreadable and protect nothing.
	leastSecret = 5
	// maxSentence bounds what is kept of a service's words, in bytes.
	maxSentence = 400
	hidden      = "(hidden)"
)

// scrub hides a channel's secrets in what a service or library said, which may repeat them.
func scrub(text string, to Target) string {
	_, secret := Split(to)
	var parts []string
	for _, value := range secret {
		parts = append(parts, value, url.QueryEscape(value), url.PathEscape(value))
		if u, err := url.Parse(value); err == nil && u.Scheme != "" {
			parts = append(parts, partsOf(u)...)
		}
	}
	// The longest first: a part of a secret must not be hidden before the whole.
	slices.SortFunc(parts, func(a, b string) int { return len(b) - len(a) })
	for _, part := range parts {
		if len(part) >= leastSecret {
			text = strings.ReplaceAll(text, part, hidden)
		}
	}
	return shorten(text, maxSentence)
}

// partsOf are the parts of an address that may be secret.
func partsOf(u *url.URL) []string {
	parts := []string{u.RequestURI(), u.Fragment}
	if u.User != nil {
		password, _ := u.User.Password()
		parts = append(parts, u.User.Username(), password)
	}
	for piece := range strings.SplitSeq(u.Path, "/") {
		parts = append(parts, piece)
	}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	return parts
}

// shorten cuts text to at most limit bytes, at a character.
func shorten(text string, limit int) string {
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for end > 0 && text[end]&0xC0 == 0x80 {
		end--
	}
	return text[:end] + "…"
}
