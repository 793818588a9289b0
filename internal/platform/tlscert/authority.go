package tlscert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Lives of what the local authority makes.
const (
	// authorityLife is how long devices that trust the authority need nothing new.
	authorityLife = 10 * 365 * 24 * time.Hour
	// leafLife is how long a server's certificate lasts: what public ones may last, since some
	// systems hold private ones to that, too.
	leafLife = 397 * 24 * time.Hour
	// backdate lets devices in whose clock is a little behind.
	backdate = time.Hour
)

// Names of the authority's files and the modes of what is secret.
const (
	certName    = "ca.crt"
	keyName     = "ca.key"
	privateDir  = 0o700
	privateFile = 0o600
)

// serialBits is the length of a serial number: too long to guess (RFC 5280 allows 159 bits).
const serialBits = 128

// authority signs certificates that are trusted where its own is.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// openAuthority reads the authority kept in dir, or makes it. When one has expired the next is
// made beside it. Of several processes that make one at the same time, all end up with the same.
func openAuthority(dir string, n names, now time.Time) (*authority, error) {
	for number := 1; ; number++ {
		place := filepath.Join(dir, "authority")
		if number > 1 {
			place += "-" + strconv.Itoa(number)
		}
		if _, err := os.Stat(place); errors.Is(err, fs.ErrNotExist) {
			if err := makeAuthority(place, n, now); err != nil {
				return nil, err
			}
		}
		a, err := readAuthority(place)
		if err != nil {
			return nil, fmt.Errorf("the local authority in %s cannot be used: %w; put it back from a backup, or move the directory away for a new one, which every device must then be told to trust", place, err)
		}
		if now.Before(a.cert.NotAfter) {
			return a, nil
		}
	}
}

func readAuthority(place string) (*authority, error) {
	cert, err := os.ReadFile(filepath.Join(place, certName))
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(place, keyName))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	private, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("its key is not of this server's kind")
	}
	return &authority{cert: pair.Leaf, key: private, pem: cert}, nil
}

// makeAuthority makes an authority and puts it into place whole: a directory cannot be renamed
// onto another with something in it, so what another process has made meanwhile stays.
func makeAuthority(place string, n names, now time.Time) error {
	a, key, err := newAuthority(n, now)
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(place), ".new-") // for this user only
	if err != nil {
		return fmt.Errorf("the local authority cannot be kept: %w; set DATA_DIR to a directory this user may write", err)
	}
	defer os.RemoveAll(temporary)
	err = errors.Join(write(filepath.Join(temporary, keyName), key), write(filepath.Join(temporary, certName), a.pem))
	if err == nil {
		err = os.Rename(temporary, place)
	}
	if _, other := os.Stat(filepath.Join(place, certName)); err != nil && other != nil {
		return fmt.Errorf("the local authority cannot be kept: %w; set DATA_DIR to a directory this user may write", err)
	}
	return nil
}

// newAuthority makes an authority that can vouch for the names and addresses of a home, and
// for those of n, and for nothing else: with its key stolen nobody can pose as a bank.
func newAuthority(n names, now time.Time) (*authority, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"HomeServer"}, CommonName: "HomeServer local authority " + now.UTC().Format(time.DateOnly)},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: homeSuffixes(),
	}
	for _, name := range n.dns {
		if !permitsName(template, name) {
			template.PermittedDNSDomains = append(template.PermittedDNSDomains, name)
		}
	}
	networks := homeNetworks()
	for _, ip := range n.ips {
		if !home(ip) {
			networks = append(networks, netip.PrefixFrom(ip, ip.BitLen()))
		}
	}
	for _, network := range networks {
		template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: network.Addr().AsSlice(), Mask: net.CIDRMask(network.Bits(), network.Addr().BitLen())})
	}
	der, err := sign(template, template, key, key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err := encodeKey(key)
	return &authority{cert: cert, key: key, pem: encode("CERTIFICATE", der)}, keyPEM, err
}

// permitsName says whether an authority may vouch for a name. One name outside spoils the whole
// certificate.
func permitsName(authority *x509.Certificate, name string) bool {
	for _, suffix := range authority.PermittedDNSDomains {
		if name == suffix || strings.HasSuffix(name, "."+suffix) {
			return true
		}
	}
	return false
}

func permitsAddr(authority *x509.Certificate, addr netip.Addr) bool {
	for _, network := range authority.PermittedIPRanges {
		if network.Contains(addr.AsSlice()) {
			return true
		}
	}
	return false
}

// permitted parts what the authority may vouch for from the rest.
func (a *authority) permitted(n names) (may names, rest []string) {
	for _, name := range n.dns {
		if permitsName(a.cert, name) {
			may.dns = append(may.dns, name)
		} else {
			rest = append(rest, name)
		}
	}
	for _, ip := range n.ips {
		if permitsAddr(a.cert, ip) {
			may.ips = append(may.ips, ip)
		} else {
			rest = append(rest, ip.String())
		}
	}
	return may, rest
}

// issue makes a server's certificate with its key, both as PEM in one.
func (a *authority) issue(n names, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	until := now.Add(leafLife - backdate)
	if until.After(a.cert.NotAfter) {
		until = a.cert.NotAfter
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"HomeServer"}},
		NotBefore: now.Add(-backdate), NotAfter: until, DNSNames: n.dns,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, ip := range n.ips {
		template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
	}
	der, err := sign(template, a.cert, key, a.key)
	if err != nil {
		return nil, err
	}
	keyPEM, err := encodeKey(key)
	return append(encode("CERTIFICATE", der), keyPEM...), err
}

func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	return x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return encode("PRIVATE KEY", der), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// write writes a secret file that survives a power cut.
func write(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, privateFile)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// replace puts a secret file in the place of another, whole at any time.
func replace(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	temporary := filepath.Join(dir, filepath.Base(path))
	if err := write(temporary, content); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
