package channel

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"homeserver/internal/platform/httpd"
)

const (
	// base64Line is the length of a line of base64, in characters (RFC 2045 section 6.8).
	base64Line = 76
	// maxSubject is what of a title becomes the subject, in bytes.
	maxSubject = 200
)

// letter writes the note as a message (RFC 5322, MIME). Every header is encoded, so that no
// text can begin another one.
func letter(from *mail.Address, to []*mail.Address, n Note) []byte {
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	var names []string
	for _, r := range to {
		names = append(names, r.String())
	}
	header("From", from.String())
	header("To", strings.Join(names, ",\r\n "))
	header("Subject", mime.QEncoding.Encode("utf-8", shorten(httpd.OneLine(n.Title), maxSubject)))
	header("Date", n.At.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+n.ID+"@"+domainOf(from.String())+">")
	header("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence answers it
	header("MIME-Version", "1.0")
	if n.Severity == Critical {
		header("Importance", "high")
	}
	if n.Image == nil {
		words(&b, n)
		return b.Bytes()
	}
	boundary := "chart-" + n.ID
	header("Content-Type", `multipart/mixed; boundary="`+boundary+`"`)
	b.WriteString("\r\n--" + boundary + "\r\n")
	words(&b, n)
	b.WriteString("\r\n--" + boundary + "\r\n")
	header("Content-Type", "image/png")
	header("Content-Transfer-Encoding", "base64")
	header("Content-Disposition", `inline; filename="chart.png"`)
	b.WriteString("\r\n")
	for text := base64.StdEncoding.EncodeToString(n.Image); text != ""; {
		line := text[:min(base64Line, len(text))]
		text = text[len(line):]
		b.WriteString(line + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes()
}

// words writes the part that is read.
func words(b *bytes.Buffer, n Note) {
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	text := n.Text
	if text == "" {
		text = n.Title
	}
	if n.Link != "" {
		text += "\n\n" + n.Link
	}
	w := quotedprintable.NewWriter(b)
	fmt.Fprint(w, strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\r\n", "\n"), "\n", "\r\n"))
	_ = w.Close() // a buffer takes everything
	b.WriteString("\r\n")
}
