package files

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// maxBatches is how many batches of one principal may be under way at a time: one keeps the
// disk as busy as many, and each may have megabytes of answers waiting.
const maxBatches = 4

// batchForm describes a batch for people and programs.
type batchForm struct {
	Folder     string   `json:"folder,omitempty" example:"mine" doc:"The folder they go to, or the one below which the folders of their names lie; the root of one's own tree if left out. Before the files"`
	OnConflict string   `json:"on_conflict,omitempty" enum:"keep,rename,replace,fail" default:"fail" doc:"What is done when a name is taken; before the files"`
	Tags       string   `json:"tags,omitempty" example:"holiday,2026" doc:"Tags of all files, separated by commas; before the files"`
	Shared     string   `json:"shared,omitempty" enum:"true,1,on,yes,false,0,off,no" doc:"Whether everybody in the house may see the files; before the files"`
	File       []string `json:"file" format:"binary" doc:"The files: as many parts of this name as there are files, up to 20,000 of up to 16 MiB each. A filename may be a relative path with slashes; its folders are made"`
}

// batchLine is a line of the answer to a batch; the last one has stored and failed only.
type batchLine struct {
	Index  *int      `json:"index,omitempty" doc:"Which file of the form, from 0"`
	Name   string    `json:"name,omitempty" doc:"The file's name as it was sent"`
	Status int       `json:"status,omitempty" example:"200" doc:"200, or what an upload of the file alone had been refused with"`
	File   *FileBody `json:"file,omitempty" doc:"The file, when it was stored"`
	Type   string    `json:"type,omitempty" doc:"The kind of problem, when the file was not stored"`
	Detail string    `json:"detail,omitempty" doc:"A sentence: why the file was not stored"`
	Stored *int      `json:"stored,omitempty" doc:"In the last line: how many files were stored"`
	Failed *int      `json:"failed,omitempty" doc:"In the last line: how many were not"`
}

// batchRoutes mounts the batch.
func (f *Files) batchRoutes(r *httpd.Router) {
	o := answers(op(identity.CreateFile, http.MethodPost, "/batch", "upload-batch", "Upload many small files", "Streams thousands of small files in and answers, while they come, with one line of JSON for each: it is durable when its line comes. "+
		"What is wrong with one file stops no other. The last line has the numbers of files stored and failed, and why the form was read no further, if it was not."),
		&huma.Response{Description: "One line for each file, in any order, and a last one", Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: r.Schema(batchLine{})}}},
		"400", "403", "422", "429", "503", "507")
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: r.Schema(batchForm{})}}}
	r.Handle(o, f.handleBatch)
}

// handleBatch streams a form of many files in. What is wrong with the request as a whole is a
// problem as always as long as no line has been sent; later it is in the last line.
func (f *Files) handleBatch(w http.ResponseWriter, r *http.Request) error {
	release, free := f.batches.Take(httpd.PrincipalKey(r.Context()))
	if !free {
		w.Header().Set("Retry-After", strconv.Itoa(int(uploadRetry/time.Second)))
		return errs.Newf(errs.RateLimited, "There are %d batches of yours under way already. Nothing was stored; send this one when others are done.", maxBatches)
	}
	defer release()
	httpd.FullDuplex(r)
	answer := newLines(w)
	stored, failed := 0, 0
	err := f.receiveBatch(r.Context(), r.Header.Get("Content-Type"), r.Body, func(results ...batchResult) {
		answer.write(func(b []byte) []byte {
			for _, result := range results {
				if result.err == nil {
					stored++
				} else {
					failed++
				}
				b = f.appendResult(r, b, result)
			}
			return b
		})
	})
	if err != nil && !answer.begun() {
		_ = answer.end() // nothing was written
		if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
		}
		return err
	}
	answer.write(func(b []byte) []byte {
		b = strconv.AppendInt(append(b, `{"stored":`...), int64(stored), 10)
		b = strconv.AppendInt(append(b, `,"failed":`...), int64(failed), 10)
		return append(f.appendProblem(r, b, err), "}\n"...)
	})
	return answer.end()
}

// appendResult appends the line about one file.
func (f *Files) appendResult(r *http.Request, b []byte, result batchResult) []byte {
	b = strconv.AppendInt(append(b, `{"index":`...), int64(result.index), 10)
	b = appendString(append(b, `,"name":`...), result.name)
	if result.err == nil {
		b = f.appendFile(append(b, `,"status":200,"file":`...), result.file)
	}
	return append(f.appendProblem(r, b, result.err), "}\n"...)
}

// appendProblem appends what a client may see of an error; of none nothing.
func (f *Files) appendProblem(r *http.Request, b []byte, err error) []byte {
	if err == nil {
		return b
	}
	problem := httpd.ProblemOf(r.Context(), err)
	if problem.Status >= http.StatusInternalServerError {
		f.log.Warn("a file of a batch, or the rest of it, was not stored", "error", err, "request", httpd.RequestID(r.Context()))
	}
	b = strconv.AppendInt(append(b, `,"status":`...), int64(problem.Status), 10)
	b = appendString(append(b, `,"type":`...), problem.Type)
	return appendString(append(b, `,"detail":`...), problem.Detail)
}

// lines sends an answer while the request's body still arrives. Whoever writes never waits for
// the client: many read nothing before they have sent everything.
type lines struct {
	mu      sync.Mutex
	waiting []byte
	started bool
	ended   bool
	wake    chan struct{} // has room for one
	gone    chan error
}

// newLines begins an answer to w. end must be called.
func newLines(w http.ResponseWriter) *lines {
	l := &lines{wake: make(chan struct{}, 1), gone: make(chan error, 1)}
	go func() { l.gone <- l.send(w) }()
	return l
}

// write has something appended to what waits to be sent; one caller at a time.
func (l *lines) write(add func([]byte) []byte) {
	l.mu.Lock()
	l.waiting, l.started = add(l.waiting), true
	l.mu.Unlock()
	l.nudge()
}

func (l *lines) nudge() {
	select {
	case l.wake <- struct{}{}:
	default: // it knows
	}
}

// begun reports whether anything was written.
func (l *lines) begun() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.started
}

// end returns when everything was sent, or cannot be.
func (l *lines) end() error {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.nudge()
	return <-l.gone
}

// send sends what waits until the end; after an error it only takes it away.
func (l *lines) send(w http.ResponseWriter) (failed error) {
	control := http.NewResponseController(w)
	var sending []byte
	for range l.wake {
		l.mu.Lock()
		sending, l.waiting = l.waiting, sending[:0]
		ended := l.ended
		l.mu.Unlock()
		if len(sending) > 0 && failed == nil {
			w.Header()["Content-Type"] = []string{"application/x-ndjson"}
			if _, failed = w.Write(sending); failed == nil {
				if err := control.Flush(); !errors.Is(err, http.ErrNotSupported) {
					failed = err
				}
			}
		}
		if ended {
			break
		}
	}
	return failed
}
