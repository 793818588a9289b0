package files

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"

	"homeserver/internal/platform/errs"
)

// parts reads a whole form.
func parts(contentType string, body io.Reader) (heads []formPart, contents []string, err error) {
	form, err := newFormReader(contentType, body)
	if err != nil {
		return nil, nil, err
	}
	defer form.release()
	for {
		part, err := form.next()
		if err == io.EOF { //nolint:errorlint // the documented end
			return heads, contents, nil
		}
		if err != nil {
			return heads, contents, err
		}
		data, err := io.ReadAll(form)
		if err != nil {
			return heads, contents, err
		}
		heads, contents = append(heads, part), append(contents, string(data))
	}
}

const boundary = "multipart/form-data; boundary=XX"

func TestForm(t *testing.T) {
	body := "preamble\r\n--XX\r\nContent-Disposition: form-data;\r\n name=\"file\"; filename=\"a\"\r\nContent-Type: text/x\r\nX-Other: 1\r\n\r\n" +
		"content\r\n--X\r\n-XX\n--XX\r\nmore\r\n--XX  \r\ncontent-disposition: form-data; name=\"tags\"\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"e\"\r\n\r\n\r\n--XX--\r\nepilogue"
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(body), "bytes": iotest.OneByteReader(strings.NewReader(body))} {
		heads, contents, err := parts(boundary, r)
		if err != nil || len(heads) != 3 {
			t.Fatalf("%s: got %d parts, %v", name, len(heads), err)
		}
		if heads[0].filename != "a" || heads[0].contentType != "text/x" || contents[0] != "content\r\n--X\r\n-XX\n--XX\r\nmore" {
			t.Errorf("%s: got %+v, %q", name, heads[0], contents[0])
		}
		if heads[1].name != "tags" || contents[1] != "" || heads[2].name != "e" || contents[2] != "" {
			t.Errorf("%s: got %+v, %q", name, heads, contents)
		}
	}
}

func TestFormIsCutAnywhere(t *testing.T) {
	body := "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ncontent\r\n--XX--"
	for i := range len(body) {
		if _, _, err := parts(boundary, strings.NewReader(body[:i])); !errs.Is(err, errs.Malformed) {
			t.Errorf("cut after %q: got %v, want Malformed", body[:i], err)
		}
	}
	if _, _, err := parts(boundary, strings.NewReader(body)); err != nil {
		t.Error(err)
	}
	broken := errors.New("reset")
	if _, _, err := parts(boundary, io.MultiReader(strings.NewReader(body[:60]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestFormRefusals(t *testing.T) {
	for name, body := range map[string]string{
		"no colon":        "--XX\r\nnonsense\r\n\r\n\r\n--XX--",
		"no disposition":  "--XX\r\nContent-Type: a/b\r\n\r\n\r\n--XX--",
		"not form-data":   "--XX\r\nContent-Disposition: attachment; name=\"file\"\r\n\r\n\r\n--XX--",
		"garbage":         "--XXgarbage\r\n\r\n\r\n--XX--",
		"endless header":  "--XX\r\nA: " + strings.Repeat("x", 200_000) + "\r\n\r\n\r\n--XX--",
		"endless headers": "--XX\r\n" + strings.Repeat("A: b\r\n", 20_000) + "\r\n\r\n--XX--",
	} {
		if _, _, err := parts(boundary, strings.NewReader(body)); !errs.Is(err, errs.Malformed) {
			t.Errorf("%s: got %v, want Malformed", name, err)
		}
	}
}

// FuzzMultipart feeds garbage, and whatever content in a proper form must come back.
func FuzzMultipart(f *testing.F) {
	f.Add([]byte("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--XX--"), uint16(1))
	f.Add([]byte("\r\n--XX\r\n--XX"), uint16(3))
	f.Add(bytes.Repeat([]byte("\r\n--X"), 20_000), uint16(7))
	f.Add([]byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, data []byte, split uint16) {
		_, _, _ = parts(boundary, bytes.NewReader(data))
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile("file", "name")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(data)
		_ = w.WriteField("tags", "a")
		_ = w.Close()
		at := min(int(split), body.Len())
		whole := body.Bytes()
		_, contents, err := parts(w.FormDataContentType(), io.MultiReader(bytes.NewReader(whole[:at]), bytes.NewReader(whole[at:])))
		if err != nil || len(contents) != 2 || contents[0] != string(data) || contents[1] != "a" {
			t.Errorf("got %d parts, %v; want the content back", len(contents), err)
		}
	})
}
