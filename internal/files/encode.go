package files

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Answers are encoded by appending to a buffer: a list of 100,000 files makes no garbage,
// and encoding costs less than reading the rows.

// appendFile appends a file's metadata as a JSON object; owner is the name of its owner.
func appendFile(b []byte, f *File, owner string) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, f.ID)
	b = append(b, `,"filename":`...)
	b = appendString(b, f.Name)
	b = append(b, `,"content_type":`...)
	b = appendString(b, f.ContentType)
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, f.Size, 10)
	b = append(b, `,"upload_date":"`...)
	b = appendTime(b, f.Uploaded)
	b = append(b, `","tags":`...)
	b = appendStrings(b, f.Tags)
	b = append(b, `,"sha256":`...)
	if f.SHA256 == "" {
		b = append(b, `null`...)
	} else {
		b = appendString(b, f.SHA256)
	}
	b = append(b, `,"folder_id":`...)
	b = appendString(b, f.Folder)
	b = append(b, `,"modified":"`...)
	b = appendTime(b, f.Modified)
	b = append(b, `","revision":`...)
	b = strconv.AppendInt(b, f.Revision, 10)
	b = append(b, `,"etag":"\"r`...)
	b = strconv.AppendInt(b, f.Revision, 10)
	b = append(b, `\""`...)
	if f.Owner == household { // nearly all, in most houses
		return append(b, `,"owner":"","owner_name":"","shared":true}`...)
	}
	b = append(b, `,"owner":`...)
	b = appendString(b, f.Owner)
	b = append(b, `,"owner_name":`...)
	b = appendString(b, owner)
	b = append(b, `,"shared":`...)
	b = strconv.AppendBool(b, f.shared())
	return append(b, '}')
}

// appendTime appends RFC 3339 in UTC.
func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, time.RFC3339Nano)
}

// appendStrings appends a JSON array of strings.
func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// appendString appends s as a JSON string that is also safe inside HTML and JavaScript.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0x7f {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			default:
				b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + size
		case r == '\u2028' || r == '\u2029': // line ends in JavaScript
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, digits[r&15])
			start = i + size
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}
