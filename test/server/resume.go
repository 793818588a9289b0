package server

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Uploads is the prefix of resumable uploads.
const Uploads = "/api/v1/uploads"

// resumePatience is how long a resumable upload may be without any progress before a test fails.
const resumePatience = 60 * time.Second

// resumePause is how long a client waits after an error: a server that is being restarted is
// not asked a thousand times.
const resumePause = 20 * time.Millisecond

// Resumable is a client's side of an upload by tus: what a program knows that goes on after every
// fault.
type Resumable struct {
	*Client
	Location string
	Content  []byte
	FileID   string // once it is a file
	Offset   int64  // the largest that was acknowledged

	// Piece says how much of what is left is sent with the next request, and with which headers.
	Piece func(offset, left int) (n int, header http.Header)
}

// errGone says that the server knows an upload no more that it had promised to keep.
var errGone = errors.New("the server does not know the upload any more")

// Metadata writes Upload-Metadata of pairs.
func Metadata(pairs ...string) string {
	var list []string
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return strings.Join(list, ",")
}

// TUS makes a request of the protocol. A nil body sends none.
func (c *Client) TUS(method, path string, header http.Header, body []byte) (Answer, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	r, err := c.Request(method, path, header, reader)
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("Tus-Resumable", "1.0.0")
	if body != nil {
		r.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	return c.Send(r)
}

// NewResumable begins an upload of content, again and again until the server has promised it.
func (c *Client) NewResumable(t testing.TB, content []byte, header http.Header) *Resumable {
	t.Helper()
	u := &Resumable{Client: c, Content: content}
	if header.Get("Upload-Length") == "" && header.Get("Upload-Defer-Length") == "" {
		header.Set("Upload-Length", strconv.Itoa(len(content)))
	}
	u.persist(t, "the creation", func() (bool, error) {
		answer, err := c.TUS("POST", Uploads, header, nil)
		if err != nil {
			return false, err
		}
		if answer.Status != http.StatusCreated {
			return false, temporary(answer)
		}
		u.Location, u.FileID = answer.Header.Get("Location"), answer.Header.Get("Upload-File-Id")
		return true, nil
	})
	return u
}

// temporary is the error of an answer that a client may overcome by going on, or fatal.
func temporary(answer Answer) error {
	err := fmt.Errorf("got status %d: %s", answer.Status, answer.Body)
	switch answer.Status {
	case http.StatusConflict, http.StatusLocked, http.StatusServiceUnavailable, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, 460:
		return err
	}
	return &fatalError{err}
}

type fatalError struct{ error }

// persist tries until step says that it is done, or nothing has moved for too long.
func (u *Resumable) persist(t testing.TB, what string, step func() (bool, error)) {
	t.Helper()
	at, since := u.Offset, time.Now()
	pause := time.NewTicker(resumePause)
	defer pause.Stop()
	for {
		done, err := step()
		var fatal *fatalError
		if done || errors.As(err, &fatal) {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			return
		}
		if u.Offset > at {
			at, since = u.Offset, time.Now()
		}
		if time.Since(since) > resumePatience {
			t.Fatalf("%s: no progress for %v at %d of %d bytes: %v", what, resumePatience, u.Offset, len(u.Content), err)
		}
		if err != nil {
			<-pause.C
		}
	}
}

// Ask asks how far the upload is. What was acknowledged before must still be there.
func (u *Resumable) Ask() (int64, error) {
	answer, err := u.TUS("HEAD", u.Location, nil, nil)
	if err != nil {
		return 0, err
	}
	if answer.Status == http.StatusNotFound || answer.Status == http.StatusGone {
		return 0, &fatalError{errGone}
	}
	if answer.Status != http.StatusOK {
		return 0, temporary(answer)
	}
	offset, err := u.note(answer)
	if err == nil && offset < u.Offset {
		err = &fatalError{fmt.Errorf("the upload is at %d, and %d bytes had been acknowledged", offset, u.Offset)}
	}
	return offset, err
}

// note takes what an answer acknowledges.
func (u *Resumable) note(answer Answer) (int64, error) {
	offset, err := strconv.ParseInt(answer.Header.Get("Upload-Offset"), 10, 64)
	if err != nil {
		return 0, &fatalError{fmt.Errorf("Upload-Offset: %w", err)}
	}
	u.FileID = answer.Header.Get("Upload-File-Id")
	return offset, nil
}

// Step asks for the offset and sends one piece. It reports whether everything has been
// acknowledged.
func (u *Resumable) Step() (bool, error) {
	offset, err := u.Ask()
	if err != nil {
		return false, err
	}
	u.Offset = offset
	rest := u.Content[offset:]
	if len(rest) == 0 {
		return true, nil
	}
	n, header := len(rest), http.Header{}
	if u.Piece != nil {
		n, header = u.Piece(int(offset), len(rest))
	}
	header.Set("Upload-Offset", strconv.FormatInt(offset, 10))
	answer, err := u.TUS("PATCH", u.Location, header, rest[:n])
	if err != nil {
		return false, err
	}
	if answer.Status != http.StatusNoContent {
		return false, temporary(answer)
	}
	u.Offset, err = u.note(answer)
	return u.Offset == int64(len(u.Content)), err
}

// Finish goes on until everything has been acknowledged.
func (u *Resumable) Finish(t testing.TB) {
	t.Helper()
	u.persist(t, "the upload "+u.Location, u.Step)
}
