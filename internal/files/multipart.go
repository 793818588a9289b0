package files

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"
	"sync"

	"homeserver/internal/platform/errs"
)

const (
	// formBuffer is how much of a form is looked at at once, in bytes. mime/multipart looks at
	// 5 KiB, which costs a gigabyte upload 200,000 rounds.
	formBuffer = 64 << 10
	// maxPartHeader is the size of the headers of one part, in bytes: a path of thousands of
	// characters in front of the name fits.
	maxPartHeader = 32 << 10
	// maxBoundary is the length RFC 2046 allows.
	maxBoundary = 70
)

var formBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, formBuffer) }}

// formReader takes a multipart/form-data body apart without ever holding a part.
type formReader struct {
	r         *bufio.Reader
	delimiter []byte // CR LF -- boundary
	begun     bool
	ended     bool // the closing delimiter was seen
	inPart    bool
	fresh     bool // nothing of the part has been read yet
	failed    error
}

// formPart is one part's head.
type formPart struct {
	disposition
	contentType string
	digests     []string // Content-Digest and Repr-Digest
}

// errCut and errForm are what is said of bodies that end early or are no form.
func errCut() error { // without the cause: io.EOF inside would pass for a good end
	return errs.New(errs.Malformed, "The upload was cut short: the form ends before its closing boundary. Nothing was stored.")
}

func errForm(what string) error {
	return errs.Newf(errs.Malformed, "The body is not a valid multipart/form-data form: %s. Nothing was stored.", what)
}

// newFormReader reads body as the Content-Type header describes it. The caller must release it.
func newFormReader(contentType string, body io.Reader) (*formReader, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/form-data" {
		return nil, errs.New(errs.Malformed, "Send the file as multipart/form-data with a part named \"file\".")
	}
	boundary := params["boundary"]
	if boundary == "" || len(boundary) > maxBoundary {
		return nil, errForm("its boundary is missing or too long")
	}
	r := formBuffers.Get().(*bufio.Reader)
	r.Reset(body)
	return &formReader{r: r, delimiter: []byte("\r\n--" + boundary)}, nil
}

// release gives the buffer back; the reader is not used afterwards.
func (f *formReader) release() {
	f.r.Reset(nil)
	formBuffers.Put(f.r)
	f.r = nil
}

// next moves to the next part, passing by what is left of the present one. io.EOF is the end
// of the form.
func (f *formReader) next() (formPart, error) {
	if err := f.toDelimiter(); err != nil {
		return formPart{}, err
	}
	if f.ended {
		return formPart{}, io.EOF
	}
	if err := f.endDelimiter(); err != nil {
		return formPart{}, err
	}
	if f.ended {
		return formPart{}, io.EOF
	}
	part, err := f.head()
	f.inPart, f.fresh = err == nil, true
	return part, err
}

// toDelimiter consumes everything up to and including the next delimiter.
func (f *formReader) toDelimiter() error {
	if f.failed != nil {
		return f.failed
	}
	if !f.begun {
		f.begun = true
		start, err := f.r.Peek(len(f.delimiter) - 2)
		if err == nil && bytes.Equal(start, f.delimiter[2:]) { // the first one needs no line end before it
			_, err = f.r.Discard(len(start))
			return f.fail(err)
		}
		f.inPart = true // a preamble is passed by as a part would be
	}
	if !f.inPart {
		return nil
	}
	_, err := io.Copy(io.Discard, struct{ io.Reader }{f})
	return f.fail(err)
}

// fail turns the body's end and errors into sentences, and remembers them.
func (f *formReader) fail(err error) error {
	if err == nil {
		return nil
	}
	if f.failed == nil {
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			f.failed = errCut()
		default:
			f.failed = err
		}
	}
	return f.failed
}

// endDelimiter reads what follows a delimiter: -- at the end of the form, or a line end.
func (f *formReader) endDelimiter() error {
	two, err := f.r.Peek(2)
	if err != nil {
		return f.fail(err)
	}
	if string(two) == "--" {
		f.ended = true
		return nil
	}
	line, err := f.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || err == nil && len(bytes.TrimRight(line, " \t\r\n")) > 0 {
		return f.fail(errForm("a boundary is followed by something else"))
	}
	return f.fail(err)
}

// head reads the headers of a part.
func (f *formReader) head() (part formPart, err error) {
	var lines []string
	for size := 0; ; {
		line, err := f.r.ReadSlice('\n')
		if size += len(line); size > maxPartHeader || errors.Is(err, bufio.ErrBufferFull) {
			return part, f.fail(errForm("the headers of a part are too long"))
		}
		if err != nil {
			return part, f.fail(err)
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(line) == 0 {
			break
		}
		if (line[0] == ' ' || line[0] == '\t') && len(lines) > 0 { // a folded line
			lines[len(lines)-1] += " " + string(bytes.TrimSpace(line))
			continue
		}
		lines = append(lines, string(line))
	}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); {
		case !ok:
			return part, f.fail(errForm("a header of a part has no colon"))
		case strings.EqualFold(name, "Content-Disposition"):
			if part.disposition, ok = parseDisposition(value); !ok {
				return part, f.fail(errForm("a Content-Disposition cannot be read"))
			}
		case strings.EqualFold(name, "Content-Type"):
			part.contentType = value
		case strings.EqualFold(name, "Content-Digest"), strings.EqualFold(name, "Repr-Digest"):
			part.digests = append(part.digests, value)
		}
	}
	if part.kind != "form-data" {
		return part, f.fail(errForm("a part lacks Content-Disposition: form-data"))
	}
	return part, nil
}

// Read reads the content of the present part; io.EOF is its end.
func (f *formReader) Read(p []byte) (int, error) {
	if f.failed != nil {
		return 0, f.failed
	}
	if !f.inPart {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	buf, err := f.r.Peek(max(len(f.delimiter), f.r.Buffered()))
	if f.fresh && bytes.HasPrefix(buf, f.delimiter[2:]) { // empty, and the line end was that of the headers
		return f.endPart(len(f.delimiter) - 2)
	}
	if i := bytes.Index(buf, f.delimiter); i >= 0 {
		if i == 0 {
			return f.endPart(len(f.delimiter))
		}
		f.fresh = false
		return f.take(p, i)
	}
	if err != nil {
		return 0, f.fail(err)
	}
	f.fresh = false
	// All but what could be the beginning of the delimiter is content.
	return f.take(p, len(buf)-len(f.delimiter)+1)
}

// take hands out up to n bytes that are buffered.
func (f *formReader) take(p []byte, n int) (int, error) {
	n, err := f.r.Read(p[:min(n, len(p))])
	return n, f.fail(err)
}

// endPart consumes the delimiter, which is buffered.
func (f *formReader) endPart(length int) (int, error) {
	f.inPart = false
	if _, err := f.r.Discard(length); err != nil {
		return 0, f.fail(err)
	}
	return 0, io.EOF
}
