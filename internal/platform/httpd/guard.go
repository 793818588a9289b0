package httpd

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// Doors tell the server who is asking. The auth room is one.
type Doors interface {
	// Authenticate finds out who sends a request: identity.Nobody when no credentials are there
	// or they are worth nothing. An error says why it cannot be told (the database is away, too
	// many guesses); it is answered by operations that ask for credentials and no others. It
	// runs for every request and must be cheap.
	Authenticate(r *http.Request) (identity.Principal, error)
	// Closed says that nobody has set the house up: only operations marked BeforeSetup are there.
	Closed() bool
}

// Recognise is Doors of a house that has been set up and cannot fail to tell who is asking.
type Recognise func(r *http.Request) identity.Principal

// Authenticate calls the function.
func (f Recognise) Authenticate(r *http.Request) (identity.Principal, error) { return f(r), nil }

// Closed is false.
func (Recognise) Closed() bool { return false }

// detailClosed is what a house answers that nobody has set up.
const detailClosed = "This server has not been set up yet. Open it in a browser and enter the setup code from its log."

// guard lets only those through to an operation whom the gate allows its action.
func (r *Router) guard(op Op, next http.Handler) http.Handler {
	if op.BeforeSetup && op.Public {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := callFrom(req.Context())
		if c != nil && c.closed && !op.BeforeSetup {
			WriteError(w, req, errs.New(errs.Unauthenticated, detailClosed))
			return
		}
		if op.Public {
			next.ServeHTTP(w, req)
			return
		}
		if c != nil && c.whoErr != nil {
			WriteError(w, req, c.whoErr)
			return
		}
		if err := identity.Refusal(identity.From(req.Context()), op.Action); err != nil {
			WriteError(w, req, err)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// recognise notes who sends the request.
func (g *gate) recognise(ctx context.Context, c *call, r *http.Request) context.Context {
	var who identity.Principal
	who, c.whoErr = g.doors.Authenticate(r)
	c.closed, c.life = g.doors.Closed(), who.Life
	if r.Body != nil && r.Body != http.NoBody {
		c.watch()
	}
	return identity.With(ctx, who)
}

// errEnded is what a transfer meets whose credential has ended.
func errEnded() error {
	return errs.New(errs.Unauthenticated, "The sign-in that this request began with has ended.")
}

// endTimeout is how long the answer may take to leave that tells of a credential's end.
const endTimeout = time.Second

// endedBy reports whether an error is what a request meets whose credential has ended: its
// connection is no longer read, so that its context ends, too. The answer that says so may go out.
func (c *call) endedBy(err error) bool {
	if !c.ended() || c.begun() || !errors.Is(err, context.Canceled) && !errors.Is(err, os.ErrDeadlineExceeded) && errs.KindOf(err) != errs.Unauthenticated {
		return false
	}
	if c.unwatch != nil {
		c.unwatch()
	}
	c.told = true
	_ = c.control.SetWriteDeadline(time.Now().Add(endTimeout)) // test recorders know no deadlines
	return true
}

// ended reports whether the credential of the request has ended since it began.
func (c *call) ended() bool { return c.life != nil && c.life.Err() != nil }

// Outlive lets the answer to a request go out although its credential ends: for those who
// have just ended it themselves.
func Outlive(ctx context.Context) {
	if c := callFrom(ctx); c != nil {
		if c.unwatch != nil {
			c.unwatch()
		}
		c.life = nil
	}
}

// watch has a transfer cut when its credential ends, also while it stands still.
func (c *call) watch() {
	if c.life != nil && c.unwatch == nil {
		c.unwatch = context.AfterFunc(c.life, func() {
			// In this order: who wakes up from reading may give the answer some time.
			_ = c.control.SetWriteDeadline(time.Now()) // test recorders know no deadlines
			_ = c.control.SetReadDeadline(time.Now())
		})
	}
}
