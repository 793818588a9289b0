package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
)

// tusVersion is the version of the protocol of resumable uploads that is spoken (tus.io).
const tusVersion = "1.0.0"

// errBegun says that an upload that was begun earlier is of no use: it is begun anew.
var errBegun = errors.New("the upload that was begun earlier cannot be completed")

// uploads sends large files, several at a time.
func (p *putting) uploads(ctx context.Context, files []*source) error {
	if len(files) == 0 {
		return nil
	}
	var answer struct {
		Uploads []unfinished `json:"uploads"`
	}
	if err := p.client.call(ctx, "GET", "/api/v1/uploads", nil, &answer); err != nil {
		return err
	}
	begun := &pending{list: answer.Uploads}
	each(p.o.Parallel, files, func(f *source) { p.done(f, "stored", p.uploadOne(ctx, f, begun)) })
	return ctx.Err()
}

// uploadOne sends one file: it goes on with what was begun for it earlier, or begins.
func (p *putting) uploadOne(ctx context.Context, f *source, begun *pending) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	id, err := begun.take(ctx, p.folder, f, file)
	if err != nil {
		return err
	}
	if err = p.upload(ctx, f, file, id); errors.Is(err, errBegun) {
		err = p.upload(ctx, f, file, "")
	}
	return err
}

// upload sends one file; id is the upload that was begun for it earlier, "" for none.
func (p *putting) upload(ctx context.Context, f *source, file io.ReaderAt, id string) (err error) {
	earlier := id != ""
	if !earlier {
		if id, err = p.begin(ctx, f); err != nil {
			return err
		}
	}
	s := &sitting{p: p, f: f, file: file, id: id, foreign: earlier}
	err = s.finish(ctx)
	if err == nil {
		return p.verify(ctx, f, s.became)
	}
	p.o.Progress.Moved(-s.at)
	if earlier && statusOf(err) != 0 && !passing(err) {
		return errBegun // it may be somebody else's of another device: it stays, and expires
	}
	return err
}

// verify compares what the server holds with what was sent.
func (p *putting) verify(ctx context.Context, f *source, id string) error {
	if id == "" {
		return nil // the server has checked the digest that it was told
	}
	var stored File
	err := p.client.call(ctx, "GET", "/api/v1/files/"+url.PathEscape(id)+"/metadata", nil, &stored)
	if statusOf(err) == http.StatusForbidden { // a token that may not read
		return nil
	}
	if err == nil && stored.SHA256 != f.sha256 {
		err = fmt.Errorf("the server holds %s, it was %s", stored.SHA256, f.sha256)
	}
	return err
}

// metadata says what becomes of a file: also what it holds, so that the server stores nothing else.
func (p *putting) metadata(f *source) string {
	fields := [][2]string{{"filename", path.Base(f.rel)}, {"filetype", contentType(f.rel)}, {"folder", p.folder}, {"on_conflict", p.o.OnConflict}, {"sha256", f.sha256}, {"shared", strconv.FormatBool(p.o.Shared)}}
	if strings.Contains(f.rel, "/") {
		fields = append(fields, [2]string{"relativePath", f.rel})
	}
	if p.o.Tags != "" {
		fields = append(fields, [2]string{"tags", p.o.Tags})
	}
	pairs := make([]string, len(fields))
	for i, field := range fields {
		pairs[i] = field[0] + " " + base64.StdEncoding.EncodeToString([]byte(field[1]))
	}
	return strings.Join(pairs, ",")
}

// begin makes an upload.
func (p *putting) begin(ctx context.Context, f *source) (id string, err error) {
	err = again(ctx, func() error {
		header, err := p.client.tusRequest(ctx, "POST", "/api/v1/uploads", nil, http.Header{
			"Upload-Length": {strconv.FormatInt(f.size, 10)}, "Upload-Metadata": {p.metadata(f)}})
		if err == nil {
			id = path.Base(header.Get("Location"))
		}
		return err
	})
	if err == nil && (id == "" || id == "." || id == "/") {
		err = errors.New("the server did not say where the upload is")
	}
	return id, err
}

// sitting is what is done about one upload.
type sitting struct {
	p      *putting
	f      *source
	file   io.ReaderAt
	id     string
	at     int64  // how much progress was told of
	became string // the id of the file
	// foreign says that it was begun earlier, by whatever program: what the server has must be the
	// beginning of this file, and it is told what this file is.
	foreign bool
	proven  bool // it is
}

// finish sends what the server lacks until it has everything.
func (s *sitting) finish(ctx context.Context) error {
	pauses := newPauses()
	known := int64(-1)
	for {
		offset, err := s.offset(ctx)
		if err == nil {
			if offset > known {
				pauses.moved()
			}
			known = offset
			s.p.o.Progress.Moved(offset - s.at)
			s.at = offset
			if offset >= s.f.size {
				return nil
			}
			if err = s.send(ctx, offset); err == nil {
				return nil
			}
		}
		if !passing(err) || !pauses.wait(ctx) {
			return err
		}
	}
}

// offset asks how much the server has.
func (s *sitting) offset(ctx context.Context) (int64, error) {
	header, err := s.p.client.tusRequest(ctx, "HEAD", "/api/v1/uploads/"+url.PathEscape(s.id), nil, nil)
	if err != nil {
		return 0, err
	}
	s.became = header.Get("Upload-File-Id")
	offset, err := strconv.ParseInt(header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 || offset > s.f.size {
		return 0, errOther()
	}
	if s.foreign && !s.proven {
		if s.became != "" {
			return 0, errOther() // finished by somebody else just now, with what they had
		}
		if offset > 0 {
			same, err := begins(ctx, s.file, offset, header.Get("Upload-Received-Sha256"))
			if err != nil {
				return 0, err
			}
			if !same {
				return 0, errOther()
			}
		}
		s.proven = true
	}
	return offset, nil
}

func errOther() error {
	return &Problem{Status: http.StatusConflict, Detail: "The upload on the server is of another file."}
}

// send sends everything from an offset on.
func (s *sitting) send(ctx context.Context, offset int64) error {
	body := &counted{r: io.NewSectionReader(s.file, offset, s.f.size-offset), moved: func(n int64) {
		s.at += n
		s.p.o.Progress.Moved(n)
	}}
	headers := http.Header{
		"Content-Type": {"application/offset+octet-stream"}, "Upload-Offset": {strconv.FormatInt(offset, 10)}, "Content-Length": {strconv.FormatInt(s.f.size-offset, 10)}}
	if s.foreign {
		headers["Upload-Metadata"] = []string{s.p.metadata(s.f)}
	}
	header, err := s.p.client.tusRequest(ctx, "PATCH", "/api/v1/uploads/"+url.PathEscape(s.id), body, headers)
	if err != nil {
		return err
	}
	s.became = header.Get("Upload-File-Id")
	if at, err := strconv.ParseInt(header.Get("Upload-Offset"), 10, 64); err != nil || at != s.f.size {
		return io.ErrUnexpectedEOF // look where it is
	}
	return nil
}

// counted tells of what is read.
type counted struct {
	r     io.Reader
	moved func(n int64)
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if n > 0 {
		c.moved(int64(n))
	}
	return n, err
}

// tusRequest makes one request of the protocol and returns the answer's headers.
func (c *Client) tusRequest(ctx context.Context, method, path string, body io.Reader, header http.Header) (http.Header, error) {
	r, err := c.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if length := header.Get("Content-Length"); length != "" {
		if r.ContentLength, err = strconv.ParseInt(length, 10, 64); err != nil {
			return nil, err
		}
	}
	r.Header.Set("Tus-Resumable", tusVersion)
	answer, err := c.send(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	return answer.Header, err
}
