package sqldb_test

import (
	"strings"
	"testing"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

func TestRedact(t *testing.T) {
	for raw, want := range map[string]string{
		"sqlite:/data/home.db":                          "sqlite:/data/home.db",
		"sqlite:data/home.db":                           "sqlite:data/home.db",
		"postgres://u:s3cret@h:5432/d":                  "postgres://u:xxxxx@h:5432/d",
		"postgresql+asyncpg://u:s3cret@h/d?sslmode=off": "postgresql+asyncpg://u:xxxxx@h/d?sslmode=off",
		"postgres://u@h/d":                              "postgres://u@h/d",
		"postgres://h/d?user=u&password=s3cret":         "postgres://h/d?password=xxxxx&user=u",
		"postgres://u:s3/cr#e%t@h/d":                    "postgres://xxxxx@h/d",
		"postgres://u:s3cr et@h:port/d?password=s3cret": "postgres://xxxxx@h:port/d?password=xxxxx",
	} {
		if got := sqldb.Redact(raw); got != want {
			t.Errorf("%s: got %s; want %s", raw, got, want)
		}
	}
}

func TestBadURLsNameTheSetting(t *testing.T) {
	for _, raw := range []string{
		"", "home.db", "mysql://u:s3cret@h/d", "sqlite:", "sqlite::memory:", "sqlite://relative.db",
		"postgres:s3cret", "postgres://u:s3/cret@h/d", "postgres://u:s3cret%@h/d", "postgres://u:s3cret@h:x/d", "postgres://u:s3cret@h/d?sslmode=s3cretmode",
	} {
		_, err := sqldb.Open(t.Context(), raw, nil)
		if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Detail(err), "DATABASE_URL") {
			t.Errorf("%s: got %v; want Invalid naming DATABASE_URL", raw, err)
		}
		if err != nil && strings.Contains(err.Error(), "u:s3") {
			t.Errorf("%s: the password is in %v", raw, err)
		}
	}
}
