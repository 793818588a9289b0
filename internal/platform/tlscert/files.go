package tlscert

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// readEvery is how often the files are read again. Reading instead of watching also sees
// what watchers miss: a symlink further up that points elsewhere, network drives.
const readEvery = 10 * time.Second

// files is a pair of PEM files that others keep fresh.
type files struct {
	cert, key string
	log       *slog.Logger
	now       func() time.Time
	current   atomic.Pointer[tls.Certificate]

	served [sha256.Size]byte // digest of the pair that is served
	broken [sha256.Size]byte // of the last pair, or failure to read one, that cannot be used
	warned bool              // of broken
}

func openFiles(cert, key string, log *slog.Logger) (*Certificates, error) {
	f := &files{cert: cert, key: key, log: log, now: time.Now}
	if err := f.load(); err != nil {
		return nil, err
	}
	return &Certificates{TLS: serverConfig(f.get), Run: f.run}, nil
}

func (f *files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil }

// load reads the pair for the first time.
func (f *files) load() error {
	pair, digest, err := f.read()
	if err != nil {
		return err
	}
	f.take(pair, digest)
	return nil
}

func (f *files) run(ctx context.Context) error {
	ticker := time.NewTicker(readEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			f.look()
		}
	}
}

// look reads the pair again and serves it if it is a new one.
func (f *files) look() {
	pair, digest, err := f.read()
	if err != nil {
		f.complain(digest, err)
		return
	}
	if digest != f.served {
		f.take(pair, digest)
	} else if f.warned {
		f.log.Info("TLS_CERT and TLS_KEY are as they were again")
	}
	f.broken, f.warned = [sha256.Size]byte{}, false
}

// complain warns once of a pair that cannot be used, when it is met for the second time: at
// the first it may have been read between the replacement of one file and the other.
func (f *files) complain(digest [sha256.Size]byte, err error) {
	if digest != f.broken {
		f.broken, f.warned = digest, false
		return
	}
	if !f.warned {
		f.warned = true
		f.log.Warn("the new certificate cannot be used; the old one stays in use until TLS_CERT and TLS_KEY are right again", "error", err)
	}
}

func (f *files) take(pair *tls.Certificate, digest [sha256.Size]byte) {
	f.current.Store(pair)
	f.served = digest
	f.log.Info("certificate loaded", "file", f.cert, "names", pair.Leaf.DNSNames, "expires", pair.Leaf.NotAfter)
	if f.now().After(pair.Leaf.NotAfter) {
		f.log.Warn("the certificate has expired, so browsers will refuse it", "file", f.cert, "expired", pair.Leaf.NotAfter)
	}
}

// read reads the pair; the digest tells contents and failures apart.
func (f *files) read() (*tls.Certificate, [sha256.Size]byte, error) {
	cert, certErr := os.ReadFile(f.cert)
	key, keyErr := os.ReadFile(f.key)
	if err := errors.Join(certErr, keyErr); err != nil {
		return nil, sha256.Sum256([]byte(err.Error())), fmt.Errorf("TLS_CERT and TLS_KEY cannot be read: %w; they are PEM files that this user may read, for example TLS_CERT=/etc/homeserver/fullchain.pem", err)
	}
	digest := sha256.Sum256(bytes.Join([][]byte{cert, key}, []byte{0}))
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		// The library's sentences name neither file nor key material.
		return nil, digest, fmt.Errorf("TLS_CERT %s and TLS_KEY %s are not a certificate and its key in PEM form: %w; for example a certbot's fullchain.pem and privkey.pem", f.cert, f.key, err)
	}
	return &pair, digest, nil
}
