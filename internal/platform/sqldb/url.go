package sqldb

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"homeserver/internal/platform/errs"
)

const (
	hiddenPassword = "xxxxx"
	urlExamples    = "for example sqlite:/var/lib/homeserver/homeserver.db or postgres://user:password@host:5432/homeserver"
)

// target is a DATABASE_URL taken apart.
type target struct {
	dialect  Dialect
	path     string // SQLite
	url      string // PostgreSQL, in the form pgx reads
	password string // to keep it out of messages
}

func parseURL(raw string) (target, error) {
	scheme, rest, found := strings.Cut(raw, ":")
	if !found {
		return target{}, badURL("has no scheme such as sqlite: or postgres://")
	}
	switch strings.ToLower(scheme) {
	case "sqlite":
		return parseSQLite(rest)
	case "postgres", "postgresql", "postgresql+asyncpg":
		return parsePostgres(rest)
	}
	return target{}, badURL(fmt.Sprintf("has the unknown scheme %q", scheme))
}

func parseSQLite(path string) (target, error) {
	switch {
	case path == "" || path == "//" || path == "///":
		return target{}, badURL("names no file after sqlite:")
	case strings.Contains(path, ":memory:"):
		return target{}, badURL("names a database in memory, which would lose everything at the end; name a file")
	case strings.ContainsRune(path, 0):
		return target{}, badURL("holds a NUL character")
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return target{}, badURL("has two slashes after sqlite:; write sqlite:/absolute/path or sqlite:relative/path")
	}
	return target{dialect: SQLite, path: path}, nil
}

func parsePostgres(rest string) (target, error) {
	u, err := url.Parse("postgres:" + rest)
	if err != nil || !strings.HasPrefix(rest, "//") {
		// The cause would quote the address, password and all.
		return target{}, badURL("cannot be read as an address; special characters in the password must be percent-encoded (@ is %40, / is %2F, # is %23)")
	}
	q := u.Query()
	if ssl := q.Get("ssl"); ssl != "" { // asyncpg's name for it
		q.Del("ssl")
		if !q.Has("sslmode") {
			q.Set("sslmode", sslMode(ssl))
		}
		u.RawQuery = q.Encode()
	}
	t := target{dialect: Postgres, url: u.String(), password: q.Get("password")}
	if p, ok := u.User.Password(); ok {
		t.password = p
	}
	return t, nil
}

// sslMode translates the values asyncpg accepts to libpq's.
func sslMode(asyncpg string) string {
	switch strings.ToLower(asyncpg) {
	case "true", "1":
		return "require"
	case "false", "0":
		return "disable"
	}
	return asyncpg
}

func badURL(what string) error {
	return errs.Newf(errs.Invalid, "DATABASE_URL %s; %s.", what, urlExamples)
}

// Redact returns a database URL fit for logs: the same without its password.
func Redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return redactText(raw)
	}
	if u.Opaque != "" && u.User == nil {
		return raw
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), hiddenPassword)
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", hiddenPassword)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// redactText is for addresses that do not parse: everything between the scheme and the last @ goes.
func redactText(raw string) string {
	raw = regexp.MustCompile(`(?i)(password=)[^&\s]*`).ReplaceAllString(raw, "${1}"+hiddenPassword)
	scheme, rest, found := strings.Cut(raw, "://")
	at := strings.LastIndexByte(rest, '@')
	if !found || at < 0 {
		return raw
	}
	return scheme + "://" + hiddenPassword + rest[at:]
}
