package files

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// streamBatch is how many files of an unlimited list are read at a time: no read transaction
// waits for a slow client, and memory stays the same for any number of files.
const streamBatch = 1000

// keepBuffer is the size of the largest buffer worth keeping for the next list, in bytes.
const keepBuffer = 1 << 20

var listBuffers = sync.Pool{New: func() any { return new([]byte) }}

func listParams() []*huma.Param {
	text := func(name, description string, enum ...any) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: description, Schema: &huma.Schema{Type: "string", Enum: enum}}
	}
	least, most := 1.0, float64(maxPage)
	return []*huma.Param{
		text("tag", "Only files that bear this tag: one whole tag, case-sensitive"),
		text("q", "Only files whose name contains this, whatever the case"),
		text("sort", "What to order by; date by default", "date", "name", "size"),
		text("order", "Newest first, largest first and A to Z by default", "asc", "desc"),
		{Name: "limit", In: "query", Description: "Files on a page; without it all files come", Schema: &huma.Schema{Type: "integer", Minimum: &least, Maximum: &most}},
		text("cursor", "The next_cursor of the page before, with the same sort, order and filter"),
	}
}

// handleList answers a page, or everything.
func (f *Files) handleList(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	limit := 0
	if values.Has("limit") {
		var err error
		if limit, err = strconv.Atoi(values.Get("limit")); err != nil || limit < 1 {
			return errs.Newf(errs.Invalid, "limit must be from 1 to %d.", maxPage)
		}
	}
	l, err := parseList(values.Get("tag"), values.Get("q"), values.Get("sort"), values.Get("order"), limit, values.Get("cursor"))
	if err != nil {
		return err
	}
	l.view = viewOf(identity.From(r.Context()))
	sel, err := f.store.selectFiles(r.Context(), l)
	if err != nil {
		return err
	}
	kept := listBuffers.Get().(*[]byte)
	defer func() {
		if cap(*kept) <= keepBuffer {
			listBuffers.Put(kept)
		}
	}()
	buf := (*kept)[:0]
	buf = append(buf, `{"files":[`...)
	if limit == 0 {
		return f.stream(w, r, buf, kept, sel)
	}
	if *kept, err = f.appendPage(r, buf, sel); err != nil {
		return err
	}
	sendJSON(w, *kept)
	return nil
}

// appendPage reads one page; one file more than asked for tells whether another follows.
func (f *Files) appendPage(r *http.Request, buf []byte, sel selection) ([]byte, error) {
	var next position
	count := 0
	_, _, err := f.store.page(r.Context(), sel, sel.after, sel.limit+1, func(file *File) {
		if count++; count > sel.limit {
			return
		}
		if count > 1 {
			buf = append(buf, ',')
		}
		buf = f.appendFile(buf, file)
		next = sel.positionOf(file)
	})
	if err != nil {
		return buf, err
	}
	buf = strconv.AppendInt(append(buf, `],"total":`...), sel.total, 10)
	if count > sel.limit {
		buf = appendString(append(buf, `,"next_cursor":`...), sel.encode(next))
	}
	return append(buf, '}', '\n'), nil
}

// stream sends everything in batches. An error in the middle cuts the connection, so that
// nobody takes half a list for the whole.
func (f *Files) stream(w http.ResponseWriter, r *http.Request, buf []byte, kept *[]byte, sel selection) error {
	total, after := int64(0), sel.after
	for {
		n, last, err := f.store.page(r.Context(), sel, after, streamBatch, func(file *File) {
			if total++; total > 1 {
				buf = append(buf, ',')
			}
			buf = f.appendFile(buf, file)
		})
		if err != nil {
			return err
		}
		if n < streamBatch {
			break
		}
		w.Header()["Content-Type"] = []string{"application/json"}
		if _, err := w.Write(buf); err != nil {
			return err // the client went away
		}
		buf, after = buf[:0], &last
	}
	if sel.after != nil && sel.total >= 0 { // the rest of a list, from a cursor on
		total = sel.total
	}
	buf = strconv.AppendInt(append(buf, `],"total":`...), total, 10)
	buf = append(buf, '}', '\n')
	*kept = buf
	sendJSON(w, *kept)
	return nil
}
