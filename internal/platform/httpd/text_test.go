package httpd

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestUnfitTexts(t *testing.T) {
	type inner struct {
		Note *string           `json:"note,omitempty"`
		Tags []string          `json:"tags"`
		Map  map[string]string `json:"settings"`
		Any  map[string]any    `json:"document"`
		Raw  json.RawMessage   `json:"raw"`
		Data []byte            `json:"data"`
		At   time.Time         `json:"at"`
	}
	type input struct {
		ID    string `path:"id"`
		Agent string `header:"User-Agent"`
		Body  inner
	}
	bad := "a\x00b"
	for name, test := range map[string]struct {
		in    input
		where string
	}{
		"nothing":        {input{Body: inner{Raw: json.RawMessage(`{"a":"b\\u0000"}`), Data: []byte("\x00\xff"), At: time.Now()}}, ""},
		"nonsense":       {input{Body: inner{Raw: json.RawMessage(`{`)}}, ""},
		"path":           {input{ID: "\xff"}, "id"},
		"header":         {input{Agent: "caf\xe9"}, ""},
		"pointer":        {input{Body: inner{Note: &bad}}, "note"},
		"list":           {input{Body: inner{Tags: []string{"a", bad}}}, "tags"},
		"key":            {input{Body: inner{Map: map[string]string{bad: ""}}}, "settings"},
		"value":          {input{Body: inner{Map: map[string]string{"a": bad}}}, "settings"},
		"deep":           {input{Body: inner{Any: map[string]any{"a": []any{map[string]any{"b": bad}}}}}, "document"},
		"raw":            {input{Body: inner{Raw: json.RawMessage(`{"a":"b\u0000"}`)}}, "raw"},
		"raw, not UTF-8": {input{Body: inner{Raw: json.RawMessage("\"\xff\"")}}, "raw"},
	} {
		got := unfitIn(reflect.ValueOf(&test.in), "")
		if got == nil {
			got = &unfit{}
		}
		if got.where != test.where {
			t.Errorf("%s: got %q, want %q", name, got.where, test.where)
		}
	}
}

// TestFitPaths: an id that nobody can bear is looked for, and not found.
func TestFitPaths(t *testing.T) {
	type base struct {
		ID string `path:"id"`
	}
	in := struct {
		base
		Version string `path:"version"`
		Query   string `query:"q"`
	}{base: base{ID: "a\x00b"}, Version: "\xff", Query: "\xff"}
	if err := checkTexts(t.Context(), &in); err == nil {
		t.Error("a query that is not UTF-8: got no error")
	}
	if in.ID != "a\uFFFDb" || in.Version != "\uFFFD" || in.Query != "\xff" {
		t.Errorf("got %q", in)
	}
}
