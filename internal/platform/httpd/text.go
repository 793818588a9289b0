package httpd

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// What is wrong with a text that not every database and not every page can hold.
const (
	holdsNUL = "holds a NUL character (U+0000), which no text here may"
	notUTF8  = "is not UTF-8"
)

// unfit is a text of an input that cannot be kept.
type unfit struct{ where, why string }

// checkTexts refuses a decoded input that holds a text which cannot be kept: PostgreSQL takes
// no NUL and nothing that is not UTF-8, in values and in comparisons alike. It stands here, once,
// so that no operation needs to remember it. Ids in the path are made fit instead: one that
// nobody can bear is not found, and the operation says so in its own words.
func checkTexts(ctx context.Context, in any) error {
	fitPaths(reflect.ValueOf(in).Elem())
	bad := unfitIn(reflect.ValueOf(in), "")
	if bad == nil {
		return nil
	}
	p := newProblem(ctx, http.StatusUnprocessableEntity, "Not acceptable: "+bad.where+": "+bad.why+".")
	p.Errors = []*huma.ErrorDetail{{Message: bad.why, Location: bad.where}}
	return p
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

// unfitIn finds the first unfit text below v, which is called where.
func unfitIn(v reflect.Value, where string) *unfit {
	switch v.Kind() {
	case reflect.String:
		return unfitText(v.String(), where)
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return unfitIn(v.Elem(), where)
		}
	case reflect.Slice, reflect.Array:
		switch {
		case v.Type() == rawMessage:
			return unfitJSON(v.Bytes(), where)
		case v.Type().Elem().Kind() == reflect.Uint8: // bytes are not text
			return nil
		}
		for i := range v.Len() {
			if bad := unfitIn(v.Index(i), where); bad != nil {
				return bad
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if bad := unfitIn(entry.Key(), where); bad != nil {
				return bad
			}
			if bad := unfitIn(entry.Value(), where); bad != nil {
				return bad
			}
		}
	case reflect.Struct:
		return unfitField(v, where)
	}
	return nil
}

// fitPaths puts U+FFFD in the place of whatever the texts of an input's path may not hold.
func fitPaths(in reflect.Value) {
	for i := range in.NumField() {
		switch field, v := in.Type().Field(i), in.Field(i); {
		case field.Anonymous && v.Kind() == reflect.Struct:
			fitPaths(v)
		case field.Tag.Get("path") != "" && v.Kind() == reflect.String:
			v.SetString(strings.ReplaceAll(strings.ToValidUTF8(v.String(), "\uFFFD"), "\x00", "\uFFFD"))
		}
	}
}

// unfitField is unfitIn of a struct. Headers are left to who reads them: the server takes none
// with a NUL, and a browser that names itself in Latin-1 is none the worse for it.
func unfitField(v reflect.Value, where string) *unfit {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || field.Tag.Get("header") != "" || field.Tag.Get("cookie") != "" {
			continue
		}
		below := where
		for _, tag := range []string{"json", "path", "query"} {
			if name, _, _ := strings.Cut(field.Tag.Get(tag), ","); name != "" {
				below = strings.TrimPrefix(where+"."+name, ".")
			}
		}
		if bad := unfitIn(v.Field(i), below); bad != nil {
			return bad
		}
	}
	return nil
}

func unfitText(text, where string) *unfit {
	switch {
	case strings.IndexByte(text, 0) >= 0:
		return &unfit{where, holdsNUL}
	case !utf8.ValidString(text):
		return &unfit{where, notUTF8}
	}
	return nil
}

// unfitJSON is unfitIn of JSON that was not decoded: there a NUL is escaped, and decoding would
// mend what is not UTF-8.
func unfitJSON(raw []byte, where string) *unfit {
	var v any
	if !utf8.Valid(raw) {
		return &unfit{where, notUTF8}
	}
	if json.Unmarshal(raw, &v) != nil {
		return nil // whoever reads it says so
	}
	return unfitIn(reflect.ValueOf(v), where)
}

// OneLine makes a text fit for a header, a title or a line of a list: UTF-8 without line breaks and control
// characters. It is for what the system or others tell, and what was kept before names were looked at.
func OneLine(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))), " ")
}
