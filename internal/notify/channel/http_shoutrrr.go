package channel

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"homeserver/internal/notify/outward"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// judgeShoutrrr says what is wrong with an address, without connecting anywhere.
func (s *Senders) judgeShoutrrr(to Target) error {
	u, err := url.Parse(to.Settings["url"])
	if err != nil || u.Scheme == "" {
		return errs.New(errs.Invalid, "This is not an address of shoutrrr, such as discord://token@id. Its documentation lists them: https://shoutrrr.nickfedor.com")
	}
	if !slices.Contains(schemes(), u.Scheme) {
		return errs.Newf(errs.Invalid, "The service %s cannot be used here; those that can are %s. For e-mail there is a kind of its own.", shorten(u.Scheme, maxTopic), strings.Join(schemes(), ", "))
	}
	// What stands in the place of a host is a token for some: only the port can be judged.
	return outward.CheckPort("The address", u.Port())
}

// maxLibraryAnswer is how much of an answer a service of the library gets to read, in bytes: they
// read all there is, and one without an end would fill the memory.
const maxLibraryAnswer = 1 << 20

// untitled are those of them that take no title beside the text.
func untitled() []string { return []string{"pagerduty", "wecom"} }

// watched is the client that a library is given: it keeps what happened, since the library's
// own errors may hold the address with its secrets.
type watched struct {
	ctx  context.Context //nolint:containedctx // of one note: the library's calls know none
	next http.RoundTripper

	mu   sync.Mutex
	err  error // why the last request was not answered
	last error // what the last answer means
}

// RoundTrip implements http.RoundTripper.
func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(w.ctx, cancel)
	response, err := w.next.RoundTrip(r.WithContext(ctx)) //nolint:bodyclose // the library closes it
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err, w.last = err, nil
	if err != nil {
		stop()
		cancel()
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		w.last = judgeAnswer(outward.Answer{Status: response.StatusCode, RetryAfter: outward.RetryAfter(response.Header, time.Now())})
	}
	response.Body = &ending{io.LimitReader(response.Body, maxLibraryAnswer), response.Body, func() { stop(); cancel() }}
	return response, nil
}

// ending lets go of a request's context when its answer is closed.
type ending struct {
	io.Reader
	body io.Closer
	end  func()
}

// Close implements io.Closer.
func (e *ending) Close() error {
	defer e.end()
	return e.body.Close()
}

// what says what became of the requests.
func (w *watched) what() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.err, w.last)
}

func (s *Senders) shoutrrr(ctx context.Context, to Target, n Note) error {
	if err := s.judgeShoutrrr(to); err != nil {
		return err
	}
	u, err := url.Parse(to.Settings["url"])
	if err != nil {
		return err
	}
	client := s.doorway.Client(to.AllowLocal)
	seen := &watched{ctx: ctx, next: client.Transport}
	client.Transport = seen
	done := make(chan error, 1)
	go func() { done <- useShoutrrr(client, u, n) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err() // its requests end with it
	}
	// Not the library's word alone: some of its services call a request that failed a success.
	if reason := seen.what(); reason != nil {
		var failure *Failure
		if errors.As(reason, &failure) {
			return failure
		}
		return reason
	}
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Failure{Sentence: "The service does not understand this address, or the message. Compare it with shoutrrr's documentation of " + u.Scheme + "."}
}

// useShoutrrr hands the client over before the service sees its address: some sign in at once.
func useShoutrrr(client *http.Client, u *url.URL, n Note) error {
	service := services()[u.Scheme]
	setter, ok := service.(types.HTTPClientSetter)
	if !ok {
		return errs.Newf(errs.Invalid, "The service %s connects by itself and cannot be used here.", u.Scheme)
	}
	setter.SetHTTPClient(client)
	if err := service.Initialize(u, nil); err != nil {
		return err
	}
	setter.SetHTTPClient(client) // some make one of their own while they begin
	text := n.Text
	if text == "" {
		text = n.Title
	}
	if n.Link != "" {
		text += "\n\n" + n.Link
	}
	if slices.Contains(untitled(), u.Scheme) {
		return service.Send(httpd.OneLine(n.Title)+"\n\n"+text, &types.Params{})
	}
	return service.Send(text, &types.Params{"title": httpd.OneLine(n.Title)})
}
