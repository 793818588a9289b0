package files

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"homeserver/internal/files/tus"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// uploadsPrefix is where resumable uploads live.
const uploadsPrefix = "/api/v1/uploads"

// The headers of tus, and ours: which file an upload became, and the digest of what has come.
const (
	tusResumable    = "Tus-Resumable"
	uploadOffset    = "Upload-Offset"
	uploadLength    = "Upload-Length"
	uploadDefer     = "Upload-Defer-Length"
	uploadMetadata  = "Upload-Metadata"
	uploadConcat    = "Upload-Concat"
	uploadChecksum  = "Upload-Checksum"
	uploadExpires   = "Upload-Expires"
	uploadFileID    = "Upload-File-Id"
	uploadReceived  = "Upload-Received-Sha256"
	methodOverride  = "X-HTTP-Method-Override"
	statusMismatch  = 460 // of tus: Checksum Mismatch
	problemChecksum = "urn:homeserver:digest"
	problemTaken    = "urn:homeserver:taken"
)

// speaking answers for a client that speaks tus, in one of its versions that is spoken here.
func speaking(h httpd.HandlerFunc) httpd.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		header := w.Header()
		header.Set(tusResumable, tus.Version)
		header.Set("Cache-Control", "no-store")
		if version := r.Header.Get(tusResumable); version != tus.Version {
			header.Set("Tus-Version", tus.Version)
			return refuse(r, httpd.NewProblem(http.StatusPreconditionFailed, "about:blank", "Send Tus-Resumable: "+tus.Version+"; no other version of tus is spoken here."))
		}
		err := h(w, r)
		if err == nil {
			return nil
		}
		if errors.Is(err, errBodyCut) || errors.Is(err, errTaken) {
			return tusProblem(err) // the other end is gone, or as good as gone
		}
		return refuse(r, tusProblem(err))
	}
}

// tusProblem gives the errors that tus has statuses for theirs.
func tusProblem(err error) error {
	switch {
	case errors.Is(err, errChecksum):
		p := httpd.NewProblem(statusMismatch, problemChecksum, "What arrived does not match Upload-Checksum. It was thrown away; send it again.")
		p.Title = "Checksum Mismatch"
		return p
	case errors.Is(err, errTaken):
		return httpd.NewProblem(http.StatusLocked, problemTaken, "Another request goes on with this upload. Ask for its offset before you send more.")
	case errors.Is(err, errStopping):
		return errs.Wrap(errs.Unavailable, "The server stops. What has arrived is kept; go on when it is back.", err)
	case errors.Is(err, errBodyCut) && errs.Is(err, errs.Internal) && !errors.Is(err, os.ErrDeadlineExceeded):
		return errs.Wrap(errs.Malformed, "The request was cut. What has arrived is kept; ask for the offset and go on.", err)
	}
	return err
}

// refuse reads some of a body that nobody wanted, so that its sender reads the answer.
func refuse(r *http.Request, err error) error {
	if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
	}
	return err
}

// handleUploadOptions says what is spoken here.
func (f *Files) handleUploadOptions(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set(tusResumable, tus.Version)
	h.Set("Tus-Version", tus.Version)
	h.Set("Tus-Extension", tus.Extensions)
	h.Set("Tus-Checksum-Algorithm", tus.Algorithms)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// handleUploadCreate begins an upload, and takes its first bytes if they came along.
func (f *Files) handleUploadCreate(w http.ResponseWriter, r *http.Request) error {
	concat, err := tus.ParseConcat(r.Header.Get(uploadConcat))
	if err != nil {
		return unreadable(err)
	}
	c := creation{Metadata: r.Header.Get(uploadMetadata), Concat: r.Header.Get(uploadConcat)}
	var u *resumable
	if concat.Final {
		u, err = f.joinParts(r.Context(), c, concat.Parts)
	} else {
		u, err = f.createFrom(w, r, c)
	}
	if u != nil {
		w.Header().Set("Location", uploadsPrefix+"/"+u.ID) // also when its first bytes could not be taken
	}
	if err != nil {
		return err
	}
	progress(w, u)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// createFrom begins an upload. One that begins and then fails comes back with the error.
func (f *Files) createFrom(w http.ResponseWriter, r *http.Request, c creation) (u *resumable, err error) {
	if c.Size, err = tus.ParseSize(r.Header.Get(uploadLength), r.Header.Get(uploadDefer)); err != nil {
		return nil, unreadable(err)
	}
	bytes := mediaType(r) == tus.ContentType
	if !bytes && r.ContentLength != 0 {
		return nil, errs.Newf(errs.UnsupportedMedia, "The bytes of an upload are sent as %s; to begin one without any, send no body.", tus.ContentType)
	}
	err = f.withPortion(w, r, func(p portion) error {
		if c.Size.Known && p.Length > c.Size.Bytes {
			return errTooLong(c.Size.Bytes)
		}
		if u, err = f.begin(r.Context(), c); err != nil || !bytes && u.Size != 0 {
			return err
		}
		p.Metadata, p.Size = "", noSize // they have been taken
		return f.first(r.Context(), u, p)
	})
	return u, err
}

// progress says how far an upload is.
func progress(w http.ResponseWriter, u *resumable) {
	h := w.Header()
	h.Set(uploadOffset, strconv.FormatInt(u.Offset, 10))
	if u.File != "" {
		h.Set(uploadFileID, u.File)
		return
	}
	h.Set(uploadExpires, u.Expires.UTC().Format(http.TimeFormat))
}

// handleUploadHead says how far an upload is, for a client that goes on with it.
func (f *Files) handleUploadHead(w http.ResponseWriter, r *http.Request) error {
	u, received, err := f.look(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	h := w.Header()
	progress(w, u)
	if received != "" {
		h.Set(uploadReceived, received)
	}
	if u.Size == noSize {
		h.Set(uploadDefer, "1")
	} else {
		h.Set(uploadLength, strconv.FormatInt(u.Size, 10))
	}
	if u.Metadata != "" {
		h.Set(uploadMetadata, u.Metadata)
	}
	if u.Concat != "" {
		h.Set(uploadConcat, u.Concat)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// handleUploadPatch adds bytes.
func (f *Files) handleUploadPatch(w http.ResponseWriter, r *http.Request) error {
	if mediaType(r) != tus.ContentType {
		return errs.Newf(errs.UnsupportedMedia, "The bytes of an upload are sent as %s.", tus.ContentType)
	}
	offset, err := tus.ParseNumber(uploadOffset, r.Header.Get(uploadOffset))
	if err != nil {
		return unreadable(err)
	}
	var u *resumable
	err = f.withPortion(w, r, func(p portion) (err error) {
		p.Offset = offset
		u, err = f.proceed(r.Context(), r.PathValue("id"), p)
		return err
	})
	if err != nil {
		return err
	}
	progress(w, u)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// handleUploadDelete ends an upload for good.
func (f *Files) handleUploadDelete(w http.ResponseWriter, r *http.Request) error {
	if err := f.terminate(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// handleUploadOverride is for clients whose network lets no PATCH and no DELETE through.
func (f *Files) handleUploadOverride(w http.ResponseWriter, r *http.Request) error {
	switch strings.ToUpper(r.Header.Get(methodOverride)) {
	case http.MethodPatch:
		return f.handleUploadPatch(w, r)
	case http.MethodDelete:
		return f.handleUploadDelete(w, r)
	case http.MethodHead:
		return f.handleUploadHead(w, r)
	}
	return errs.Newf(errs.Malformed, "To an upload send PATCH, HEAD or DELETE, or POST with %s.", methodOverride)
}

func mediaType(r *http.Request) string {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// withPortion calls fn with what a request adds. Its body ends when somebody takes over or the
// server stops.
func (f *Files) withPortion(w http.ResponseWriter, r *http.Request, fn func(p portion) error) (err error) {
	p := portion{Size: noSize, Length: r.ContentLength, Metadata: r.Header.Get(uploadMetadata)}
	if p.Checksum, err = tus.ParseChecksum(r.Header.Get(uploadChecksum)); err != nil {
		return unreadable(err)
	}
	if length := r.Header.Get(uploadLength); length != "" {
		if p.Size, err = tus.ParseNumber(uploadLength, length); err != nil {
			return unreadable(err)
		}
	}
	release, free := f.uploads.Take(httpd.PrincipalKey(r.Context()))
	if !free {
		return errTooMany()
	}
	defer release()
	b := endable(r)
	p.Body, p.End = b, b.end
	defer func() {
		if b.finish() {
			w.Header().Set("Connection", "close") // its reading has been stopped
		}
	}()
	return fn(p)
}

// endableBody is a request's body that somebody else may end.
type endableBody struct {
	io.Reader
	ctx      context.Context //nolint:containedctx // of the body, whose end it is
	end      context.CancelCauseFunc
	finished chan struct{} // the request is answered
	ended    chan struct{} // nothing touches the connection any more
	unwatch  func() bool
	calm     func() bool
}

// endable makes a body that ends when end is called, also while a read of it waits: the
// connection's deadline then passes, again and again, since a moving body sets it anew.
func endable(r *http.Request) *endableBody {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	b := &endableBody{Reader: r.Body, ctx: ctx, end: cancel, finished: make(chan struct{}), ended: make(chan struct{})}
	b.calm = context.AfterFunc(httpd.Closing(r.Context()), func() { cancel(errStopping) })
	b.unwatch = context.AfterFunc(ctx, func() {
		defer close(b.ended)
		tick := time.NewTicker(endEvery)
		defer tick.Stop()
		for {
			httpd.StopReading(r.Context())
			select {
			case <-b.finished:
				return
			case <-tick.C:
			}
		}
	})
	return b
}

// Read implements io.Reader. Of an ended body the error is why it was ended.
func (b *endableBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	return n, err
}

// finish lets go of the connection, and reports whether it was ended.
func (b *endableBody) finish() (ended bool) {
	b.calm()
	close(b.finished)
	if ended = !b.unwatch(); ended {
		<-b.ended
	}
	b.end(nil)
	return ended
}
