package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
)

const (
	// batchFiles and batchBytes are how much one batch carries.
	batchFiles = 500
	batchBytes = 32 << 20
	// batchesAtOnce is how many batches are on their way: the server takes four.
	batchesAtOnce = 2
	// maxLine is the length of a line of a batch's answer, in bytes.
	maxLine = 1 << 20
)

// batches sends small files, many to a request.
func (p *putting) batches(ctx context.Context, files []*source) error {
	var groups [][]*source
	var group []*source
	var bytes int64
	for _, f := range files {
		if len(group) == batchFiles || bytes+f.size > batchBytes {
			groups, group, bytes = append(groups, group), nil, 0
		}
		group, bytes = append(group, f), bytes+f.size
	}
	if len(group) > 0 {
		groups = append(groups, group)
	}
	var mu sync.Mutex
	var failed error
	each(min(p.o.Parallel, batchesAtOnce), groups, func(group []*source) {
		err := p.batch(ctx, group)
		mu.Lock()
		defer mu.Unlock()
		if failed == nil {
			failed = err
		}
	})
	return failed
}

// batch sends one group, and what is left of it again when the line breaks.
func (p *putting) batch(ctx context.Context, group []*source) error {
	pauses := newPauses()
	for first := true; ; first = false {
		if !first { // what was stored and not acknowledged is there by now
			var err error
			if group, err = p.passBy(ctx, group); err != nil {
				return err
			}
		}
		if len(group) == 0 {
			return nil
		}
		left, err := p.sendBatch(ctx, group)
		if len(left) < len(group) {
			pauses.moved()
		}
		if group = left; err == nil && len(group) == 0 {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("the server did not say what became of %d files", len(group))
		}
		if !passing(err) || !pauses.wait(ctx) {
			return err
		}
	}
}

// sendBatch sends files in one request and returns those of which the server did not speak.
func (p *putting) sendBatch(ctx context.Context, group []*source) (left []*source, err error) {
	body, pipe := io.Pipe()
	form := multipart.NewWriter(pipe)
	written := make(chan error, 1)
	go func() {
		err := p.writeBatch(ctx, form, group)
		pipe.CloseWithError(err) // nil is the good end
		written <- err
	}()
	settled := make([]bool, len(group))
	err = p.readBatch(ctx, form.FormDataContentType(), body, group, settled)
	body.Close()
	if local := <-written; local != nil && local != io.ErrClosedPipe { //nolint:errorlint // it is returned as it is
		err = local
	}
	for i, f := range group {
		if !settled[i] {
			p.o.Progress.Moved(-f.size)
			left = append(left, f)
		}
	}
	return left, err
}

// writeBatch writes the form.
func (p *putting) writeBatch(ctx context.Context, form *multipart.Writer, group []*source) error {
	fields := [][2]string{{"folder", p.folder}, {"on_conflict", p.o.OnConflict}, {"shared", fmt.Sprint(p.o.Shared)}}
	if p.o.Tags != "" {
		fields = append(fields, [2]string{"tags", p.o.Tags})
	}
	for _, field := range fields {
		if err := form.WriteField(field[0], field[1]); err != nil {
			return err
		}
	}
	for _, f := range group {
		part, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {"form-data; name=\"file\"; filename*=UTF-8''" + url.PathEscape(f.rel)}, "Content-Type": {contentType(f.rel)}})
		if err != nil {
			return err
		}
		if err := copyFile(ctx, part, f); err != nil {
			return err
		}
		p.o.Progress.Moved(f.size)
	}
	return form.Close()
}

// copyFile writes a file that is as long as it was when it was hashed.
func copyFile(ctx context.Context, w io.Writer, f *source) error {
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("%w: %w", errLocal, err)
	}
	defer file.Close()
	n, err := io.Copy(w, untilDone{ctx, io.LimitReader(file, f.size)})
	if err == nil && n != f.size {
		err = fmt.Errorf("%w: %s became shorter while it was being sent", errLocal, f.path)
	}
	return err
}

// readBatch reads what became of each file, while the form is still being written.
func (p *putting) readBatch(ctx context.Context, kind string, body io.Reader, group []*source, settled []bool) error {
	r, err := p.client.request(ctx, "POST", "/api/v1/files/batch", body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", kind)
	answer, err := p.client.send(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var line struct {
			Index *int  `json:"index"`
			File  *File `json:"file"`
			Problem
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		if line.Index == nil { // the last line
			if line.Status != 0 {
				return &line.Problem
			}
			return nil
		}
		if i := *line.Index; i >= 0 && i < len(group) && !settled[i] {
			settled[i] = true
			p.settle(group[i], line.File, &line.Problem)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the answer was cut off: %w", err)
	}
	return io.ErrUnexpectedEOF
}

// settle notes what the server says of a file, and compares digests.
func (p *putting) settle(f *source, stored *File, problem *Problem) {
	switch {
	case stored == nil:
		p.done(f, "", problem)
	case stored.SHA256 != f.sha256:
		p.done(f, "", fmt.Errorf("it changed while it was being sent: the server holds %s, it was %s", stored.SHA256, f.sha256))
	default:
		p.done(f, "stored", nil)
	}
}

// contentType is the type by a name's ending.
func contentType(name string) string {
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// splitTags takes a list of tags apart.
func splitTags(tags string) []string {
	var list []string
	for tag := range strings.SplitSeq(tags, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			list = append(list, tag)
		}
	}
	return list
}
