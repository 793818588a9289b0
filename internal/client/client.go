// Package client speaks to a HomeServer over its public API, for the command line: it sends and
// fetches files and folders, many at a time, goes on where it was interrupted, and compares the
// digests of everything with what arrived.
//
// Nothing of the server's own code is in it: what it can do, every program can do.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// quiet is how long a server may take to begin an answer: a replaced file of gigabytes is
	// synced before it is acknowledged.
	quiet = 2 * time.Minute
	// patience is how long is tried again while nothing moves: a server that is updated or a
	// router that restarts is back by then.
	patience = 2 * time.Minute
	// firstPause is the wait before a second attempt; it doubles up to longestPause.
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
	// maxAnswer bounds an answer that is read whole, in bytes: a page of 1,000 entries fits.
	maxAnswer = 16 << 20
)

// Config says which server and who is asking.
type Config struct {
	// URL is the server's address, such as https://home.example:8000.
	URL string
	// Token is a personal access token, or the administrator's API key.
	Token string
	// CA is a file with certificates to trust beside those of the system, for a house that is its
	// own authority; "" for none.
	CA string
}

// Client speaks to one server as one person.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New makes a client. It does no I/O but reading the certificates.
func New(config Config) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(config.URL, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is not the address of a server; for example https://home.example:8000", config.URL)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 16, ResponseHeaderTimeout: quiet, TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second,
		DisableCompression: true, // digests are of what is stored, and so is the length
	}
	if config.CA != "" {
		if transport.TLSClientConfig, err = trusting(config.CA); err != nil {
			return nil, err
		}
	}
	return &Client{base: u.String(), token: config.Token, http: &http.Client{Transport: transport, CheckRedirect: sameHost}}, nil
}

// sameHost follows a redirect from plain HTTP to TLS, but takes the token nowhere else.
func sameHost(r *http.Request, via []*http.Request) error {
	if len(via) > 3 || r.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	return nil
}

func trusting(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", file)
	}
	return &tls.Config{RootCAs: pool}, nil
}

// Problem is a server's word on why something was not done (RFC 9457).
type Problem struct {
	Status  int    `json:"status"`
	Type    string `json:"type"`
	Detail  string `json:"detail"`
	Confirm string `json:"confirm"`
}

// Error is the sentence.
func (p *Problem) Error() string {
	switch {
	case p.Detail != "":
		return p.Detail
	case http.StatusText(p.Status) != "":
		return fmt.Sprintf("the server answered %d %s", p.Status, http.StatusText(p.Status))
	}
	return fmt.Sprintf("the server answered %d", p.Status)
}

// statusOf is the status of a Problem, 0 for everything else.
func statusOf(err error) int {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// Missing reports whether an error says that something is not there.
func Missing(err error) bool { return statusOf(err) == http.StatusNotFound }

// passing reports whether trying again may help.
func passing(err error) bool {
	var p *Problem
	if !errors.As(err, &p) {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, errLocal)
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusLocked, http.StatusRequestTimeout:
		return true
	}
	return false
}

// errLocal marks errors of this machine's own files, which no second attempt cures.
var errLocal = errors.New("this machine")

// request prepares a request.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return r, nil
}

// send sends a request; an answer that is no success comes back as a Problem. Who gets an answer
// closes its body.
func (c *Client) send(r *http.Request) (*http.Response, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // its text would repeat the address
		}
		return nil, fmt.Errorf("no answer from %s: %w", c.base, err)
	}
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		return answer, nil
	}
	defer answer.Body.Close()
	p := &Problem{}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // what cannot be read has no sentence
	if json.Unmarshal(text, p) != nil || p.Detail == "" {
		p = &Problem{}
	}
	p.Status = answer.StatusCode
	return nil, p
}

// call is once, again and again while the server is away: for what may be done twice.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	return again(ctx, func() error { return c.once(ctx, method, path, in, out) })
}

// once sends in as JSON, unless it is nil, and decodes the answer into out, unless that is nil.
func (c *Client) once(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	r, err := c.request(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.send(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(out)
}

// again runs fn until it succeeds, fails for good, or nothing has helped for too long.
func again(ctx context.Context, fn func() error) error {
	pauses := newPauses()
	for {
		err := fn()
		if err == nil || !passing(err) || !pauses.wait(ctx) {
			return err
		}
	}
}

// pauses are the waits between attempts at one thing.
type pauses struct {
	next  time.Duration
	since time.Time // when something moved last
}

func newPauses() *pauses { return &pauses{next: firstPause, since: time.Now()} }

// moved says that there was progress.
func (p *pauses) moved() { p.next, p.since = firstPause, time.Now() }

// wait waits before the next attempt; false says that there should be none.
func (p *pauses) wait(ctx context.Context) bool {
	if time.Since(p.since) > patience {
		return false
	}
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	p.next = min(2*p.next, longestPause)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
