package tus

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// sentence: whatever a client sends, what it is told can be printed.
func sentence(t *testing.T, err error) {
	if err != nil && (!utf8.ValidString(err.Error()) || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\x00\r\n")) {
		t.Errorf("an error of %d bytes that nobody can print: %q", len(err.Error()), err)
	}
}

func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{"", "filename d29ybGQ=", "a ,b", "a Yg==,b", "a Yg==,a Yg==", ",", "a\tYg==", "\xff Yg==", "a Y\ng=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		m, err := ParseMetadata(header)
		sentence(t, err)
		if err != nil {
			return
		}
		again, err := ParseMetadata(m.Encode())
		if len(header) < maxMetadata/2 && (err != nil || len(again) != len(m)) {
			t.Fatalf("%q: got %q, %v after writing it anew, want %q", header, again, err, m)
		}
		for key, value := range again {
			if m[key] != value {
				t.Errorf("%q: got %q, want %q", key, value, m[key])
			}
		}
	})
}

func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "-1", "9223372036854775808", "partial", "final;/api/v1/uploads/a /api/v1/uploads/b", "final;http://h/api/v1/uploads/x", "final;",
		"sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "md5 ", "sha256 AAAA", "\xff", "final;\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if n, err := ParseNumber("Upload-Offset", value); err != nil {
			sentence(t, err)
		} else if n < 0 || strings.Trim(value, "0123456789") != "" {
			t.Errorf("%q is %d", value, n)
		}
		_, err := ParseSize(value, "")
		sentence(t, err)
		_, err = ParseSize("", value)
		sentence(t, err)
		_, err = ParseChecksum(value)
		sentence(t, err)
		c, err := ParseConcat(value)
		sentence(t, err)
		if c.Final != (len(c.Parts) > 0) || c.Final && c.Partial {
			t.Errorf("%q is %+v", value, c)
		}
		for _, part := range c.Parts {
			if id := PartID(part, "/api/v1/uploads"); strings.ContainsAny(id, "/ ") || id != "" && !strings.HasSuffix(part, id) {
				t.Errorf("%q is the id %q", part, id)
			}
		}
		if slices.Contains(c.Parts, "") {
			t.Errorf("%q has an empty part", value)
		}
	})
}
