package outward

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"homeserver/internal/platform/errs"
)

const (
	// callTimeout bounds one request with its answer: services answer in a second or two.
	callTimeout = 30 * time.Second
	// maxAnswer is how much of an answer is read, in bytes: a sentence of an error, not a page.
	maxAnswer = 64 << 10
	// maxRedirects is how often a request is sent on, within one host.
	maxRedirects = 3
	// maxHeader bounds an answer's head, in bytes.
	maxHeader = 32 << 10
)

// Answer is what a service said.
type Answer struct {
	Status int
	Body   []byte // its beginning
	// RetryAfter is how long the service asks to be left alone; 0 when it does not say.
	RetryAfter time.Duration
}

// RetryAfter reads the header of that name: seconds, or a date (RFC 9110 section 10.2.3). 0 when
// there is none, or it says nothing of the future.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	said := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(said, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(said); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// Client returns an HTTP client that connects by this doorway: without a proxy, which would
// make the connection in its stead, and without keeping connections.
func (d *Doorway) Client(local bool) *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			DialContext:       func(ctx context.Context, _, address string) (net.Conn, error) { return d.Dial(ctx, address, local) },
			TLSClientConfig:   d.TLS(""),
			ForceAttemptHTTP2: true, DisableKeepAlives: true,
			TLSHandshakeTimeout: dialTimeout, MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: sameHost,
	}
}

// sameHost follows redirects within a host only, for example to its TLS port: headers that hold
// secrets would go along.
func sameHost(r *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return errs.New(errs.Invalid, "The service sends the request on in circles.")
	case r.URL.Hostname() != first.Hostname():
		return errs.Newf(errs.Invalid, "The service sends the request on to %s. Enter that address if it is right.", r.URL.Hostname())
	case first.Scheme == "https" && r.URL.Scheme != "https":
		return errs.New(errs.Invalid, "The service sends the request on to an address without TLS.")
	}
	return nil
}

// Call makes a request and reads the beginning of its answer.
func (d *Doorway) Call(ctx context.Context, local bool, method, address string, header http.Header, body []byte) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return Answer{}, errs.Wrap(errs.Invalid, "The address is not one that can be called.", err)
	}
	if header != nil {
		request.Header = header
	}
	request.Header.Set("User-Agent", "HomeServer")
	response, err := d.Client(local).Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode < http.StatusMultipleChoices {
		err = nil // it was accepted, whatever becomes of the rest of the answer
	}
	return Answer{response.StatusCode, text, RetryAfter(response.Header, time.Now())}, err
}

// Ping calls an address and reports whether it answered with a success.
func (d *Doorway) Ping(ctx context.Context, local bool, address string) error {
	answer, err := d.Call(ctx, local, http.MethodGet, address, nil, nil)
	if err == nil && answer.Status >= http.StatusMultipleChoices {
		err = errs.Newf(errs.Invalid, "It answered %d %s.", answer.Status, http.StatusText(answer.Status))
	}
	return err
}
