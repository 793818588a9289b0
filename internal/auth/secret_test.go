package auth

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestKeyFile makes the key once, for copies that start at the same time too, and keeps it.
func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	rings := make([]*keyring, 8)
	var all sync.WaitGroup
	for i := range rings {
		all.Go(func() {
			var err error
			if rings[i], err = openKeyring("", dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	sealed := rings[0].seal("purpose", "canary")
	for _, k := range rings {
		if text, err := k.open("purpose", sealed); err != nil || text != "canary" {
			t.Fatalf("got %q %v: the copies have different keys", text, err)
		}
	}
	path := filepath.Join(dir, keyFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v %v, want a private file", info, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("got %v %v, want nothing but the key", left, err)
	}
	for name, other := range map[string]func() (*keyring, error){
		"another key":     func() (*keyring, error) { return openKeyring(Secret(strings.Repeat("k", leastSecretKey)), dir) },
		"another purpose": func() (*keyring, error) { return rings[0], nil },
	} {
		k, err := other()
		if err != nil {
			t.Fatal(err)
		}
		purpose := "purpose"
		if name == "another purpose" {
			purpose = name
		}
		if text, err := k.open(purpose, sealed); err == nil {
			t.Errorf("%s opens it: %q", name, text)
		}
	}
	if _, err := rings[0].open("purpose", "damaged"); err == nil {
		t.Error("what is damaged opens")
	}
	if err := os.WriteFile(path, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeyring("", dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged key file: got %v, want its name", err)
	}
}

// TestFleetingKey: nobody may set up what the next restart would make unreadable.
func TestFleetingKey(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		d.keys.Load().fleeting = true
		if got := d.signIn("ada").expect("POST", "/api/v1/account/totp/begin", nil, 409); !strings.Contains(got.body, "SECRET_KEY") {
			t.Errorf("got %s", got.body)
		}
	})
}
