package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"

	"homeserver/internal/platform/errs"
)

const (
	// postgresConns bounds the pool: a server's usual 100 connections must serve several copies and psql.
	postgresConns = 20
	// postgresIdleTime closes connections a quiet house does not need; each costs the server some megabytes.
	postgresIdleTime = 5 * time.Minute
	// postgresLifetime renews connections, so that their memory on the server does not creep up.
	postgresLifetime = time.Hour
	// connectTimeout bounds one attempt to connect, so that a dead host is an answer and not a hang.
	connectTimeout = 5 * time.Second
	// cancelGrace is how long the server has to confirm a cancelled query before the connection is dropped.
	cancelGrace = time.Second
	// firstRetry and lastRetry bound the wait between attempts to reach a server that is not up yet.
	firstRetry = 500 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// SQLSTATE codes this package acts on.
const (
	codeConflict        = "40001" // serialization failure
	codeDeadlock        = "40P01"
	codeDiskFull        = "53100"
	codeTooMany         = "53300" // no connection slot left
	codeIOError         = "58030"
	codeReadOnly        = "25006" // a standby, or a failover under way
	codeUnique          = "23505"
	codeStalePlan       = "0A000" // "cached plan must not change result type"
	codeNoDatabase      = "3D000"
	codeNoConnectRight  = "42501"
	codeStarting        = "57P03"
	classConnection     = "08"
	classNoEntry        = "28" // wrong password, unknown user
	classOperatorAction = "57P"
)

func (db *DB) openPostgres(ctx context.Context, t target) error {
	cfg, err := pgx.ParseConfig(t.url)
	if err != nil {
		return badURL("is not understood: " + hide(err.Error(), t.password))
	}
	if cfg.ConnectTimeout == 0 || cfg.ConnectTimeout > time.Minute { // pgx's own default is two minutes
		cfg.ConnectTimeout = connectTimeout
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "homeserver"
	}
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		// Ask the server to stop instead of cutting the connection: a browser that goes away costs a query, not a connection.
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelGrace}
	}
	pool := stdlib.OpenDB(*cfg, stdlib.OptionShouldPing(func(_ context.Context, p stdlib.ShouldPingParams) bool {
		return doubtful(p.Conn.PgConn().Conn(), p.IdleDuration)
	}))
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresConns)
	pool.SetConnMaxIdleTime(postgresIdleTime)
	pool.SetConnMaxLifetime(postgresLifetime)
	db.write, db.read, db.point = pool, pool, pool
	return db.waitForPostgres(ctx, cfg)
}

// waitForPostgres tries until the server answers, refuses for good, or ctx ends.
func (db *DB) waitForPostgres(ctx context.Context, cfg *pgx.ConnConfig) error {
	where := net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port))
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := db.write.PingContext(ctx)
		if err == nil {
			return nil
		}
		if final := refusal(err, cfg); final != nil {
			return final
		}
		reason := shortReason(err)
		db.log.WarnContext(ctx, fmt.Sprintf("The database at %s is not reachable yet (%s); trying again in %s.", where, hide(reason, cfg.Password), wait))
		if pause(ctx, wait) != nil {
			return errs.Wrap(errs.Unavailable, fmt.Sprintf("The database at %s could not be reached; check DATABASE_URL and whether PostgreSQL runs.", where), errors.New(hide(reason, cfg.Password)))
		}
	}
}

// refusal is the final answer for errors that waiting does not cure, nil for all others.
func refusal(err error, cfg *pgx.ConnConfig) error {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return nil
	}
	switch {
	case strings.HasPrefix(pe.Code, classNoEntry):
		return errs.Wrap(errs.Invalid, fmt.Sprintf("PostgreSQL refuses the user %q: the user name or password in DATABASE_URL is wrong, or pg_hba.conf does not let it in.", cfg.User), pe)
	case pe.Code == codeNoDatabase:
		return errs.Wrap(errs.Invalid, fmt.Sprintf("PostgreSQL has no database %q; create it or correct DATABASE_URL.", cfg.Database), pe)
	case pe.Code == codeNoConnectRight:
		return errs.Wrap(errs.Invalid, fmt.Sprintf("PostgreSQL does not let the user %q use the database %q; grant it or correct DATABASE_URL.", cfg.User, cfg.Database), pe)
	}
	return nil
}

// shortReason is the innermost part of a connection error, fit for one line.
func shortReason(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Message
	}
	var oe *net.OpError
	if errors.As(err, &oe) {
		return oe.Err.Error()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

func hide(text, password string) string {
	if password == "" {
		return text
	}
	return strings.ReplaceAll(text, password, hiddenPassword)
}

// dropIdle closes the idle connections: when one was found dead the others most likely are too.
func (db *DB) dropIdle() {
	db.idle.Lock()
	defer db.idle.Unlock()
	db.write.SetMaxIdleConns(0)
	db.write.SetMaxIdleConns(postgresConns)
}

// postgresKind classifies a driver error; Internal when it is none of the known ones.
func postgresKind(err error) errs.Kind {
	if connectionLost(err) {
		return errs.Unavailable
	}
	var ce *pgconn.ConnectError
	if errors.As(err, &ce) {
		return errs.Unavailable
	}
	switch sqlState(err) {
	case codeDiskFull:
		return errs.StorageFull
	case codeTooMany, codeIOError, codeReadOnly, codeStarting:
		return errs.Unavailable
	}
	return errs.Internal
}

// connectionLost is true when the connection died under a statement; a new one may serve at once.
func connectionLost(err error) bool {
	var ce *pgconn.ConnectError
	if err == nil || errors.As(err, &ce) {
		return false // a new connection was tried, and failed
	}
	if code := sqlState(err); code != "" {
		return strings.HasPrefix(code, classConnection) || strings.HasPrefix(code, classOperatorAction) && code != codeStarting
	}
	var ne *net.OpError
	return errors.As(err, &ne) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// conflict is true when the server undid the transaction for another's sake.
func conflict(err error) bool {
	code := sqlState(err)
	return code == codeConflict || code == codeDeadlock
}

// stalePlan is true when another copy's migration changed a table under a prepared statement; the driver prepares it anew next time.
func stalePlan(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == codeStalePlan && strings.Contains(pe.Message, "cached plan")
}

// repeatable judges an error that came back from a transaction's function: a lost
// connection counts only when this package said so, since fn may read from elsewhere.
func repeatable(err error) bool {
	return conflict(err) || stalePlan(err) || errs.Is(err, errs.Unavailable) && connectionLost(err)
}

// commitNeverHappened is true for the errors of COMMIT that leave no doubt.
func commitNeverHappened(err error) bool {
	return err != nil && (conflict(err) || pgconn.SafeToRetry(err))
}

func postgresUnique(err error) bool { return sqlState(err) == codeUnique }

func sqlState(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}
