package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// requestTimeout bounds one whole request of a test; transfers of gigabytes fit.
const requestTimeout = 90 * time.Second

// Client speaks to a server as a client written for the original would, with an API key if
// there is one. It follows no redirects.
type Client struct {
	Base string // address without a slash at the end
	Key  string
	HTTP *http.Client
}

// NewClient makes a client of the server at base.
func NewClient(base, key string) *Client {
	return &Client{Base: base, Key: key, HTTP: &http.Client{
		Timeout:       requestTimeout,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// CloseIdle drops connections that nothing uses.
func (c *Client) CloseIdle() { c.HTTP.CloseIdleConnections() }

// Host is the server's host and port.
func (c *Client) Host() string {
	u, err := url.Parse(c.Base)
	if err != nil {
		return ""
	}
	return u.Host
}

// Answer is a whole HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Request makes a request with the client's key.
func (c *Client) Request(method, path string, header http.Header, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, c.Base+path, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if c.Key != "" {
		r.Header.Set("X-API-Key", c.Key)
	}
	return r, nil
}

// Try makes a request and returns its answer or why there is none.
func (c *Client) Try(method, path string, header http.Header, body io.Reader) (Answer, error) {
	r, err := c.Request(method, path, header, body)
	if err != nil {
		return Answer{}, err
	}
	return c.Send(r)
}

// Send sends a prepared request.
func (c *Client) Send(r *http.Request) (Answer, error) {
	response, err := c.HTTP.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: content}, nil
}

// Do makes a request that must be answered.
func (c *Client) Do(t testing.TB, method, path string, header http.Header, body io.Reader) Answer {
	t.Helper()
	answer, err := c.Try(method, path, header, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// Get is Do with GET and nothing else.
func (c *Client) Get(t testing.TB, path string) Answer {
	t.Helper()
	return c.Do(t, "GET", path, nil, nil)
}

// JSON makes a request with v as its JSON body.
func (c *Client) JSON(t testing.TB, method, path string, v any) Answer {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(t, method, path, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(body))
}

// Expect fails the test unless the answer has the status.
func (a Answer) Expect(t testing.TB, status int) Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("got status %d, want %d: %s", a.Status, status, a.Body[:min(len(a.Body), 1000)])
	}
	return a
}

// Decode reads the JSON body into v.
func (a Answer) Decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("the body is not the expected JSON: %v: %.300s", err, a.Body)
	}
}

// Object is the JSON body as an object.
func (a Answer) Object(t testing.TB) map[string]any {
	t.Helper()
	var object map[string]any
	a.Decode(t, &object)
	return object
}

// Detail is the sentence of a problem, or "".
func (a Answer) Detail() string {
	var problem struct{ Detail string }
	_ = json.Unmarshal(a.Body, &problem) // no JSON, no detail
	return problem.Detail
}

// File is a file as lists and metadata show it.
type File struct {
	ID          string    `json:"id"`
	Filename    string    `json:"filename"`
	ContentType string    `json:"content_type"`
	Size        int64     `json:"size"`
	UploadDate  time.Time `json:"upload_date"`
	Tags        []string  `json:"tags"`
	SHA256      *string   `json:"sha256"`
}

// List is an answer of /api/v1/files/list.
type List struct {
	Files      []File `json:"files"`
	Total      int    `json:"total"`
	NextCursor string `json:"next_cursor"`
}

// Files is the prefix of the files API.
const Files = "/api/v1/files"

// ListFiles fetches a list; query is without its question mark.
func (c *Client) ListFiles(t testing.TB, query string) List {
	t.Helper()
	var list List
	path := Files + "/list"
	if query != "" {
		path += "?" + query
	}
	c.Get(t, path).Expect(t, 200).Decode(t, &list)
	return list
}

// Upload uploads content that must be accepted.
func (c *Client) Upload(t testing.TB, name string, content []byte, tags ...string) File {
	t.Helper()
	file, err := c.TryUpload(name, content, tags...)
	if err != nil {
		t.Fatalf("upload of %q: %v", name, err)
	}
	return file
}

// Refused is an upload that was answered with another status than 200.
type Refused struct{ Answer Answer }

// Error says what the server answered.
func (r *Refused) Error() string { return fmt.Sprintf("status %d: %s", r.Answer.Status, r.Answer.Body) }

// TryUpload uploads content; an answer other than 200 is a *Refused.
func (c *Client) TryUpload(name string, content []byte, tags ...string) (File, error) {
	parts := []Part{FilePart(name, "application/octet-stream", content)}
	for _, tag := range tags {
		parts = append(parts, Field("tags", tag))
	}
	answer, err := c.Post(parts...)
	if err != nil {
		return File{}, err
	}
	if answer.Status != 200 {
		return File{}, &Refused{answer}
	}
	var file File
	return file, json.Unmarshal(answer.Body, &file)
}

// Post sends multipart parts to the upload door.
func (c *Client) Post(parts ...Part) (Answer, error) {
	return c.Try("POST", Files+"/upload", http.Header{"Content-Type": {ContentType}}, bytes.NewReader(Multipart(parts...)))
}

// Download fetches a file's content, which must be there.
func (c *Client) Download(t testing.TB, id string) Answer {
	t.Helper()
	return c.Get(t, Files+"/"+id+"/download").Expect(t, 200)
}

// Digest is the SHA-256 of content as the API writes it.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Dial opens a bare TCP connection to the server, for requests that no HTTP library sends.
func (c *Client) Dial(t testing.TB) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", c.Host(), 10*time.Second)
	if err != nil {
		t.Fatalf("dial %s: %v", c.Host(), err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// Head is the head of a bare request: its line, Host, the key, and what is given.
func (c *Client) Head(method, path string, headers ...string) string {
	head := method + " " + path + " HTTP/1.1\r\nHost: " + c.Host() + "\r\n"
	if c.Key != "" {
		head += "X-API-Key: " + c.Key + "\r\n"
	}
	for _, header := range headers {
		head += header + "\r\n"
	}
	return head + "\r\n"
}
