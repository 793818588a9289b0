// Package tus reads and writes the headers of tus 1.0.0, the protocol of resumable uploads
// (https://tus.io/protocols/resumable-upload). It is pure: text in, values out, and every error a
// sentence for whoever writes a client.
package tus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Version is the protocol's, the only one there is.
const Version = "1.0.0"

// ContentType is that of a body that is a piece of an upload.
const ContentType = "application/offset+octet-stream"

// Extensions lists what Tus-Extension says.
const Extensions = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation"

// maxDigits is how long a length or offset may be: those of int64 and no more.
const maxDigits = 19

// ParseNumber reads a length or an offset: decimal digits and nothing else.
func ParseNumber(header, value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || len(value) > maxDigits || strings.Trim(value, "0123456789") != "" {
		return 0, fmt.Errorf("%s is %s, which is not a number of bytes", header, quote(value))
	}
	return n, nil
}

// Size is the length of an upload as its creation declares it.
type Size struct {
	Known bool // false: it is told later
	Bytes int64
}

// ParseSize reads Upload-Length and Upload-Defer-Length of a creation, of which there must be
// exactly one.
func ParseSize(length, deferred string) (Size, error) {
	switch {
	case deferred != "" && deferred != "1":
		return Size{}, fmt.Errorf("Upload-Defer-Length is %s; it can only be 1", quote(deferred)) //nolint:staticcheck // a header's name begins it
	case deferred != "" && length != "":
		return Size{}, errors.New("Upload-Length and Upload-Defer-Length exclude each other") //nolint:staticcheck // as above
	case deferred != "":
		return Size{}, nil
	case length == "":
		return Size{}, errors.New("Upload-Length is missing; send Upload-Defer-Length: 1 if it is not known yet") //nolint:staticcheck // as above
	}
	n, err := ParseNumber("Upload-Length", length)
	return Size{Known: err == nil, Bytes: n}, err
}

// quote shows a value of a header in a sentence, cut to what a person wants to read.
func quote(value string) string {
	const most = 40
	if len(value) > most {
		return strconv.QuoteToASCII(strings.ToValidUTF8(value[:most], "")) + "..."
	}
	return strconv.QuoteToASCII(value)
}
