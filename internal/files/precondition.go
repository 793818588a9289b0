package files

import (
	"slices"
	"strconv"
	"strings"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// typeOutdated is the type of the problem that something is no longer what the client thinks it is.
const typeOutdated = "changed"

// revisionETag is the entity tag of a file's or folder's description.
func revisionETag(revision int64) string { return `"r` + strconv.FormatInt(revision, 10) + `"` }

// ifMatch is what a client says in If-Match (RFC 9110, section 13.1.1): do it only to what it
// has seen. The zero value says nothing.
type ifMatch struct {
	any  bool
	tags []string // strong ones, with their quotes; weak ones never match
	some bool     // there is a condition
}

// parseIfMatch reads the header's value: a list of entity tags, or *.
func parseIfMatch(value string) (m ifMatch, err error) {
	rest := strings.TrimSpace(value)
	if rest == "" {
		return m, nil
	}
	m.some = true
	if rest == "*" {
		m.any = true
		return m, nil
	}
	for rest != "" {
		tag, weak, left, ok := cutTag(rest)
		if !ok {
			return m, errs.New(errs.Malformed, "If-Match must be *, or entity tags in quotes separated by commas.")
		}
		if !weak {
			m.tags = append(m.tags, tag)
		}
		rest = left
	}
	return m, nil
}

// cutTag takes the first entity tag of a list.
func cutTag(list string) (tag string, weak bool, rest string, ok bool) {
	list, weak = strings.CutPrefix(list, "W/")
	if !strings.HasPrefix(list, `"`) {
		return "", false, "", false
	}
	end := strings.IndexByte(list[1:], '"')
	if end < 0 || strings.IndexFunc(list[:end+1], func(r rune) bool { return r <= ' ' || r == 0x7f }) >= 0 {
		return "", false, "", false
	}
	tag, rest = list[:end+2], strings.TrimLeft(list[end+2:], " \t")
	if rest == "" {
		return tag, weak, "", true
	}
	rest, ok = strings.CutPrefix(rest, ",")
	return tag, weak, strings.Trim(rest, ", \t"), ok
}

// file checks the condition against a file: the tag of its description, or of its content.
func (m ifMatch) file(f *File) error {
	if !m.some || m.any || slices.Contains(m.tags, revisionETag(f.Revision)) || f.SHA256 != "" && slices.Contains(m.tags, `"`+f.SHA256+`"`) {
		return nil
	}
	return errs.Typed(errs.PreconditionFailed, typeOutdated, strconv.Quote(f.Name)+" has been changed meanwhile. Nothing was done; look at it again.")
}

// folder checks the condition against a folder, or something in the trash: what has no content to
// be told by.
func (m ifMatch) folder(name string, revision int64) error {
	if !m.some || m.any || slices.Contains(m.tags, revisionETag(revision)) {
		return nil
	}
	return errs.Typed(errs.PreconditionFailed, typeOutdated, strconv.Quote(name)+" has been changed meanwhile. Nothing was done; look at it again.")
}

// ifMatches are conditions of several things, by their ids.
type ifMatches map[string]ifMatch

// parseIfMatches reads conditions by ids, each as If-Match has it.
func parseIfMatches(values map[string]string) (ifMatches, error) {
	all := ifMatches{}
	for id, value := range values {
		m, err := parseIfMatch(value)
		if err != nil {
			return nil, err
		}
		all[id] = m
	}
	return all, nil
}

// gate lets through what may lets through and is as its condition says.
func (all ifMatches) gate(may func(*File) error) func(*File) error {
	return func(f *File) error {
		if err := may(f); err != nil {
			return err
		}
		return all[f.ID].file(f)
	}
}

// gateIf is gate for a client that says which state of the file it has seen.
func gateIf(p identity.Principal, m ifMatch, actions ...identity.Action) func(*File) error {
	may := gate(p, actions...)
	return func(f *File) error {
		if err := may(f); err != nil {
			return err
		}
		return m.file(f)
	}
}

// noneMatch reports whether an If-None-Match names the tag, so that there is nothing new to send.
// The comparison is the weak one.
func noneMatch(value, tag string) bool {
	rest := strings.TrimSpace(value)
	if rest == "*" {
		return true
	}
	for rest != "" {
		t, _, left, ok := cutTag(rest)
		if !ok {
			return false
		}
		if t == tag {
			return true
		}
		rest = left
	}
	return false
}
