package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"homeserver/internal/files/digest"
	"homeserver/internal/platform/errs"
)

const (
	detailMismatch = "The content that arrived is not what its sender promised: it does not match the digest that came with it. Something changed it on the way. Nothing was stored; please send it again."
	detailNoDigest = "The digest that came with the content cannot be read, or two of them contradict each other. Content-Digest and Repr-Digest look like sha-256=:base64:, the form field sha256 is 64 hexadecimal digits. Nothing was stored."
)

// promised reads what a sender says of the content: the values of Content-Digest and Repr-Digest.
func promised(fields ...string) (*digest.Promise, error) {
	p, err := digest.Parse(fields...)
	return p, errs.Wrap(errs.Malformed, detailNoDigest, err)
}

// keepsPromise compares content that has passed through p.Watch, whose SHA-256 is sum.
func keepsPromise(p *digest.Promise, sum string) error {
	err := p.Check(sum)
	if errors.Is(err, digest.ErrMismatch) {
		return errPromise(err)
	}
	return err
}

func errPromise(cause error) error {
	return &errs.Error{Kind: errs.Invalid, Type: typeDigest, Detail: detailMismatch, Cause: cause}
}

// promisedBody is a request's body of which the sender promised something as a whole.
type promisedBody struct {
	io.Reader
	promise *digest.Promise
	sum     hash.Hash
}

// watchBody lets a body pass by the digests of its header fields; without any it is body itself.
func watchBody(body io.Reader, fields ...string) (io.Reader, error) {
	p, err := promised(fields...)
	if err != nil || p.Empty() {
		return body, err
	}
	sum := sha256.New()
	return &promisedBody{Reader: io.TeeReader(p.Watch(body), sum), promise: p, sum: sum}, nil
}

// checkBody is called when everything of a body that matters has been read: the rest is read
// too, and the whole is compared with what was promised.
func checkBody(body io.Reader) error {
	b, ok := body.(*promisedBody)
	if !ok {
		return nil
	}
	if _, err := io.CopyN(io.Discard, b, maxDrain); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errForm("too much follows its end")
		}
		return err
	}
	return keepsPromise(b.promise, hex.EncodeToString(b.sum.Sum(nil)))
}
