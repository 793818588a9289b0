package tus

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxMetadata is the size of Upload-Metadata, in bytes: what several long names, fifty tags
	// and a path of a hundred folders take, in base64.
	maxMetadata = 48 << 10
	// maxKeys is how many keys it may have.
	maxKeys = 64
)

// Metadata is what a client says of an upload. Values may be any bytes.
type Metadata map[string]string

// ParseMetadata reads Upload-Metadata: pairs of a key and a value in base64, separated by
// commas; a key without a value has an empty one.
func ParseMetadata(header string) (Metadata, error) {
	if len(header) > maxMetadata {
		return nil, fmt.Errorf("Upload-Metadata is longer than %d bytes", maxMetadata) //nolint:staticcheck // a header's name begins it
	}
	m := Metadata{}
	if strings.TrimSpace(header) == "" {
		return m, nil
	}
	for pair := range strings.SplitSeq(header, ",") {
		key, encoded, _ := strings.Cut(strings.TrimSpace(pair), " ")
		if !validKey(key) {
			return nil, fmt.Errorf("Upload-Metadata has the key %s; keys are visible ASCII characters without space and comma", quote(key)) //nolint:staticcheck // as above
		}
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("Upload-Metadata has the key %s twice", quote(key)) //nolint:staticcheck // as above
		}
		if len(m) == maxKeys {
			return nil, fmt.Errorf("Upload-Metadata has more than %d keys", maxKeys) //nolint:staticcheck // as above
		}
		value, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
		if err != nil || strings.ContainsAny(encoded, "\r\n") {
			return nil, fmt.Errorf("Upload-Metadata has a value of %s that is not base64", quote(key)) //nolint:staticcheck // as above
		}
		m[key] = string(value)
	}
	return m, nil
}

func validKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' || key[i] == ',' {
			return false
		}
	}
	return key != ""
}

// First is the value of the first of several keys that is there and not empty.
func (m Metadata) First(keys ...string) string {
	for _, key := range keys {
		if m[key] != "" {
			return m[key]
		}
	}
	return ""
}

// Concat is what Upload-Concat says.
type Concat struct {
	Partial bool     // a part, which is no file of its own
	Final   bool     // put together of parts
	Parts   []string // their addresses, in order
}

// maxParts is how many parts a final upload may have: more than clients send at a time.
const maxParts = 1000

// ParseConcat reads Upload-Concat: nothing, partial, or final;address address...
func ParseConcat(header string) (Concat, error) {
	if header == "" {
		return Concat{}, nil
	}
	if header == "partial" {
		return Concat{Partial: true}, nil
	}
	list, ok := strings.CutPrefix(header, "final;")
	if !ok {
		return Concat{}, fmt.Errorf("Upload-Concat is %s; it can be partial, or final; and the addresses of the parts", quote(header)) //nolint:staticcheck // a header's name begins it
	}
	parts := strings.Fields(list)
	if len(parts) == 0 {
		return Concat{}, errors.New("Upload-Concat names no parts") //nolint:staticcheck // as above
	}
	if len(parts) > maxParts {
		return Concat{}, fmt.Errorf("Upload-Concat names more than %d parts", maxParts) //nolint:staticcheck // as above
	}
	return Concat{Final: true, Parts: parts}, nil
}

// PartID finds the id in a part's address, absolute or relative, that lies directly under
// prefix; "" if it does not.
func PartID(address, prefix string) string {
	if _, rest, absolute := strings.Cut(address, "://"); absolute {
		_, path, slash := strings.Cut(rest, "/")
		if !slash {
			return ""
		}
		address = "/" + path
	}
	id, ok := strings.CutPrefix(address, prefix+"/")
	if !ok || strings.ContainsAny(id, "/?#%") {
		return ""
	}
	return id
}

// Encode writes metadata as a header, in the order of keys.
func (m Metadata) Encode() string {
	pairs := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, strings.TrimRight(key+" "+base64.StdEncoding.EncodeToString([]byte(m[key])), " "))
	}
	return strings.Join(pairs, ",")
}
