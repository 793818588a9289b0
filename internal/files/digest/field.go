package digest

import (
	"encoding/base64"
	"strings"
)

// member is an entry of a dictionary; bytes is nil when its value is no byte sequence.
type member struct {
	key   string
	bytes []byte
}

// parser reads structured fields (RFC 9651) as far as digests need them: every kind of value
// is recognised, byte sequences are decoded, the others passed by.
type parser struct{ rest string }

// parseDictionary reads a whole field. An empty one is an empty dictionary. Of several members
// of one key the last counts.
func parseDictionary(field string) ([]member, error) {
	p := parser{strings.TrimLeft(field, " ")}
	var list []member
	for p.rest != "" {
		m, ok := p.member()
		if !ok {
			return nil, ErrSyntax
		}
		list = replace(list, m)
		p.space()
		if p.rest == "" {
			return list, nil
		}
		if !p.take(',') {
			return nil, ErrSyntax
		}
		if p.space(); p.rest == "" { // a comma with nothing behind it
			return nil, ErrSyntax
		}
	}
	return list, nil
}

func replace(list []member, m member) []member {
	for i := range list {
		if list[i].key == m.key {
			list[i] = m
			return list
		}
	}
	return append(list, m)
}

// take passes by c if it comes next.
func (p *parser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// space passes by optional white space.
func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

// span takes as long as characters are of a kind.
func (p *parser) span(of func(byte) bool) string {
	n := 0
	for n < len(p.rest) && of(p.rest[n]) {
		n++
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return text
}

func (p *parser) member() (m member, ok bool) {
	if m.key, ok = p.key(); !ok {
		return m, false
	}
	if !p.take('=') { // a key alone is true
		return m, p.parameters()
	}
	if p.take('(') {
		return m, p.innerList() && p.parameters()
	}
	m.bytes, ok = p.item()
	return m, ok && p.parameters()
}

func (p *parser) key() (string, bool) {
	if p.rest == "" || !lower(p.rest[0]) && p.rest[0] != '*' {
		return "", false
	}
	return p.span(func(c byte) bool { return lower(c) || digit(c) || strings.IndexByte("_-.*", c) >= 0 }), true
}

// parameters are passed by.
func (p *parser) parameters() bool {
	for p.take(';') {
		p.rest = strings.TrimLeft(p.rest, " ")
		if _, ok := p.key(); !ok {
			return false
		}
		if p.take('=') {
			if _, ok := p.item(); !ok {
				return false
			}
		}
	}
	return true
}

func (p *parser) innerList() bool {
	for {
		p.rest = strings.TrimLeft(p.rest, " ")
		if p.take(')') {
			return true
		}
		if _, ok := p.item(); !ok || !p.parameters() {
			return false
		}
		if p.rest == "" || p.rest[0] != ' ' && p.rest[0] != ')' {
			return false
		}
	}
}

// item reads a bare item; what it returns is nil unless it is a byte sequence.
func (p *parser) item() (data []byte, ok bool) {
	if p.rest == "" {
		return nil, false
	}
	switch c := p.rest[0]; {
	case c == ':':
		return p.byteSequence()
	case c == '"':
		p.rest = p.rest[1:]
		return nil, p.quoted()
	case c == '%' && strings.HasPrefix(p.rest, `%"`):
		p.rest = p.rest[2:]
		return nil, p.quoted()
	case c == '?':
		p.rest = p.rest[1:]
		return nil, p.take('0') || p.take('1')
	case c == '@':
		p.rest = p.rest[1:]
		return nil, p.number()
	case c == '-' || digit(c):
		return nil, p.number()
	case c == '*' || lower(c|0x20) && c < 0x80:
		p.span(tokenChar)
		return nil, true
	}
	return nil, false
}

func (p *parser) byteSequence() ([]byte, bool) {
	text, rest, ok := strings.Cut(p.rest[1:], ":")
	if !ok || strings.ContainsAny(text, "\r\n") { // which the decoder would pass by
		return nil, false
	}
	p.rest = rest
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil { // padding may be left out
		data, err = base64.RawStdEncoding.DecodeString(text)
	}
	return data, err == nil
}

// quoted passes by a string whose opening quote was read.
func (p *parser) quoted() bool {
	for p.rest != "" {
		c := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case c == '"':
			return true
		case c < ' ' || c >= 0x7f:
			return false
		case c == '\\':
			if !p.take('"') && !p.take('\\') {
				return false
			}
		}
	}
	return false
}

// The longest integer and the digits of a decimal before and after its point.
const (
	maxInteger  = 15
	maxWhole    = 12
	maxFraction = 3
)

func (p *parser) number() bool {
	p.take('-')
	whole := len(p.span(digit))
	if whole == 0 || whole > maxInteger {
		return false
	}
	if !p.take('.') {
		return true
	}
	fraction := len(p.span(digit))
	return whole <= maxWhole && fraction > 0 && fraction <= maxFraction
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func digit(c byte) bool { return c >= '0' && c <= '9' }

// tokenChar is what a token may hold after its first character.
func tokenChar(c byte) bool {
	return lower(c) || c >= 'A' && c <= 'Z' || digit(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/", c) >= 0
}
