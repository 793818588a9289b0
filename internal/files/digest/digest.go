// Package digest reads and writes the fields Content-Digest and Repr-Digest of RFC 9530 and
// compares content with what they promise. SHA-256 and SHA-512 are known; what names other
// algorithms only says nothing, as the RFC wants it.
package digest

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"
)

// The algorithms' names in the fields.
const (
	nameSHA256 = "sha-256"
	nameSHA512 = "sha-512"
)

// ErrMismatch says that content is not what its sender promised.
var ErrMismatch = errors.New("the content does not match its digest")

// ErrSyntax says that a field cannot be read.
var ErrSyntax = errors.New("the digest field cannot be read")

// errConflict says that two fields promise different content; nothing could fulfil both.
var errConflict = errors.New("two digests of the same content contradict each other")

// Promise is what a sender says of the content that it sends. The zero value says nothing.
type Promise struct {
	sha256, sha512 []byte // nil: not said
	sum512         hash.Hash
}

// Parse reads fields of one name or of both; several say what all of them say. Values of an
// algorithm that is known must be byte sequences of its length.
func Parse(fields ...string) (*Promise, error) {
	p := &Promise{}
	for _, field := range fields {
		members, err := parseDictionary(field)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if err := p.member(m); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func (p *Promise) member(m member) error {
	var known *[]byte
	size := 0
	switch m.key {
	case nameSHA256:
		known, size = &p.sha256, sha256.Size
	case nameSHA512:
		known, size = &p.sha512, sha512.Size
	default:
		return nil
	}
	if len(m.bytes) != size {
		return ErrSyntax
	}
	return note(known, m.bytes)
}

// note keeps a digest unless another was promised before.
func note(known *[]byte, sum []byte) error {
	if *known != nil && string(*known) != string(sum) {
		return errConflict
	}
	*known = sum
	return nil
}

// SHA256 adds a SHA-256 in hex, as the form field sha256 bears it; the letters may be of either
// case, and nothing says nothing.
func (p *Promise) SHA256(text string) error {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != sha256.Size {
		return ErrSyntax
	}
	return note(&p.sha256, sum)
}

// Empty reports whether nothing was promised.
func (p *Promise) Empty() bool { return p == nil || p.sha256 == nil && p.sha512 == nil }

// Want is the SHA-256 that was promised, in lower-case hex, or "".
func (p *Promise) Want() string {
	if p == nil {
		return ""
	}
	return hex.EncodeToString(p.sha256)
}

// Watch returns a reader through which the content must pass when it is not hashed by SHA-256
// alone. Without a promise of SHA-512 it is r itself.
func (p *Promise) Watch(r io.Reader) io.Reader {
	if p == nil || p.sha512 == nil {
		return r
	}
	p.sum512 = sha512.New()
	return io.TeeReader(r, p.sum512)
}

// Check compares the content that has passed, whose SHA-256 in hex is sum, with the promise.
func (p *Promise) Check(sum string) error {
	switch {
	case p == nil:
		return nil
	case p.sha256 != nil && hex.EncodeToString(p.sha256) != sum:
		return ErrMismatch
	case p.sha512 != nil && (p.sum512 == nil || string(p.sum512.Sum(nil)) != string(p.sha512)):
		return ErrMismatch
	}
	return nil
}

// Field is the value of Content-Digest or Repr-Digest for content whose SHA-256, in hex, is
// sum; "" for what is no SHA-256.
func Field(sum string) string {
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != sha256.Size {
		return ""
	}
	return nameSHA256 + "=:" + base64.StdEncoding.EncodeToString(raw) + ":"
}
