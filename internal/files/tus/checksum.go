package tus

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // a checksum against accidents, as the protocol names it
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
)

// Algorithms lists what Tus-Checksum-Algorithm says.
const Algorithms = "sha1,sha256,md5"

// Checksum is what a piece of an upload must hash to.
type Checksum struct {
	hash.Hash
	want []byte
}

// ParseChecksum reads Upload-Checksum: an algorithm and a digest in base64. It is nil for an
// empty header.
func ParseChecksum(header string) (*Checksum, error) {
	if header == "" {
		return nil, nil
	}
	algorithm, encoded, _ := strings.Cut(header, " ")
	c := new(Checksum)
	switch algorithm {
	case "sha1":
		c.Hash = sha1.New() //nolint:gosec // as above
	case "sha256":
		c.Hash = sha256.New()
	case "md5":
		c.Hash = md5.New() //nolint:gosec // as above
	default:
		return nil, fmt.Errorf("Upload-Checksum has the algorithm %s, which is none of %s", quote(algorithm), Algorithms) //nolint:staticcheck // a header's name begins it
	}
	want, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(want) != c.Size() {
		return nil, fmt.Errorf("Upload-Checksum has no digest of %d bytes in base64 after %s", c.Size(), algorithm) //nolint:staticcheck // as above
	}
	c.want = want
	return c, nil
}

// Matches reports whether what was written hashes to what it must.
func (c *Checksum) Matches() bool { return bytes.Equal(c.Sum(nil), c.want) }
