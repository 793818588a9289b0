package outward

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"homeserver/internal/platform/errs"
)

const (
	// longestName and longestLabel bound names of the DNS, in bytes (RFC 1035, section 2.3.4).
	longestName  = 253
	longestLabel = 63
	// highestPort is the highest there is.
	highestPort = 65535
)

// CheckURL says what is wrong with an HTTP address before it is kept.
func (d *Doorway) CheckURL(what, address string, local bool) error {
	u, err := ParseURL(what, address)
	if err != nil {
		return err
	}
	return d.JudgeHost(u.Hostname(), local)
}

// ParseURL reads an HTTP address, or says why nothing can be there.
func ParseURL(what, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, errs.Newf(errs.Invalid, "%s is not an address such as https://example.org/path.", what)
	case u.User != nil:
		return nil, errs.Newf(errs.Invalid, "%s holds a name or password; enter those in their own fields.", what)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		if err := checkName(what, u.Hostname()); err != nil {
			return nil, err
		}
	}
	return u, CheckPort(what, u.Port())
}

// CheckPort says that a port cannot be one; "" is the usual one of a protocol.
func CheckPort(what, port string) error {
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > highestPort) {
		return errs.Newf(errs.Invalid, "%s has the port %q; ports are from 1 to %d.", what, port, highestPort)
	}
	return nil
}

// checkName says that a host cannot be a name: of the DNS, or of a machine in the own network. What
// ends in a number is an address, if anything (RFC 1123, section 2.1).
func checkName(what, host string) error {
	name := strings.TrimSuffix(host, ".")
	labels := strings.Split(name, ".")
	possible := len(name) <= longestName && !isNumber(labels[len(labels)-1])
	for _, label := range labels {
		possible = possible && label != "" && len(label) <= longestLabel && !strings.ContainsFunc(label, notInNames)
	}
	if !possible {
		return errs.Newf(errs.Invalid, "%s cannot be reached: %q is neither a name, such as example.org, nor an address, such as 192.0.2.7.", what, host)
	}
	return nil
}

// notInNames are the characters that no name holds; those that are not ASCII are encoded.
func notInNames(r rune) bool {
	return r < utf8.RuneSelf && r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// isNumber reports whether a label is a number, as the resolvers of some systems read them: 127.1
// and 0x7f000001 lead somewhere.
func isNumber(label string) bool {
	if hex, ok := strings.CutPrefix(strings.ToLower(label), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
