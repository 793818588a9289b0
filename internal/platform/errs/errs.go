// Package errs gives every error two faces: a Kind for machines and a sentence for
// people. The cause stays inside for the log and is never sent to a client.
//
// An error without a kind is Internal: its text is for the log only.
package errs

import (
	"errors"
	"fmt"
)

// Kind classifies an error by what the caller can do about it.
type Kind int

// The kinds, with the HTTP status httpd answers for each.
const (
	Internal           Kind = iota // 500: our fault; details are in the log
	Malformed                      // 400: the request could not be understood
	Invalid                        // 422: understood, but a value is not acceptable
	Unauthenticated                // 401: nobody said who they are
	Forbidden                      // 403: known, and not allowed
	NotFound                       // 404
	Conflict                       // 409: the present state forbids it
	TooLarge                       // 413: beyond a limit
	UnsupportedMedia               // 415: a content type nobody here reads
	RateLimited                    // 429: try again later
	Unavailable                    // 503: database or storage is away; try again
	StorageFull                    // 507: no space left
	PreconditionFailed             // 412: it is no longer what the caller thinks it is
	Gone                           // 410: it was there, and will not come back
)

// Error is an error with a kind and a sentence.
type Error struct {
	Kind   Kind
	Detail string // a sentence for people: what failed and what to do about it
	Cause  error  // for the log; may be nil
	// Type names what clients act upon where the kind does not tell it, such as "changed"; "" where
	// it does.
	Type string
	// Confirm is what the caller must repeat for this to be done all the same.
	Confirm string
}

// Error joins sentence and cause, for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Detail
	}
	return fmt.Sprintf("%s: %v", e.Detail, e.Cause)
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of a kind with a sentence for people.
func New(kind Kind, detail string) error { return &Error{Kind: kind, Detail: detail} }

// Newf is New with formatting.
func Newf(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// Typed makes an error of a kind and a type with a sentence for people.
func Typed(kind Kind, name, detail string) error {
	return &Error{Kind: kind, Detail: detail, Type: name}
}

// Wrap gives a cause a kind and a sentence. Wrapping nil gives nil.
func Wrap(kind Kind, detail string, cause error) error {
	if cause == nil {
		return nil
	}
	return &Error{Kind: kind, Detail: detail, Cause: cause}
}

// KindOf returns the kind of the outermost *Error in err's chain, Internal when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Detail returns the sentence of the outermost *Error in err's chain, or "" when there is none.
func Detail(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return ""
}

// TypeOf returns the type of the outermost *Error in err's chain, "" when it has none.
func TypeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Type
	}
	return ""
}

// Is reports whether err is of kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
