package auth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

const (
	// sessionIdle is how long a session lives without being used, and sessionLife how long at
	// most: a device that is used every month stays signed in for a year.
	sessionIdle = 30 * 24 * time.Hour
	sessionLife = 365 * 24 * time.Hour
	// provedFor is how long after showing a password or the like a person may change what lets
	// them in.
	provedFor = 15 * time.Minute
	// renewCookie is how often a browser is told anew how long its cookie lives.
	renewCookie = 24 * time.Hour
)

// kind tells credentials of different doors apart, which must not open each other's.
type kind string

const (
	kindSession kind = "session"
	kindToken   kind = "token"
	kindApp     kind = "app_password"
)

// credential is one that was shown, with what the database said of it. Its principal is
// replaced as a whole when that changes.
type credential struct {
	kind      kind
	hash      string
	principal atomic.Pointer[identity.Principal]
	nameKey   string
	expires   atomic.Int64 // Unix microseconds, 0 never
	latest    int64        // expires never gets later than this; 0 for tokens, whose expiry is fixed
	used      atomic.Int64 // Unix microseconds
	from      atomic.Pointer[string]
	noted     int64        // used, as the database has it; only noteUses touches it
	renewed   atomic.Int64 // when the browser was last told how long its cookie lives; Unix microseconds
	end       context.CancelFunc
}

// credentials are all that are in use, by hash.
type credentials struct {
	mu     sync.RWMutex
	byHash map[string]*credential
	noting sync.Mutex   // held while last uses are written; guards credential.noted
	epoch  atomic.Int64 // how many times everything was begun to be compared with the database
}

// find returns the principal of a credential, from memory if it was there before. Nobody is
// returned for one that is worth nothing.
func (a *Auth) find(ctx context.Context, k kind, secret, address string) (*credential, error) {
	hash := hashOf(secret)
	a.credentials.mu.RLock()
	c := a.credentials.byHash[hash]
	a.credentials.mu.RUnlock()
	now := a.now().UnixMicro()
	if c == nil {
		var err error
		if c, err = a.load(ctx, k, hash); err != nil || c == nil {
			return nil, err
		}
	}
	if expires := c.expires.Load(); c.kind != k || expires != 0 && expires <= now {
		return nil, nil
	}
	c.use(now, address)
	return c, nil
}

// use notes a use, in memory.
func (c *credential) use(now int64, address string) {
	c.used.Store(now)
	if last := c.from.Load(); last == nil || *last != address {
		c.from.Store(&address)
	}
	if c.latest != 0 {
		c.expires.Store(min(now+sessionIdle.Microseconds(), c.latest))
	}
}

// load reads a credential from the database and keeps it.
func (a *Auth) load(ctx context.Context, k kind, hash string) (*credential, error) {
	for {
		epoch := a.credentials.epoch.Load()
		c, err := a.loadOnce(ctx, k, hash)
		// What was read before a change, and kept after everybody was compared, would be missed.
		if err != nil || c == nil || epoch == a.credentials.epoch.Load() {
			return c, err
		}
		a.drop(c)
	}
}

func (a *Auth) loadOnce(ctx context.Context, k kind, hash string) (*credential, error) {
	row, err := a.store.credential(ctx, k, hash)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	if err != nil || !a.valid(row) {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	c := &credential{kind: k, hash: hash, end: end, noted: row.used, nameKey: row.nameKey}
	c.used.Store(row.used)
	c.renewed.Store(row.used)
	c.from.Store(&row.from)
	c.expires.Store(row.expires)
	if k == kindSession {
		c.latest = row.created + sessionLife.Microseconds()
	}
	p := row.principal(k)
	p.Life = life
	c.principal.Store(&p)
	a.credentials.mu.Lock()
	defer a.credentials.mu.Unlock()
	if other := a.credentials.byHash[hash]; other != nil {
		end()
		return other, nil
	}
	a.credentials.byHash[hash] = c
	return c, nil
}

// credentialRow is a session or token with its person.
type credentialRow struct {
	id, userID, name, nameKey string
	role                      identity.Role
	disabled                  bool
	scopes                    []identity.Scope // nil for sessions
	created, proved, used     int64
	expires                   int64 // 0 never
	from, keyDigest           string
}

func (r *credentialRow) principal(k kind) identity.Principal {
	method := map[kind]identity.Method{kindSession: identity.Session, kindToken: identity.Token, kindApp: identity.AppPassword}[k]
	p := identity.Principal{Method: method, Name: r.name, UserID: r.userID, Role: r.role, Scopes: r.scopes, Credential: r.id}
	if r.userID == "" { // a session for API_KEY
		p.Name, p.Role = household(method).Name, identity.Administrator
	}
	if k == kindSession {
		p.Proved = time.UnixMicro(r.proved)
	}
	return p
}

// valid reports whether a row lets anybody in now.
func (a *Auth) valid(r *credentialRow) bool {
	if r.disabled || r.expires != 0 && r.expires <= a.now().UnixMicro() {
		return false
	}
	return r.userID != "" || a.config.APIKey != "" && r.keyDigest == a.keyDigest()
}

// keyDigest is kept with sessions that API_KEY began, so that they end with it.
func (a *Auth) keyDigest() string { return a.keys.Load().digest("API_KEY", string(a.config.APIKey)) }

// look ends what has expired, and reads everything anew when another process changed something.
func (a *Auth) look(ctx context.Context) {
	now := a.now().UnixMicro()
	for _, c := range a.all() {
		if expires := c.expires.Load(); expires != 0 && expires <= now {
			a.drop(c)
		}
	}
	generation, err := a.store.generation(ctx)
	if err == nil && generation != a.generation.Load() {
		err = a.refresh(ctx)
	}
	if err != nil && ctx.Err() == nil {
		a.log.Debug("it cannot be seen whether accounts changed", "error", err)
	}
}

func (a *Auth) all() []*credential {
	a.credentials.mu.RLock()
	defer a.credentials.mu.RUnlock()
	list := make([]*credential, 0, len(a.credentials.byHash))
	for _, c := range a.credentials.byHash {
		list = append(list, c)
	}
	return list
}

// drop forgets a credential and ends what runs for it.
func (a *Auth) drop(c *credential) {
	a.credentials.mu.Lock()
	if a.credentials.byHash[c.hash] == c {
		delete(a.credentials.byHash, c.hash)
	}
	a.credentials.mu.Unlock()
	c.end()
}

// refresh compares everything in memory with the database. Whoever changes an account, a
// session or a token calls it after COMMIT; other processes notice by the generation.
func (a *Auth) refresh(ctx context.Context) error {
	generation, err := a.store.generation(ctx)
	if err != nil {
		return err
	}
	known, err := a.store.people(ctx)
	if err != nil {
		return err
	}
	a.people.Store(known)
	a.credentials.epoch.Add(1)
	for _, c := range a.all() {
		row, err := a.store.credential(ctx, c.kind, c.hash)
		switch {
		case errors.Is(err, sqldb.ErrNoRows), err == nil && !a.stands(c, row):
			a.drop(c)
		case err != nil:
			return err
		default:
			old := c.principal.Load()
			p := row.principal(c.kind)
			p.Life = old.Life
			c.principal.Store(&p)
		}
	}
	a.generation.Store(generation)
	return nil
}

// stands is valid, but for the expiry of a session, which memory knows better. A role that is
// another than before ends what is open: it began with other rights.
func (a *Auth) stands(c *credential, row *credentialRow) bool {
	fresh := *row
	fresh.expires = c.expires.Load()
	return a.valid(&fresh) && (row.userID == "" || row.role == c.principal.Load().Role)
}

// noteUses writes last uses to the database, for those that were used since the last time.
func (a *Auth) noteUses(ctx context.Context) {
	a.credentials.noting.Lock()
	defer a.credentials.noting.Unlock()
	var used []*credential
	for _, c := range a.all() {
		if c.used.Load() > c.noted {
			used = append(used, c)
		}
	}
	if len(used) == 0 {
		return
	}
	// In one order everywhere, or two copies of the server would wait for each other.
	slices.SortFunc(used, func(a, b *credential) int { return cmp.Compare(a.hash, b.hash) })
	if err := a.store.noteUses(ctx, used); err != nil {
		a.log.Debug("last uses could not be noted", "error", err)
		return
	}
	for _, c := range used {
		c.noted = c.used.Load()
	}
}
