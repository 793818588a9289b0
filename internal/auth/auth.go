// Package auth decides who may come in: people with accounts, and the programs they give
// tokens to. What those may do then is identity's question; this room only says who they are.
//
// The house can stand in three ways:
//
//   - Nobody has set it up: there is no account and no API_KEY. It prints a setup code, and
//     whoever brings it becomes the first administrator. Until then nothing else is reachable.
//   - People have accounts, with a password, passkeys, a second factor, or an OpenID provider.
//     API_KEY, if it is set, is one more administrator, who acts for the household.
//   - AUTH=none: nobody is asked on any network, as in the Python original. Only when said so.
//
// Invariants. A secret that lets somebody in is kept as a digest (or sealed where it must be
// read again), is shown once, and appears in no log, URL, error or audit entry. Every request
// is answered from memory; the database is asked once for each credential, and again when
// auth_generation says that something changed, which is looked at twice a second, so that an
// account that is disabled anywhere (by another copy of the server, or at a terminal) is out
// within a second, together with what it has open.
package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"homeserver/internal/auth/guess"
	"homeserver/internal/auth/password"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/jobs"
	"homeserver/internal/platform/service"
	"homeserver/internal/platform/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// publishedKey is the original's default key: everybody knows it, so it is no key.
const publishedKey = "dev-key-change-in-production"

// shortKey is the length in characters below which a key draws a warning: shorter ones can be
// guessed.
const shortKey = 16

const (
	// freeGuesses is how many wrong passwords and codes from one address are a household mistyping.
	freeGuesses = 10
	// freeTokens is the same for keys and tokens in headers: programs repeat a wrong one quickly,
	// and nobody guesses 256 bits.
	freeTokens = 100
)

// Config is what the environment says of credentials.
type Config struct {
	APIKey    Secret `env:"API_KEY"`
	Auth      string `env:"AUTH"`
	Confirm   string `env:"AUTH_NONE_CONFIRM"`
	SecretKey Secret `env:"SECRET_KEY"`
	OIDC      OIDCConfig
	DataDir   string // where the key file is kept; config sets it
}

// Validate says in a sentence what is wrong with a value and gives an example.
func (c Config) Validate() error {
	switch {
	case c.APIKey == publishedKey:
		return errors.New("API_KEY is the key published in the original's documentation, so everybody knows it; make one of your own, for example with: openssl rand -hex 24")
	case c.Auth != "" && !c.Open():
		return errors.New("AUTH can only be none (nobody is asked who they are) or be left out; for example AUTH=none")
	case c.Confirm != "" && !strings.EqualFold(c.Confirm, "yes"):
		return errors.New("AUTH_NONE_CONFIRM can only be yes or be left out; for example AUTH_NONE_CONFIRM=yes")
	case c.SecretKey != "" && len(c.SecretKey) < leastSecretKey:
		return fmt.Errorf("SECRET_KEY is shorter than %d characters and could be guessed; make one with: openssl rand -hex 24", leastSecretKey)
	}
	return c.OIDC.validate()
}

// Open reports whether nobody is asked who they are.
func (c Config) Open() bool { return strings.EqualFold(c.Auth, "none") }

// Warn says at the start what a careful administrator should know.
func (c Config) Warn(log *slog.Logger) {
	switch {
	case c.Open():
		log.Warn("AUTH=none: nobody is asked who they are, everyone on the network can read and delete every file")
	case c.APIKey != "" && len(c.APIKey) < shortKey:
		log.Warn("API_KEY is short and could be guessed; make a longer one, for example with: openssl rand -hex 24", "characters", len(c.APIKey))
	}
	c.OIDC.warn(log)
}

// Auth is the room.
type Auth struct {
	config Config
	store  store
	log    *slog.Logger
	now    func() time.Time

	apiKey      [sha256.Size]byte // digest of API_KEY: comparing digests leaks no length
	keys        atomic.Pointer[keyring]
	passwords   *password.Hasher
	guesses     *guess.Limiter // at passwords and codes
	tokens      *guess.Limiter // at tokens in headers
	apiKeys     *guess.Limiter // at API_KEY in headers
	trusted     sync.Map       // address -> Unix microseconds: where a right key or token came from
	provider    provider
	credentials credentials
	people      atomic.Pointer[people]
	generation  atomic.Int64
}

// New makes the room; it does no I/O.
func New(db *sqldb.DB, config Config, log *slog.Logger, now func() time.Time) *Auth {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a := &Auth{config: config, store: store{db}, log: log, now: now, apiKey: sha256.Sum256([]byte(config.APIKey)),
		passwords: password.New(password.Memory), guesses: guess.New(now, freeGuesses), tokens: guess.New(now, freeTokens), apiKeys: guess.New(now, freeTokens)}
	a.credentials.byHash = map[string]*credential{}
	a.people.Store(&people{})
	return a
}

// Service is what the room offers the house.
func (a *Auth) Service() service.Service {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic("auth: the embedded migrations have moved: " + err.Error())
	}
	return service.Service{Name: "auth", Migrations: sub, Routes: a.routes, Jobs: a.jobs, Run: a.run}
}

func (a *Auth) jobs(w *jobs.Workers) { w.Every("auth.tidy", tidyEvery, a.Tidy) }

// Prepare opens the key file and reads who there is, once the database is migrated. It must
// succeed before requests are answered.
func (a *Auth) Prepare(ctx context.Context) error {
	keys, err := openKeyring(a.config.SecretKey, a.config.DataDir)
	if err != nil {
		return err
	}
	if keys.fleeting {
		a.log.Warn("SECRET_KEY is not set and DATA_DIR is in memory only: authenticator apps cannot be set up, and sessions of API_KEY end with every restart; set it, for example to the output of: openssl rand -hex 24")
	}
	a.keys.Store(keys)
	return a.refresh(ctx)
}

const (
	// lookEvery is how often the generation is asked for: half of the second within which
	// somebody who was disabled must be out.
	lookEvery = 400 * time.Millisecond
	// noteEvery is how often last uses are written: no request waits for that.
	noteEvery = time.Minute
	// noteTimeout bounds the last note, when the server ends.
	noteTimeout = 3 * time.Second
	// tidyEvery is how often what has expired is removed.
	tidyEvery = 24 * time.Hour
)

// run watches for changes that other processes made, and notes last uses.
func (a *Auth) run(ctx context.Context) error {
	go a.tune(ctx)
	look, note := time.NewTicker(lookEvery), time.NewTicker(noteEvery)
	defer look.Stop()
	defer note.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
			defer cancel()
			a.noteUses(last)
			return nil
		case <-look.C:
			a.look(ctx)
		case <-note.C:
			a.noteUses(ctx)
		}
	}
}

// tune finds out how fast this machine hashes.
func (a *Auth) tune(ctx context.Context) {
	kept, err := a.store.anyPassword(ctx)
	if err == nil {
		err = a.passwords.Tune(ctx, kept)
		password.Rest()
	}
	if err != nil && ctx.Err() == nil {
		a.log.Warn("password hashing could not be tuned to this machine", "error", err)
	}
	a.log.Debug("password hashing is tuned", "passes", a.passwords.Passes())
}

// matches reports whether key is API_KEY.
func (a *Auth) matches(key string) bool {
	digest := sha256.Sum256([]byte(key))
	return a.config.APIKey != "" && subtle.ConstantTimeCompare(digest[:], a.apiKey[:]) == 1
}

// Closed implements httpd.Doors: nobody has set the house up.
func (a *Auth) Closed() bool {
	return !a.config.Open() && a.config.APIKey == "" && a.people.Load().count == 0
}

// DisplayName is the name of an account for people to read, "" for the household and for
// accounts that there are not. It does no I/O.
func (a *Auth) DisplayName(id string) string { return a.people.Load().names[id] }

// people is what is known of accounts without asking the database.
type people struct {
	count        int
	names        map[string]string
	passkeyHosts map[string]bool // host names that somebody has a passkey for
}

// household is who acts where nobody is asked, or API_KEY was shown.
func household(method identity.Method) identity.Principal {
	p := identity.Household()
	p.Method = method
	return p
}
