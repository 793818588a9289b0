package files

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"strings"
	"time"
	"unicode/utf8"

	"homeserver/internal/platform/errs"
)

const (
	// maxPage is the largest page of a list, in files.
	maxPage = 1000
	// maxQuery is the length of the longest text searched for, in characters: no name is longer.
	maxQuery = maxName
	// maxCursor is the length of the longest cursor worth decoding: a name's key, twice over.
	maxCursor = 8 << 10
)

// sortKey is what a list is ordered by.
type sortKey byte

// The orders of a list.
const (
	byDate sortKey = 'd'
	byName sortKey = 'n'
	bySize sortKey = 's'
)

// listQuery is a question for a list of files.
type listQuery struct {
	tag        string // whole and untrimmed; "" for any
	q          string // part of the name, as a nameKey; "" for any
	sort       sortKey
	descending bool
	limit      int // 0: all
	after      *position
	view       view
}

// position is a place in a list: after the file with this key and id. Files that come or go
// do not move it.
type position struct {
	number int64  // microseconds or bytes
	text   string // name key
	id     string
}

// parseList checks what a client asked for.
func parseList(tag, q, sort, order string, limit int, cursor string) (listQuery, error) {
	if utf8.RuneCountInString(q) > maxQuery || !utf8.ValidString(q) {
		return listQuery{}, errs.Newf(errs.Invalid, "The text to search for must be valid UTF-8 of at most %d characters.", maxQuery)
	}
	if !utf8.ValidString(tag) {
		return listQuery{}, errs.New(errs.Invalid, "The tag is not valid UTF-8.")
	}
	// NUL is in no stored text, and PostgreSQL would not even take it for a comparison.
	l := listQuery{tag: tag, q: nameKey(q), limit: limit}
	switch sort {
	case "", "date":
		l.sort, l.descending = byDate, true
	case "name":
		l.sort = byName
	case "size":
		l.sort, l.descending = bySize, true
	default:
		return l, errs.New(errs.Invalid, "sort must be date, name or size.")
	}
	switch order {
	case "":
	case "asc":
		l.descending = false
	case "desc":
		l.descending = true
	default:
		return l, errs.New(errs.Invalid, "order must be asc or desc.")
	}
	if limit < 0 || limit > maxPage {
		return l, errs.Newf(errs.Invalid, "limit must be from 1 to %d.", maxPage)
	}
	var err error
	if cursor != "" {
		l.after, err = l.decode(cursor)
	}
	return l, err
}

// impossible reports whether nothing can match.
func (l listQuery) impossible() bool {
	return strings.IndexByte(l.tag, 0) >= 0 || strings.IndexByte(l.q, 0) >= 0
}

// fingerprint ties a cursor to its list: order and filter, but not the page size.
func (l listQuery) fingerprint() uint32 {
	h := fnv.New32a()
	direction := byte('a')
	if l.descending {
		direction = 'd'
	}
	h.Write([]byte{byte(l.sort), direction})
	h.Write([]byte(l.tag))
	h.Write([]byte{0})
	h.Write([]byte(l.q))
	return h.Sum32()
}

// cursorHead is the length of what precedes a cursor's texts: fingerprint and number.
const cursorHead = 4 + 8

// encode makes the cursor of a position: opaque to clients.
func (l listQuery) encode(p position) string {
	b := make([]byte, 0, cursorHead+1+len(p.id)+len(p.text))
	b = binary.BigEndian.AppendUint32(b, l.fingerprint())
	b = binary.BigEndian.AppendUint64(b, uint64(p.number))
	b = append(b, byte(len(p.id)))
	b = append(b, p.id...)
	b = append(b, p.text...)
	return base64.RawURLEncoding.EncodeToString(b)
}

func (l listQuery) decode(cursor string) (*position, error) {
	wrong := errs.New(errs.Invalid, "This cursor does not belong to this list. Start again without a cursor.")
	if len(cursor) > maxCursor {
		return nil, wrong
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < cursorHead+1 || binary.BigEndian.Uint32(b) != l.fingerprint() {
		return nil, wrong
	}
	p := &position{number: int64(binary.BigEndian.Uint64(b[4:]))}
	length := int(b[cursorHead])
	b = b[cursorHead+1:]
	if length > len(b) {
		return nil, wrong
	}
	p.id, p.text = string(b[:length]), string(b[length:])
	if !utf8.Valid(b) || strings.ContainsRune(string(b), 0) || l.sort == byDate && !plausible(p.number) {
		return nil, wrong
	}
	return p, nil
}

// The years between which a database can hold a time.
const (
	firstYear = -4000
	lastYear  = 9999
)

func plausible(micros int64) bool {
	y := time.UnixMicro(micros).UTC().Year()
	return y >= firstYear && y <= lastYear
}

// positionOf is where f stands in the list.
func (l listQuery) positionOf(f *File) position {
	p := position{id: f.ID}
	switch l.sort {
	case byName:
		p.text = f.key
	case bySize:
		p.number = f.Size
	default:
		p.number = f.Uploaded.UnixMicro()
	}
	return p
}
