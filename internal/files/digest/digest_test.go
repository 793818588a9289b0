package digest

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

const hello = `{"hello": "world"}` + "\n"

func field256(data string) string {
	sum := sha256.Sum256([]byte(data))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func field512(data string) string {
	sum := sha512.Sum512([]byte(data))
	return "sha-512=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func hex256(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}

// receive lets content pass as an upload does.
func receive(p *Promise, data string) error {
	var got bytes.Buffer
	if _, err := io.Copy(&got, p.Watch(strings.NewReader(data))); err != nil {
		return err
	}
	if got.String() != data {
		return fmt.Errorf("got %q, want %q", got.String(), data)
	}
	return p.Check(hex256(data))
}

func TestTheRFCsExamples(t *testing.T) {
	// RFC 9530, appendix B.1 and 2: the content is {"hello": "world"} and a line end.
	for _, field := range []string{
		`sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:`,
		`sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:`,
		`sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:,` + "\t" + `sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:`,
	} {
		p, err := Parse(field)
		if err != nil || p.Empty() {
			t.Fatalf("%s: got %+v, %v", field, p, err)
		}
		if err := receive(p, hello); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
	if got := Field(hex256(hello)); got != `sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:` {
		t.Errorf("Field: got %s", got)
	}
}

func TestPromises(t *testing.T) {
	a256, b256, a512, b512 := field256("a"), field256("b"), field512("a"), field512("b")
	for name, c := range map[string]struct {
		fields []string
		parse  error
		check  error
	}{
		"nothing":                    {nil, nil, nil},
		"an empty field":             {[]string{""}, nil, nil},
		"right":                      {[]string{a256}, nil, nil},
		"wrong":                      {[]string{b256}, nil, ErrMismatch},
		"right 512":                  {[]string{a512}, nil, nil},
		"wrong 512":                  {[]string{b512}, nil, ErrMismatch},
		"256 right, 512 wrong":       {[]string{a256, b512}, nil, ErrMismatch},
		"256 wrong, 512 right":       {[]string{b256 + ", " + a512}, nil, ErrMismatch},
		"said twice":                 {[]string{a256, a256}, nil, nil},
		"contradiction":              {[]string{a256, b256}, errConflict, nil},
		"the last of a key counts":   {[]string{b256 + "," + a256}, nil, nil},
		"unknown algorithms":         {[]string{`md5=:AAAA:, unixsum=30637, x=?1, y, z=(a "b";c=1 2.5), d=@1659578233, e=%"f%c3%bc", ` + a256}, nil, nil},
		"only unknown ones":          {[]string{`crc32c=:AAAAAA==:`}, nil, nil},
		"parameters":                 {[]string{a256 + `;q=1;r="x;y";s`}, nil, nil},
		"no padding":                 {[]string{strings.TrimRight(strings.TrimSuffix(a256, ":"), "=") + ":"}, nil, nil},
		"short":                      {[]string{"sha-256=:AAAA:"}, ErrSyntax, nil},
		"no byte sequence":           {[]string{"sha-256=abc"}, ErrSyntax, nil},
		"the old way of Digest":      {[]string{"SHA-256=" + base64.StdEncoding.EncodeToString(make([]byte, 32))}, ErrSyntax, nil},
		"a key alone":                {[]string{"sha-256"}, ErrSyntax, nil},
		"not closed":                 {[]string{strings.TrimSuffix(a256, ":")}, ErrSyntax, nil},
		"a comma behind":             {[]string{a256 + ","}, ErrSyntax, nil},
		"no comma between":           {[]string{a256 + " " + a512}, ErrSyntax, nil},
		"something behind":           {[]string{a256 + "x"}, ErrSyntax, nil},
		"no base64":                  {[]string{"sha-256=:!!!!:"}, ErrSyntax, nil},
		"a line end inside":          {[]string{"md5=:AA\nAA:"}, ErrSyntax, nil},
		"an inner list not closed":   {[]string{"md5=(a b"}, ErrSyntax, nil},
		"a number that is too long":  {[]string{"md5=1234567890123456"}, ErrSyntax, nil},
		"a string that is not ended": {[]string{`md5="x`}, ErrSyntax, nil},
	} {
		p, err := Parse(c.fields...)
		if !errors.Is(err, c.parse) {
			t.Errorf("%s: got %v, want %v", name, err, c.parse)
		}
		if err != nil {
			continue
		}
		if err := receive(p, "a"); !errors.Is(err, c.check) {
			t.Errorf("%s: Check: got %v, want %v", name, err, c.check)
		}
	}
}

func TestHexField(t *testing.T) {
	p := &Promise{}
	for _, bad := range []string{"x", hex256("a")[1:], hex256("a") + "00", strings.Repeat("g", 64)} {
		if err := p.SHA256(bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if err := p.SHA256("  "); err != nil || !p.Empty() || p.Want() != "" {
		t.Errorf("blank: got %v, %v", err, p)
	}
	if err := p.SHA256(strings.ToUpper(hex256("a"))); err != nil || p.Want() != hex256("a") {
		t.Errorf("got %v, %q", err, p.Want())
	}
	if err := p.SHA256(hex256("b")); !errors.Is(err, errConflict) {
		t.Errorf("got %v, want a contradiction", err)
	}
	if receive(p, "a") != nil || !errors.Is(receive(p, "b"), ErrMismatch) {
		t.Error("got the wrong answer")
	}
	if err := (*Promise)(nil).Check("anything"); err != nil || !(*Promise)(nil).Empty() {
		t.Errorf("nothing promised: got %v", err)
	}
}

// A promise of SHA-512 of content that never passed by is not kept.
func TestUnwatchedContentIsNotTakenForRight(t *testing.T) {
	p, err := Parse(field512("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(hex256("a")); !errors.Is(err, ErrMismatch) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", field256("a"), field512("a"), field256("a") + " , " + field512("a"), `md5=:AAAA:;q="\"x";y, a=(1 2.5 "x" tok/en;p)`, "sha-256", "sha-256=:", "a=?2", "*=-1.5", "sha-256=::", ";;,,"} {
		f.Add(seed, "a")
	}
	f.Fuzz(func(t *testing.T, field, data string) {
		p, err := Parse(field)
		if err != nil {
			return
		}
		kept := receive(p, data) == nil
		sum256, sum512 := sha256.Sum256([]byte(data)), sha512.Sum512([]byte(data))
		if want := (p.sha256 == nil || bytes.Equal(p.sha256, sum256[:])) && (p.sha512 == nil || bytes.Equal(p.sha512, sum512[:])); kept != want {
			t.Errorf("%q of %q: got %v, want %v", field, data, kept, want)
		}
		// What we write, we read, and it fits its content alone.
		own, err := Parse(Field(hex256(data)))
		if err != nil || receive(own, data) != nil || receive(own, data+"x") == nil {
			t.Errorf("our own field of %q does not fit: %v", data, err)
		}
		// Reading a field twice says the same once.
		if again, err := Parse(field, field); err != nil || again.Want() != p.Want() {
			t.Errorf("%q twice: got %v", field, err)
		}
	})
}
