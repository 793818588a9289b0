package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Secret is a string that logs and messages never show.
type Secret string

// String hides the secret.
func (Secret) String() string { return "(hidden)" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "(hidden)" }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("(hidden)") }

const (
	// keyFile is the key that seals what the database must not hold in clear, in DATA_DIR.
	keyFile = "secret.key"
	// keyBytes is its length: AES-256.
	keyBytes = 32
	// leastSecretKey is the length of the shortest SECRET_KEY in characters; `openssl rand -hex 24`
	// gives 48.
	leastSecretKey = 32
)

// keyring seals small secrets (AES-256-GCM) and makes digests of others that could be guessed.
type keyring struct {
	aead cipher.AEAD
	mac  []byte
	// fleeting says that the key is gone after a restart, with whatever was sealed.
	fleeting bool
}

// openKeyring derives the keys from SECRET_KEY, or from the key file, which it makes if there
// is none.
func openKeyring(configured Secret, dataDir string) (*keyring, error) {
	material := []byte(configured)
	if configured == "" {
		var err error
		if material, err = readKeyFile(filepath.Join(dataDir, keyFile)); err != nil {
			return nil, err
		}
	}
	derive := func(purpose string) []byte {
		mac := hmac.New(sha256.New, material)
		mac.Write([]byte(purpose))
		return mac.Sum(nil)
	}
	block, err := aes.NewCipher(derive("homeserver sealing"))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &keyring{aead: aead, mac: derive("homeserver digests"), fleeting: configured == "" && volatile(dataDir)}, nil
}

// readKeyFile reads the key, and makes it on the first start. It appears under its name only
// when it is whole, and never replaces one: two copies may start at once.
func readKeyFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		key, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(key) != keyBytes {
			return nil, fmt.Errorf("%s is not a key of this server; restore it from a backup, or remove it (two-factor codes must then be set up anew)", path)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the server's key cannot be read: %w", err)
	}
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	if err := writeNew(path, hex.EncodeToString(key)+"\n"); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("the server's key cannot be kept: %w", err)
	}
	return readKeyFile(path)
}

// writeNew writes a private file durably, unless there is one of that name.
func writeNew(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// exFAT and network shares know no hard links.
	if _, missing := os.Lstat(path); !errors.Is(missing, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return os.Rename(f.Name(), path)
}

// seal encrypts text for the database; purpose binds it to its place.
func (k *keyring) seal(purpose, text string) string {
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return base64.RawStdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, []byte(text), []byte(purpose)))
}

// open decrypts what seal made for the same purpose.
func (k *keyring) open(purpose, sealed string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < k.aead.NonceSize() {
		return "", errors.New("a sealed secret is damaged")
	}
	n := k.aead.NonceSize()
	text, err := k.aead.Open(nil, raw[:n], raw[n:], []byte(purpose))
	if err != nil {
		return "", fmt.Errorf("a sealed secret cannot be opened (has %s or SECRET_KEY changed?): %w", keyFile, err)
	}
	return string(text), nil
}

// Seal encrypts a secret of another room for the database; purpose binds it to its place. The
// room must be prepared.
func (a *Auth) Seal(purpose, text string) string { return a.keys.Load().seal("room "+purpose, text) }

// Unseal decrypts what Seal made for the same purpose.
func (a *Auth) Unseal(purpose, sealed string) (string, error) {
	return a.keys.Load().open("room "+purpose, sealed)
}

// ticket seals what one step of a sign-in leaves for the next, for the client to keep: what
// anybody may begin must not fill the database.
func (k *keyring) ticket(purpose string, v any, expires time.Time) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return k.seal("ticket "+purpose, strconv.FormatInt(expires.UnixMicro(), 10)+" "+string(text)), nil
}

// openTicket reads a ticket of the same purpose into v, and reports whether it is one that has
// not expired.
func (k *keyring) openTicket(purpose, ticket string, now time.Time, v any) bool {
	text, err := k.open("ticket "+purpose, ticket)
	if err != nil {
		return false
	}
	until, text, _ := strings.Cut(text, " ")
	expires, err := strconv.ParseInt(until, 10, 64)
	return err == nil && now.UnixMicro() < expires && json.Unmarshal([]byte(text), v) == nil
}

// digest is a keyed digest, for what could be guessed from a plain one.
func (k *keyring) digest(purpose, text string) string {
	mac := hmac.New(sha256.New, k.mac)
	mac.Write([]byte(purpose + "\x00" + text))
	return hex.EncodeToString(mac.Sum(nil))
}

// secretBytes is the length of random secrets: nobody guesses 256 bits.
const secretBytes = 32

// newSecret makes a random secret that is safe in headers, cookies and URL fragments.
func newSecret() string {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// hashOf is what is kept of a random secret. It is too long to be guessed, so a plain digest will do.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
