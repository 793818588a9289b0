// Package contract holds the server to every answer that clients of the Python original rely
// on. It is a black-box suite: it runs against the real program on SQLite and on PostgreSQL,
// with an API key and with AUTH=none, and against any other server when asked:
//
//	HOMESERVER_URL=http://host:8000 HOMESERVER_API_KEY=... go test ./test/contract
//
// It leaves a server as it found it: what it uploads it deletes.
package contract

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"homeserver/internal/platform/sqldb/sqldbtest"
	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// target is a server under test.
type target struct {
	*server.Client
	version string // what `/` must say, "" when not known
	storage string // STORAGE_PATH, "" when not known
}

// suite lists the tests. Each gets a server that others use at the same time.
func suite() map[string]func(t *testing.T, s target) {
	return map[string]func(t *testing.T, s target){
		"root": testRoot, "pages": testPages, "description": testDescription, "paths": testPaths, "credentials": testCredentials,
		"upload": testUpload, "names": testNames, "tags": testTags, "framing": testFraming, "malformed": testMalformed,
		"cut": testCut, "list": testList, "filter": testFilter, "metadata": testMetadata, "download": testDownload,
		"delete": testDelete, "hostile ids": testHostileIDs, "system": testSystem, "storage": testStorage, "dashboard": testDashboard,
		"live": testLive, "live upkeep": testLiveUpkeep,
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	if url := os.Getenv("HOMESERVER_URL"); url != "" {
		run(t, target{Client: server.NewClient(strings.TrimRight(url, "/"), os.Getenv("HOMESERVER_API_KEY"))})
		return
	}
	for _, auth := range []string{"key", "none"} {
		for _, database := range []string{"sqlite", "postgres"} {
			t.Run(auth+" "+database, func(t *testing.T) {
				t.Parallel()
				env := map[string]string{}
				if database == "postgres" {
					env["DATABASE_URL"] = sqldbtest.Postgres(t)
				}
				if auth == "none" {
					env["AUTH"], env["API_KEY"] = "none", ""
				}
				s := server.Start(t, server.Options{Env: env})
				run(t, target{Client: s.Client, version: server.Version, storage: s.StoragePath()})
			})
		}
	}
}

func run(t *testing.T, s target) {
	t.Helper()
	for name, test := range suite() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// uploaded posts parts that must be accepted and deletes the file when the test ends.
func (s target) uploaded(t *testing.T, parts ...server.Part) server.File {
	t.Helper()
	answer, err := s.Post(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return s.keep(t, answer)
}

// keep reads the answer of an upload and has the file deleted in the end.
func (s target) keep(t *testing.T, answer server.Answer) server.File {
	t.Helper()
	var file server.File
	answer.Expect(t, 200).Decode(t, &file)
	t.Cleanup(func() { _, _ = s.Try("DELETE", server.Files+"/"+file.ID, nil, nil) })
	return file
}

// metadata fetches what the server knows of a file.
func (s target) metadata(t *testing.T, id string) server.File {
	t.Helper()
	var file server.File
	s.Get(t, server.Files+"/"+id+"/metadata").Expect(t, 200).Decode(t, &file)
	return file
}

// unique is a word that no other file on the server has.
func unique(word string) string { return word + "-" + strings.ToLower(rand.Text()) }

// text is a small text file.
func text(name, content string) server.Part {
	return server.FilePart(name, "text/plain", []byte(content))
}

// isSentence fails the test unless the answer has a detail for people.
func isSentence(t *testing.T, answer server.Answer) {
	t.Helper()
	if detail := answer.Detail(); len(detail) < 4 || strings.Contains(detail, "sql") || strings.Contains(detail, ".go:") {
		t.Errorf("status %d: got detail %q, want a sentence", answer.Status, detail)
	}
}

// fields checks that an object has the given fields with JSON types named number, string,
// object, array; more fields are allowed.
func fields(t *testing.T, object map[string]any, want map[string]string) {
	t.Helper()
	for name, kind := range want {
		got := "missing"
		switch object[name].(type) {
		case float64:
			got = "number"
		case string:
			got = "string"
		case []any:
			got = "array"
		case map[string]any:
			got = "object"
		}
		if got != kind {
			t.Errorf("field %q: got %s, want %s, in %v", name, got, kind, object)
		}
	}
}

// decimals is how many digits after the point the number name is written with.
func decimals(t *testing.T, body []byte, name string) int {
	t.Helper()
	match := regexp.MustCompile(`"` + name + `":\s*(-?[0-9.eE+-]+)`).FindSubmatch(body)
	if match == nil {
		t.Errorf("no number %q in %s", name, body)
		return 0
	}
	var number json.Number
	if err := json.Unmarshal(match[1], &number); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	_, fraction, _ := strings.Cut(string(match[1]), ".")
	return len(fraction)
}

// anonymous is the same server without credentials.
func (s target) anonymous() *server.Client { return server.NewClient(s.Base, "") }

// browser are the headers of someone who opens an address.
func browser() http.Header {
	return http.Header{"Accept": {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}}
}
