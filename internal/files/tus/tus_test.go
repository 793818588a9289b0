package tus

import (
	"crypto/sha1" //nolint:gosec // as the protocol names it
	"encoding/base64"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParseNumber(t *testing.T) {
	for value, want := range map[string]int64{"0": 0, "1": 1, "007": 7, "9223372036854775807": 1<<63 - 1} {
		if got, err := ParseNumber("Upload-Offset", value); got != want || err != nil {
			t.Errorf("%q: got %d, %v; want %d", value, got, err, want)
		}
	}
	for _, value := range []string{"", "-1", "-0x1", "+1", " 1", "1 ", "1.0", "0x1", "1_0", "9223372036854775808", "00000000000000000001", "eins", "١"} {
		if got, err := ParseNumber("Upload-Offset", value); err == nil {
			t.Errorf("%q: got %d, want an error", value, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		length, deferred string
		want             Size
		fails            bool
	}{
		{"10", "", Size{true, 10}, false},
		{"0", "", Size{true, 0}, false},
		{"", "1", Size{}, false},
		{"10", "1", Size{}, true},
		{"", "", Size{}, true},
		{"", "0", Size{}, true},
		{"-1", "", Size{}, true},
	} {
		got, err := ParseSize(c.length, c.deferred)
		if (err != nil) != c.fails || !c.fails && got != c.want {
			t.Errorf("%q, %q: got %v, %v; want %v", c.length, c.deferred, got, err, c.want)
		}
	}
}

func TestParseMetadata(t *testing.T) {
	for header, want := range map[string]Metadata{
		"":                             {},
		"  ":                           {},
		"filename d29ybGQ=":            {"filename": "world"},
		"filename d29ybGQ=,filetype":   {"filename": "world", "filetype": ""},
		"a d29ybGQ= , b Yg==":          {"a": "world", "b": "b"},
		"is_confidential":              {"is_confidential": ""},
		"filename w6TDtg==,x /+/+":     {"filename": "äö", "x": "\xff\xef\xfe"},
		"relativePath YS9iL2MudHh0,y ": {"relativePath": "a/b/c.txt", "y": ""},
	} {
		got, err := ParseMetadata(header)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: got %q, %v; want %q", header, got, err, want)
		}
	}
	for _, header := range []string{",", "a d29ybGQ=,", "a d29ybGQ=,a Yg==", "a not-base64!", "ä Yg==", "a Yg", "a Yh==", strings.Repeat("a", maxMetadata+1)} {
		if got, err := ParseMetadata(header); err == nil {
			t.Errorf("%.40q: got %q, want an error", header, got)
		}
	}
	if got := (Metadata{"name": "", "filename": "b"}).First("name", "filename"); got != "b" {
		t.Errorf("got %q, want b", got)
	}
}

func TestParseConcat(t *testing.T) {
	got, err := ParseConcat("final;/api/v1/uploads/a http://host:80/api/v1/uploads/b  /c/d")
	if err != nil || !got.Final || got.Partial || !slices.Equal(got.Parts, []string{"/api/v1/uploads/a", "http://host:80/api/v1/uploads/b", "/c/d"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	var ids []string
	for _, part := range append(got.Parts, "http://host", "/api/v1/uploads/", "/api/v1/uploads/a/b", "/api/v1/uploads/a?x", "a", "") {
		ids = append(ids, PartID(part, "/api/v1/uploads"))
	}
	if !slices.Equal(ids, []string{"a", "b", "", "", "", "", "", "", ""}) {
		t.Errorf("got ids %q", ids)
	}
	if got, err := ParseConcat("partial"); err != nil || !got.Partial || got.Final {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, header := range []string{"final", "final;", "final; ", "Partial", "final " + "x", "final;" + strings.Repeat("a ", maxParts+1)} {
		if got, err := ParseConcat(header); err == nil {
			t.Errorf("%.20q: got %+v, want an error", header, got)
		}
	}
}

func TestChecksum(t *testing.T) {
	sum := sha1.Sum([]byte("hello")) //nolint:gosec // as the protocol names it
	header := "sha1 " + base64.StdEncoding.EncodeToString(sum[:])
	for content, want := range map[string]bool{"hello": true, "hellO": false, "": false} {
		c, err := ParseChecksum(header)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, content)
		if c.Matches() != want {
			t.Errorf("%q: got %v, want %v", content, !want, want)
		}
	}
	for _, algorithm := range strings.Split(Algorithms, ",") {
		if _, err := ParseChecksum(algorithm + " Kq5sNclPz7QV2+lfQIuc6R7oRu0="); (err == nil) != (algorithm == "sha1") {
			t.Errorf("%s with a digest of 20 bytes: got %v", algorithm, err)
		}
	}
	for _, header := range []string{"sha1", "sha1 ", "sha1 !", "crc32 AAAA", "sha1  Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0"} {
		if _, err := ParseChecksum(header); err == nil {
			t.Errorf("%q: got no error", header)
		}
	}
	if c, err := ParseChecksum(""); c != nil || err != nil {
		t.Errorf("got %v, %v of no header", c, err)
	}
}
