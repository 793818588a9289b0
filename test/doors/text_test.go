package doors

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"homeserver/test/server"
)

// description is what the walk below needs of the API description.
type description struct {
	Paths      map[string]map[string]*operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	Parameters []struct {
		Name, In string
		Required bool
		Schema   *schema
	}
	RequestBody struct {
		Content map[string]struct{ Schema *schema }
	}
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Properties           map[string]*schema
	Required             []string
	Items                *schema
	AdditionalProperties any
	Enum                 []any
	Format               string
	Minimum              float64
	MinLength            int
}

func (s *schema) is(kind string) bool {
	list, _ := s.Type.([]any)
	return s.Type == kind || slices.Contains(list, any(kind))
}

// resolve follows a reference.
func (d *description) resolve(s *schema) *schema {
	if s != nil && s.Ref != "" {
		return d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// sample is a value that fits a schema, with everything that may be given.
func (d *description) sample(s *schema) any {
	s = d.resolve(s)
	switch {
	case s == nil:
		return map[string]any{"x": "x"}
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.is("object"):
		object := map[string]any{}
		for name, property := range s.Properties {
			object[name] = d.sample(property)
		}
		if more, ok := s.AdditionalProperties.(map[string]any); ok || len(s.Properties) == 0 {
			object["x"] = any("x")
			if more["type"] != nil && more["type"] != "string" {
				delete(object, "x")
			}
		}
		return object
	case s.is("array"):
		return []any{d.sample(s.Items)}
	case s.is("string"):
		return text(s)
	case s.is("boolean"):
		return false
	case s.is("integer"), s.is("number"):
		return max(1, s.Minimum)
	}
	return map[string]any{"x": "x"}
}

func text(s *schema) string {
	switch s.Format {
	case "date-time":
		return "2026-01-01T00:00:00Z"
	case "uuid":
		return id
	}
	return strings.Repeat("x", max(1, s.MinLength))
}

// spoilt calls try with every variant of value in which one text is spoilt, and where it is.
func spoilt(value any, where, bad string, try func(where string)) {
	each := func(below string, now any, set func(any)) {
		if _, ok := now.(string); ok {
			set(bad)
			try(below)
			set(now)
			return
		}
		spoilt(now, below, bad, try)
	}
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			each(where+"."+name, v[name], func(to any) { v[name] = to })
		}
	case []any:
		for i := range v {
			each(where+"[]", v[i], func(to any) { v[i] = to })
		}
	}
}

// marker stands in JSON where bytes are put that no encoder writes.
const marker = "SPOILT-TEXT"

// TestTextsNobodyCanKeep puts a NUL and what is not UTF-8 into every text that every operation
// takes: PostgreSQL refuses both, and the answer is a sentence and not an internal error.
func TestTextsNobodyCanKeep(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		h := open(t, env, map[string]string{"ann": "administrator"})
		var d description
		h.Get(t, "/openapi.json").Expect(t, 200).Decode(t, &d)
		ann := h.signIn(t, "ann")
		tried := 0
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			for method, op := range d.Paths[path] {
				w := &walk{h, ann, &d, strings.ToUpper(method), path, op, 0}
				w.parameters(t)
				w.bodies(t)
				tried += w.tried
			}
		}
		if tried < 300 { // or the description is read wrongly
			t.Errorf("only %d texts were tried", tried)
		}
	})
}

// walk tries one operation.
type walk struct {
	h      *house
	who    person
	d      *description
	method string
	path   string
	op     *operation
	tried  int
}

// at is the operation's address with what must be given, and name holding value.
func (w *walk) at(name, value string) (address string, header http.Header) {
	address, query, header := w.path, url.Values{}, http.Header{}
	for _, p := range w.op.Parameters {
		given := fmt.Sprint(w.d.sample(p.Schema))
		if p.Name == "id" || p.Name == "version" {
			given = id
		}
		if p.Name == name {
			given = value
		} else if !p.Required {
			continue
		}
		switch p.In {
		case "path":
			address = strings.ReplaceAll(address, "{"+p.Name+"}", url.PathEscape(given))
		case "query":
			query.Set(p.Name, given)
		case "header":
			header.Set(p.Name, given)
		}
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address, header
}

// ask makes a request that must not end in an internal error, as an administrator who is
// signed in.
func (w *walk) ask(t *testing.T, what, address string, header http.Header, body string) server.Answer {
	t.Helper()
	w.tried++
	maps.Copy(header, w.who.header)
	answer := w.h.nobody.Do(t, w.method, address, header, strings.NewReader(body))
	if answer.Status >= 500 {
		t.Errorf("%s %s, %s: got %d %s, want no internal error", w.method, w.path, what, answer.Status, answer.Body)
	}
	return answer
}

// parameters tries the operation's parameters.
func (w *walk) parameters(t *testing.T) {
	for _, p := range w.op.Parameters {
		for _, bad := range []string{"a\x00b", "a\xffb"} {
			if p.In == "header" && strings.Contains(bad, "\x00") || w.stream() {
				continue // no client sends it, and no server takes it
			}
			address, header := w.at(p.Name, bad)
			body := ""
			if media, ok := w.op.RequestBody.Content["application/json"]; ok {
				raw, err := json.Marshal(w.d.sample(media.Schema))
				if err != nil {
					t.Fatal(err)
				}
				body = string(raw)
				header.Set("Content-Type", "application/json")
			}
			w.ask(t, fmt.Sprintf("%s %q", p.Name, bad), address, header, body)
		}
	}
}

// stream is whether the answer may never end.
func (w *walk) stream() bool {
	return strings.HasSuffix(w.path, "/events") && !strings.Contains(w.path, "monitoring/events") || strings.HasSuffix(w.path, "/live") || strings.HasSuffix(w.path, "/ws")
}

// bodies tries every text of what the operation takes.
func (w *walk) bodies(t *testing.T) {
	address, header := w.at("", "")
	if media, ok := w.op.RequestBody.Content["application/json"]; ok {
		header.Set("Content-Type", "application/json")
		sample := w.d.sample(media.Schema)
		spoilt(sample, "body", marker, func(where string) {
			raw, err := json.Marshal(sample)
			if err != nil {
				t.Fatal(err)
			}
			answer := w.ask(t, where+" with a NUL", address, header, strings.ReplaceAll(string(raw), marker, `a\u0000b`))
			unknown := answer.Status == 404 && strings.HasSuffix(where, "ids[]") // there is no such thing
			if answer.Status != 422 && !unknown || answer.Detail() == "" {
				t.Errorf("%s %s, %s with a NUL: got %d %s, want 422 with a sentence", w.method, w.path, where, answer.Status, answer.Body)
			}
			w.ask(t, where+", not UTF-8", address, header, strings.ReplaceAll(string(raw), marker, "a\xffb"))
		})
	}
	if media, ok := w.op.RequestBody.Content["multipart/form-data"]; ok {
		header.Set("Content-Type", server.ContentType)
		for name := range w.d.resolve(media.Schema).Properties {
			for _, bad := range []string{"a\x00b", "a\xffb"} {
				for _, form := range [][]server.Part{
					{server.Field(name, bad), server.FilePart("x", "text/plain", []byte("x"))},
					{server.FilePart("x", bad, []byte("x"))}, {server.FilePart(bad, "text/plain", []byte("x"))},
				} {
					w.ask(t, fmt.Sprintf("%s %q", name, bad), address, header, string(server.Multipart(form...)))
				}
			}
		}
	}
}
