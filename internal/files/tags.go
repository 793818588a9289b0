package files

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"homeserver/internal/platform/errs"
)

const (
	// maxTag is the length of the longest tag, in characters: a label, not a description.
	maxTag = 100
	// maxTags is how many tags a file may bear.
	maxTags = 50
	// maxTagKey is the length in bytes up to which a tag is its own key; the original set no
	// limit, and an index entry has one.
	maxTagKey = 400
)

// splitTags reads a form field of tags separated by commas.
func splitTags(field string) []string { return strings.Split(field, ",") }

// tidyTags trims tags, drops empty ones and all but the first of duplicates, and keeps order.
func tidyTags(raw []string) []string {
	tags := make([]string, 0, len(raw))
	for _, tag := range raw {
		if tag = strings.TrimSpace(tag); tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// cleanTags tidies and checks tags that a client sent.
func cleanTags(raw []string) ([]string, error) {
	if len(raw) > maxTags*maxTags { // tidying looks at every pair
		return nil, tooManyTags()
	}
	tags := tidyTags(raw)
	if len(tags) > maxTags {
		return nil, tooManyTags()
	}
	for _, tag := range tags {
		if err := checkText("tag", tag, maxTag); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

func tooManyTags() error {
	return errs.Newf(errs.Invalid, "There are too many tags: at most %d for each file.", maxTags)
}

// encodeTags makes the text that the tags column holds: a JSON array.
func encodeTags(tags []string) string {
	if len(tags) == 0 {
		return "[]"
	}
	return string(appendStrings(nil, tags))
}

// decodeTags reads the tags column. Rows of the original may hold empty tags and duplicates,
// which nobody is shown; their tags are not trimmed, because filters compare them whole.
func decodeTags(column string) []string {
	if column == "[]" || column == "" {
		return []string{}
	}
	if tags, ok := decodePlainTags(column); ok {
		return tags
	}
	var stored []*string
	if err := json.Unmarshal([]byte(column), &stored); err != nil {
		return []string{}
	}
	tags := make([]string, 0, len(stored))
	for _, tag := range stored {
		if tag != nil && *tag != "" && !slices.Contains(tags, *tag) {
			tags = append(tags, *tag)
		}
	}
	return tags
}

// decodePlainTags decodes an array of strings without escapes, as nearly all are, at a tenth of
// the price: lists decode one for every row.
func decodePlainTags(column string) ([]string, bool) {
	if len(column) < 4 || column[0] != '[' || column[1] != '"' || strings.IndexByte(column, '\\') >= 0 {
		return nil, false
	}
	inner, closed := strings.CutSuffix(column[2:], `"]`)
	if !closed || strings.Count(inner, `"`) != 2*strings.Count(inner, `","`) {
		return nil, false // null or white space between the strings
	}
	tags := strings.Split(inner, `","`)
	for i, tag := range tags {
		if tag == "" || slices.Contains(tags[:i], tag) {
			return nil, false
		}
	}
	return tags, true
}

// tagKey is what a tag is found by.
func tagKey(tag string) string {
	if len(tag) <= maxTagKey {
		return tag
	}
	sum := sha256.Sum256([]byte(tag))
	return "sha256:" + hex.EncodeToString(sum[:])
}
