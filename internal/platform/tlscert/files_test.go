package tlscert

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pair makes a certificate for name with its key.
func pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	a, _, err := newAuthority(names{dns: []string{name}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	both, err := a.issue(names{dns: []string{name}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(both, []byte("-----BEGIN PRIVATE"))
	return both[:at], both[at:]
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// putPair writes a pair for name as cert.pem and key.pem into dir.
func putPair(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cert, key := pair(t, name)
	put(t, filepath.Join(dir, "cert.pem"), cert)
	put(t, filepath.Join(dir, "key.pem"), key)
}

// served is the name of the certificate that visitors get.
func served(t *testing.T, get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) string {
	t.Helper()
	cert, err := get(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(cert.Leaf.DNSNames, " ")
}

// loaded reads the pair in dir and returns it with its log.
func loaded(t *testing.T, dir string) (*files, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	f := &files{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), now: time.Now,
		log: slog.New(slog.NewTextHandler(&log, nil))}
	if err := f.load(); err != nil {
		t.Fatal(err)
	}
	return f, &log
}

func TestFilesAreReadAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		swap    func(t *testing.T, dir string)
	}{
		{"written over", func(t *testing.T, dir string) { putPair(t, dir, "old.example.org") }, func(t *testing.T, dir string) { putPair(t, dir, "new.example.org") }},
		{"renamed over", func(t *testing.T, dir string) { putPair(t, dir, "old.example.org") }, func(t *testing.T, dir string) {
			next := filepath.Join(dir, "next")
			putPair(t, next, "new.example.org")
			for _, name := range []string{"cert.pem", "key.pem"} {
				rename(t, filepath.Join(next, name), filepath.Join(dir, name))
			}
		}},
		{"a link to each, as certbot does", func(t *testing.T, dir string) {
			putPair(t, filepath.Join(dir, "archive1"), "old.example.org")
			link(t, "archive1/cert.pem", filepath.Join(dir, "cert.pem"))
			link(t, "archive1/key.pem", filepath.Join(dir, "key.pem"))
		}, func(t *testing.T, dir string) {
			putPair(t, filepath.Join(dir, "archive2"), "new.example.org")
			for _, name := range []string{"cert.pem", "key.pem"} {
				link(t, "archive2/"+name, filepath.Join(dir, "swap"))
				rename(t, filepath.Join(dir, "swap"), filepath.Join(dir, name))
			}
		}},
		{"a link to the directory, as Kubernetes does", func(t *testing.T, dir string) {
			putPair(t, filepath.Join(dir, "..2026_01"), "old.example.org")
			link(t, "..2026_01", filepath.Join(dir, "..data"))
			link(t, "..data/cert.pem", filepath.Join(dir, "cert.pem"))
			link(t, "..data/key.pem", filepath.Join(dir, "key.pem"))
		}, func(t *testing.T, dir string) {
			putPair(t, filepath.Join(dir, "..2026_02"), "new.example.org")
			link(t, "..2026_02", filepath.Join(dir, "..swap"))
			rename(t, filepath.Join(dir, "..swap"), filepath.Join(dir, "..data"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			f, log := loaded(t, dir)
			if got := served(t, f.get); got != "old.example.org" {
				t.Fatalf("at first: got %s", got)
			}
			c.swap(t, dir)
			f.look()
			if got := served(t, f.get); got != "new.example.org" {
				t.Errorf("after the change: got %s", got)
			}
			if strings.Contains(log.String(), "WARN") {
				t.Errorf("got a warning: %s", log)
			}
		})
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenFilesKeepTheOldPair(t *testing.T) {
	dir := t.TempDir()
	putPair(t, dir, "old.example.org")
	f, log := loaded(t, dir)
	other, _ := pair(t, "other.example.org")
	for _, c := range []struct {
		name    string
		content []byte // nil: the file is gone
	}{
		{"of another key", other},
		{"not PEM", []byte("half a fi")},
		{"empty", []byte{}},
		{"gone", nil},
	} {
		log.Reset()
		if path := filepath.Join(dir, "cert.pem"); c.content == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			put(t, path, c.content)
		}
		f.look()
		if log.Len() > 0 {
			t.Errorf("%s: got a warning at first sight, when the files may be half replaced: %s", c.name, log)
		}
		for range 10 {
			f.look()
		}
		if got := served(t, f.get); got != "old.example.org" {
			t.Errorf("%s: got %s", c.name, got)
		}
		if got := strings.Count(log.String(), "level=WARN"); got != 1 || !strings.Contains(log.String(), "cert.pem") || strings.Contains(log.String(), "PRIVATE") {
			t.Errorf("%s: got %d warnings, want one that names the file: %s", c.name, got, log)
		}
	}
	putPair(t, dir, "new.example.org")
	f.look()
	if got := served(t, f.get); got != "new.example.org" {
		t.Errorf("when they are right again: got %s", got)
	}
}

func TestFilesAreLookedAtWhileRunning(t *testing.T) {
	dir := t.TempDir()
	putPair(t, dir, "old.example.org")
	synctest.Test(t, func(t *testing.T) {
		f, _ := loaded(t, dir)
		done := make(chan error, 1)
		go func() { done <- f.run(t.Context()) }()
		putPair(t, dir, "new.example.org")
		time.Sleep(readEvery + time.Second) // fake time: no waiting
		synctest.Wait()
		if got := served(t, f.get); got != "new.example.org" {
			t.Errorf("got %s", got)
		}
	})
}

func TestUnusableFilesStopTheStart(t *testing.T) {
	dir := t.TempDir()
	config := Config{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	if _, err := Open(config, Place{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "TLS_CERT") {
		t.Errorf("no files: got %v", err)
	}
	putPair(t, dir, "a.example.org")
	put(t, config.CertFile, []byte("no certificate"))
	if _, err := Open(config, Place{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "example") {
		t.Errorf("no PEM: got %v", err)
	}
}
