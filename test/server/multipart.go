package server

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Boundary separates the parts of bodies made here.
const Boundary = "----HomeServerBlackBox7MA4YWxkTrZu0gW"

// ContentType is that of bodies made here.
const ContentType = "multipart/form-data; boundary=" + Boundary

// Part is one part of a multipart body, byte for byte.
type Part struct {
	Disposition string // after "form-data; "
	ContentType string // empty for none
	Content     []byte
}

// FilePart is a file as curl and browsers send it: quotes and line ends in the name
// percent-encoded, everything else raw.
func FilePart(name, contentType string, content []byte) Part {
	escaped := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace(name)
	return Part{Disposition: `name="file"; filename="` + escaped + `"`, ContentType: contentType, Content: content}
}

// Field is a plain field.
func Field(name, value string) Part {
	return Part{Disposition: `name="` + name + `"`, Content: []byte(value)}
}

func (p Part) head() string {
	head := "--" + Boundary + "\r\nContent-Disposition: form-data; " + p.Disposition + "\r\n"
	if p.ContentType != "" {
		head += "Content-Type: " + p.ContentType + "\r\n"
	}
	return head + "\r\n"
}

const closing = "\r\n--" + Boundary + "--\r\n"

// Multipart writes the parts as one body.
func Multipart(parts ...Part) []byte {
	var b bytes.Buffer
	for i, p := range parts {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(p.head())
		b.Write(p.Content)
	}
	b.WriteString(closing)
	return b.Bytes()
}

// StreamUpload makes an upload request whose file content is read from r, so that a test may
// send gigabytes without holding them.
func (c *Client) StreamUpload(name string, r io.Reader, size int64) (*http.Request, error) {
	head := FilePart(name, "application/octet-stream", nil).head()
	body := io.MultiReader(strings.NewReader(head), io.LimitReader(r, size), strings.NewReader(closing))
	request, err := c.Request("POST", Files+"/upload", http.Header{"Content-Type": {ContentType}}, body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(len(head)) + size + int64(len(closing))
	return request, nil
}

// UploadHead is the head of a bare upload request that announces length bytes.
func (c *Client) UploadHead(length int64) string {
	return c.Head("POST", Files+"/upload", "Content-Type: "+ContentType, "Content-Length: "+strconv.FormatInt(length, 10))
}
