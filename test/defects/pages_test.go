package defects

import (
	"bufio"
	"bytes"
	"mime"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"homeserver/test/server"
)

// TestDefect10NothingUploadedRunsAsScript looks at the pages' policy and at downloads. That
// hostile names are shown as text is tested in a browser, under web/.
//
// In the original names and tags ran as script in the file manager.
func TestDefect10NothingUploadedRunsAsScript(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	inline := regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>\s*[^<\s]|<[^>]+\son[a-z]+\s*=|javascript:`)
	for _, path := range []string{"/static/dashboard.html", "/static/files.html", "/docs"} {
		page := s.Get(t, path).Expect(t, 200)
		policy := page.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || regexp.MustCompile(`script-src[^;]*('unsafe-inline'|'unsafe-eval'|\*|https?:)`).MatchString(policy) {
			t.Errorf("%s: got Content-Security-Policy %q, want one under which nothing inline runs", path, policy)
		}
		if found := inline.Find(page.Body); found != nil {
			t.Errorf("%s has inline script: %.100s", path, found)
		}
	}
	script := []byte(`<script>alert(document.domain)</script>`)
	for _, contentType := range []string{"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "text/javascript", "application/pdf", "text/plain"} {
		for _, query := range []string{"", "?inline=1"} {
			posted, err := s.Post(server.FilePart("evil", contentType, script))
			if err != nil {
				t.Fatal(err)
			}
			var file server.File
			posted.Expect(t, 200).Decode(t, &file)
			answer := s.Get(t, server.Files+"/"+file.ID+"/download"+query).Expect(t, 200)
			policy := answer.Header.Get("Content-Security-Policy")
			if answer.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(policy, "sandbox") || !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("%s%s: got policy %q, nosniff %q", contentType, query, policy, answer.Header.Get("X-Content-Type-Options"))
			}
			disposition, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
			harmless := contentType == "application/pdf" || contentType == "text/plain"
			if disposition != "attachment" && (query == "" || !harmless) {
				t.Errorf("%s%s: got Content-Disposition %q, want attachment", contentType, query, answer.Header.Get("Content-Disposition"))
			}
		}
	}
}

// TestDefect11EveryNameCanBeDownloaded uploads names that headers cannot hold as they are.
//
// In the original a line feed in a name made the file impossible to download for ever, and
// quotes and non-Latin letters broke Content-Disposition.
func TestDefect11EveryNameCanBeDownloaded(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	for _, name := range []string{"two\nlines.txt", "car\r\nreturn: evil.txt", `"quoted".txt`, "semi;colon.txt", "日本語.txt", "Ünïcödé.txt", "😀.txt", "100%.txt", "a%20b.txt", "it's.txt", "tab\there.txt"} {
		file, err := s.TryUpload(name, []byte(name))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		answer := s.Download(t, file.ID)
		_, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
		if err != nil || parameters["filename"] != name {
			t.Errorf("%q: got Content-Disposition %q (%v), which says %q", name, answer.Header.Get("Content-Disposition"), err, parameters["filename"])
		}
		if string(answer.Body) != name || answer.Header.Get("Return") != "" {
			t.Errorf("%q: got %q, headers %v", name, answer.Body, answer.Header)
		}
	}
}

// service is one service of docker-compose.yml, its lines without comments.
type service struct{ lines []string }

// compose splits docker-compose.yml into its services by indentation.
func compose(t *testing.T, text []byte) map[string]*service {
	t.Helper()
	services := map[string]*service{}
	section, current := "", ""
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		line, _, _ := strings.Cut(scanner.Text(), " #")
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		switch indent := len(line) - len(strings.TrimLeft(line, " ")); {
		case indent == 0:
			section, current = strings.TrimSuffix(trimmed, ":"), ""
		case indent == 2 && section == "services":
			current = strings.TrimSuffix(trimmed, ":")
			services[current] = &service{}
		case current != "":
			services[current].lines = append(services[current].lines, trimmed)
		}
	}
	return services
}

// TestDefect17DeploymentKeepsItsSecrets reads docker-compose.yml and the Dockerfile.
//
// The original had the database's password in docker-compose.yml, published PostgreSQL to the
// network, and ran as root.
func TestDefect17DeploymentKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	root, err := server.Root()
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text := read("docker-compose.yml")
	services := compose(t, text)
	if services["postgres"] == nil || services["homeserver"] == nil {
		t.Fatalf("docker-compose.yml: no services postgres and homeserver in %v", services)
	}
	secret := regexp.MustCompile(`(?i)^-?\s*"?([a-z_]*(?:PASSWORD|SECRET|API_KEY|TOKEN)[a-z_]*)"?\s*[:=]\s*(.+)$`)
	variable := regexp.MustCompile(`\$\{[^}]*\}`)
	inURL := regexp.MustCompile(`://[^:@/\s]*:([^@\s]+)@`)
	for name, service := range services {
		for _, line := range service.lines {
			if match := secret.FindStringSubmatch(line); match != nil && !strings.HasPrefix(strings.Trim(match[2], `"'`), "${") {
				t.Errorf("docker-compose.yml, %s: %s is written out, want it from .env", name, match[1])
			}
			if match := inURL.FindStringSubmatch(variable.ReplaceAllString(line, "$$")); match != nil && match[1] != "$" {
				t.Errorf("docker-compose.yml, %s: a password is written into an address", name)
			}
			if strings.HasPrefix(line, "network_mode: host") || strings.HasPrefix(line, "privileged: true") {
				t.Errorf("docker-compose.yml, %s: %s", name, line)
			}
		}
	}
	for _, line := range services["postgres"].lines {
		if strings.HasPrefix(line, "ports:") || strings.Contains(line, ":5432\"") {
			t.Errorf("docker-compose.yml publishes PostgreSQL: %s", line)
		}
	}

	user := ""
	for line := range strings.Lines(string(read("Dockerfile"))) {
		if after, ok := strings.CutPrefix(strings.TrimSpace(line), "USER "); ok {
			user = strings.TrimSpace(after)
		} else if strings.HasPrefix(line, "FROM ") {
			user = "" // only the last stage counts
		}
	}
	if name, _, _ := strings.Cut(user, ":"); name == "" || name == "root" || name == "0" {
		t.Errorf("Dockerfile: the last stage runs as %q, want a user that is not root", user)
	}
}
