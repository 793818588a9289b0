package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"homeserver/internal/platform/tlscert"
)

// load reads settings given as NAME=value and the text of a .env file.
func load(t *testing.T, file string, environ ...string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if file != "" {
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(environ, path)
}

func TestDefaults(t *testing.T) {
	c, err := load(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.House.StoragePath, filepath.Join("data", "storage"); got != want {
		t.Errorf("STORAGE_PATH: got %q want %q", got, want)
	}
	if got, want := c.House.DatabaseURL, "sqlite:"+filepath.Join("data", "homeserver.db"); got != want {
		t.Errorf("DATABASE_URL: got %q want %q", got, want)
	}
	if c.Server.Port != 8000 || c.Server.Host != "0.0.0.0" || c.House.AppName != "HomeServer" || c.House.Debug {
		t.Errorf("got %+v, not the original's defaults", c)
	}
}

func TestEnvironmentWinsAndCaseDoesNotMatter(t *testing.T) {
	c, err := load(t, "port=9000\nDebug=yes\nAPP_NAME=Home\nLOG_LEVEL=\n", "PORT=9001", "app_name=House", "auth=")
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.Port != 9001 || !c.House.Debug || c.House.AppName != "House" || c.House.LogLevel != "info" {
		t.Errorf("got port %d debug %v name %q level %q", c.Server.Port, c.House.Debug, c.House.AppName, c.House.LogLevel)
	}
}

func TestBadValuesAreNamed(t *testing.T) {
	for _, c := range []struct{ setting, says string }{
		{"PORT=abc", `PORT is "abc"`},
		{"PORT=70000", "PORT is 70000"},
		{"DEBUG=perhaps", `DEBUG is "perhaps"`},
		{"LOG_FORMAT=xml", "LOG_FORMAT"},
		{"LOG_LEVEL=loud", "LOG_LEVEL"},
		{"DATABASE_URL=mysql://x", "DATABASE_URL"},
		{"AUTH=maybe", "AUTH"},
		{"API_KEY=dev-key-change-in-production", "API_KEY"},
		{"TRUSTED_PROXIES=here", "TRUSTED_PROXIES"},
		{"COLLECT_AFTER=soon", "COLLECT_AFTER"},
		{"FREE_SPACE_FLOOR=much", "FREE_SPACE_FLOOR"},
		{"FREE_SPACE_FLOOR=-1GB", "FREE_SPACE_FLOOR"},
		{"FREE_SPACE_FLOOR=0", "FREE_SPACE_FLOOR"},
		{"AUTO_MIGRATE=2", "AUTO_MIGRATE"},
		{"TLS=yes", `TLS is "yes"`},
		{"METRICS=everybody", `METRICS is "everybody"`},
		{"TLS_CERT=/a.pem", "TLS_CERT and TLS_KEY"},
		{"TLS=files", "TLS_CERT and TLS_KEY"},
		{"TLS=self TLS_CERT=/a.pem TLS_KEY=/b.pem", "leave one of the two out"},
		{"TLS=self TLS_DOMAINS=a..b", `TLS_DOMAINS has "a..b"`},
		{"TLS=acme", "TLS_DOMAINS"},
		{"TLS=acme TLS_DOMAINS=*.example.org", `TLS_DOMAINS has "*.example.org"`},
		{"TLS=acme TLS_DOMAINS=192.0.2.1", "TLS_DOMAINS has the address 192.0.2.1"},
		{"TLS=acme TLS_DOMAINS=home.example.org PORT=0", "PORT"},
		{"TLS=acme TLS_DOMAINS=home.example.org ACME_CA=http://ca", "ACME_CA"},
		{"TLS=acme TLS_DOMAINS=home.example.org ACME_EMAIL=me", "ACME_EMAIL"},
		{"TLS=self HTTP_PORT=abc", `HTTP_PORT is "abc", which is not a whole number`},
		{"TLS=self HTTP_PORT=70000", "HTTP_PORT is 70000"},
		{"TLS=self HTTP_PORT=8000", "HTTP_PORT and PORT are both 8000"},
		{"HTTP_PORT=80", "HTTP_PORT is 80, but without TLS"},
	} {
		_, err := load(t, "", strings.Fields(c.setting)...)
		if err == nil {
			t.Errorf("%s: got no error", c.setting)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "example") {
			t.Errorf("%s: got %q, want a sentence with %q and an example", c.setting, err, c.says)
		}
		if strings.Contains(err.Error(), "env:") {
			t.Errorf("%s: got the parser's own words: %q", c.setting, err)
		}
	}
}

func TestTLS(t *testing.T) {
	for _, c := range []struct {
		settings string
		kind     tlscert.Kind
		plain    int
	}{
		{"", tlscert.Off, 0},
		{"TLS=off TLS_CERT=/a.pem TLS_KEY=/b.pem", tlscert.Off, 0},
		{"TLS_CERT=/a.pem TLS_KEY=/b.pem", tlscert.Files, 0},
		{"TLS=Self HTTP_PORT=8080", tlscert.Self, 8080},
		{"TLS=acme TLS_DOMAINS=home.example.org", tlscert.ACME, 80},
		{"TLS=acme TLS_DOMAINS=home.example.org HTTP_PORT=0", tlscert.ACME, 0},
	} {
		got, err := load(t, "", strings.Fields(c.settings)...)
		if err != nil || got.TLS.Kind() != c.kind || got.TLS.PlainPort() != c.plain {
			t.Errorf("%s: got %q and plain port %d (%v), want %q and %d", c.settings, got.TLS.Kind(), got.TLS.PlainPort(), err, c.kind, c.plain)
		}
	}
	if c, err := load(t, "", "TLS=self", "TLS_DOMAINS=Home.example.org., 192.0.2.1"); err != nil || !slices.Equal(c.Server.AllowedHosts, []string{"home.example.org", "192.0.2.1"}) {
		t.Errorf("got %q (%v), want the certificate's names among the server's", c.Server.AllowedHosts, err)
	}
}

func TestNotes(t *testing.T) {
	c, err := load(t, "PROT=9000\nAWS_REGION=eu-central-1\n")
	if err != nil {
		t.Fatal(err)
	}
	compose, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`\$\{([A-Z_]+)`).FindAllStringSubmatch(string(compose), -1) {
		if !slices.Contains(append(Names(), composeNames()...), found[1]) {
			t.Errorf("docker-compose.yml uses %s, which a shared .env would be warned about", found[1])
		}
	}
	if len(c.Notes) != 2 || !strings.Contains(c.Notes[0], "PROT") || !strings.Contains(c.Notes[1], "AWS_") {
		t.Errorf("got %q, want a note on PROT and one on AWS_*", c.Notes)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c, err := load(t, "", "API_KEY=canary-canary-canary", "AWS_SECRET_ACCESS_KEY=canary-canary-canary")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join([]string{c.Auth.APIKey.String(), c.Unused.AWSSecretAccessKey.LogValue().String()}, " "); strings.Contains(text, "canary") {
		t.Errorf("got %q", text)
	}
}

// TestDocumentation holds doc/config.md and the structs together, names and defaults.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../doc/config.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (?:`([^`]*)`)? ?\\|").FindAllStringSubmatch(string(page), -1) {
		got[row[1]] = row[2]
	}
	want := map[string]string{}
	defaults(reflect.TypeFor[Config](), want)
	want["STORAGE_PATH"], want["DATABASE_URL"] = "DATA_DIR/storage", "sqlite:DATA_DIR/homeserver.db"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("doc/config.md (-code +page):\n%s", diff)
	}
	if names := Names(); len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Errorf("a setting is read into two fields: %q", names)
	}
}

func defaults(t reflect.Type, into map[string]string) {
	for field := range t.Fields() {
		if tag := field.Tag.Get("env"); tag != "" {
			into[tag] = field.Tag.Get("envDefault")
		} else if field.Type.Kind() == reflect.Struct {
			defaults(field.Type, into)
		}
	}
}
