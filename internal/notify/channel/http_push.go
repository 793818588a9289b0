package channel

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"homeserver/internal/notify/outward"

	"homeserver/internal/platform/httpd"
)

const (
	// maxPushText is what phones' services take of a text, in bytes; ntfy's limit is the lowest.
	maxPushText = 4000
	// maxPushTitle is what they take of a title.
	maxPushTitle = 250
	// maxCaption is Telegram's limit for the text of a picture, in characters.
	maxCaption = 1024
	// maxQuoted is how much of a service's own words an error repeats, in bytes.
	maxQuoted = 200
)

// post sends a body and judges the answer.
func (s *Senders) post(ctx context.Context, to Target, address string, header http.Header, body []byte) error {
	answer, err := s.doorway.Call(ctx, to.AllowLocal, http.MethodPost, address, header, body)
	if err != nil {
		return err
	}
	return judgeAnswer(answer)
}

// judgeAnswer turns what a service said into an error, or none.
func judgeAnswer(answer outward.Answer) error {
	if answer.Status >= 200 && answer.Status < 300 {
		return nil
	}
	sentence := fmt.Sprintf("The service answered %d %s", answer.Status, http.StatusText(answer.Status))
	if said := saidBy(answer.Body); said != "" {
		sentence += ": " + shorten(said, maxQuoted)
	}
	refused := answer.Status == http.StatusBadRequest || answer.Status == http.StatusRequestEntityTooLarge || answer.Status == http.StatusUnprocessableEntity
	return &Failure{Sentence: strings.TrimSuffix(sentence, ".") + ".", Refused: refused, RetryAfter: cmp.Or(answer.RetryAfter, retryAfterOf(answer.Body))}
}

// retryAfterOf is the pause that Telegram asks for: it says so in the body only.
func retryAfterOf(body []byte) time.Duration {
	var said struct {
		Parameters struct {
			RetryAfter int32 `json:"retry_after"` // seconds
		} `json:"parameters"`
	}
	if json.Unmarshal(body, &said) != nil {
		return 0
	}
	return max(0, time.Duration(said.Parameters.RetryAfter)*time.Second)
}

// saidBy finds the sentence in an error's body: the field that ntfy, Gotify and Telegram use, or
// a short plain text.
func saidBy(body []byte) string {
	var fields map[string]any
	if json.Unmarshal(body, &fields) == nil {
		for _, name := range []string{"errorDescription", "description", "error", "message", "detail"} {
			if text, ok := fields[name].(string); ok && text != "" {
				return httpd.OneLine(text)
			}
		}
		return ""
	}
	if text := httpd.OneLine(string(body)); len(text) <= maxQuoted && !strings.HasPrefix(text, "<") {
		return text
	}
	return ""
}

func (s *Senders) ntfy(ctx context.Context, to Target, n Note) error {
	v := to.Settings
	header := http.Header{}
	header.Set("X-Title", mime.QEncoding.Encode("utf-8", shorten(httpd.OneLine(n.Title), maxPushTitle))) // RFC 2047, which ntfy reads
	header.Set("X-Priority", map[Severity]string{Info: "3", Warning: "4", Critical: "5"}[n.Severity])
	header.Set("X-Tags", ntfyTag(n))
	header.Set("X-Sequence-ID", n.ID) // a repetition replaces what was shown
	if n.Link != "" {
		header.Set("X-Click", n.Link)
	}
	switch {
	case v["token"] != "":
		header.Set("Authorization", "Bearer "+v["token"])
	case v["user"] != "":
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(v["user"]+":"+v["password"])))
	}
	address := strings.TrimSuffix(v["server"], "/") + "/" + url.PathEscape(v["topic"])
	text := shorten(n.Text, maxPushText)
	if text == "" {
		text = n.Title // an empty message would become the word "triggered"
	}
	if n.Image != nil {
		picture := header.Clone()
		picture.Set("X-Message", mime.QEncoding.Encode("utf-8", strings.ReplaceAll(text, "\n", `\n`))) // ntfy turns \n into line breaks
		picture.Set("X-Filename", "chart.png")
		err := s.post(ctx, to, address, picture, n.Image)
		if failure, ok := err.(*Failure); !ok || !failure.Refused { //nolint:errorlint // post returns it bare
			return err
		} // a server without a cache for attachments says 400; the words are worth more than the picture
	}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	return s.post(ctx, to, address, header, []byte(text))
}

// ntfyTag is the emoji before the title.
func ntfyTag(n Note) string {
	switch {
	case n.State == "recovered":
		return "white_check_mark"
	case n.Severity == Critical:
		return "rotating_light"
	case n.Severity == Warning:
		return "warning"
	default:
		return "information_source"
	}
}

// hook is the body of a webhook.
type hook struct {
	ID       string    `json:"id"`
	Key      string    `json:"key,omitempty"`
	State    string    `json:"state"`
	Severity string    `json:"severity"`
	Title    string    `json:"title"`
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
	Since    time.Time `json:"since"`
	Times    int       `json:"times"`
	Link     string    `json:"link,omitempty"`
	Image    []byte    `json:"image_png,omitempty"`
}

func (s *Senders) webhook(ctx context.Context, to Target, n Note) error {
	v := to.Settings
	body, err := json.Marshal(hook{n.ID, n.Key, n.State, n.Severity.String(), n.Title, n.Text, n.At.UTC(), n.Since.UTC(), n.Times, n.Link, n.Image})
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {n.ID}}
	if v["token"] != "" {
		header.Set("Authorization", "Bearer "+v["token"])
	}
	if v["signing_key"] != "" {
		mac := hmac.New(sha256.New, []byte(v["signing_key"]))
		mac.Write(body)
		header.Set("X-HomeServer-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return s.post(ctx, to, v["url"], header, body)
}

func (s *Senders) gotify(ctx context.Context, to Target, n Note) error {
	text := n.Text
	if text == "" {
		text = n.Title
	}
	if n.Link != "" {
		text += "\n\n" + n.Link
	}
	message := map[string]any{"title": shorten(httpd.OneLine(n.Title), maxPushTitle), "message": text, "priority": map[Severity]int{Info: 3, Warning: 5, Critical: 8}[n.Severity]}
	if n.Link != "" {
		message["extras"] = map[string]any{"client::notification": map[string]any{"click": map[string]string{"url": n.Link}}}
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/json"}, "X-Gotify-Key": {to.Settings["token"]}}
	return s.post(ctx, to, strings.TrimSuffix(to.Settings["server"], "/")+"/message", header, body)
}

func (s *Senders) telegram(ctx context.Context, to Target, n Note) error {
	address := s.config.Telegram + "/bot" + to.Settings["token"]
	// The public address is fixed; one from Config is where whoever runs the house says.
	to.AllowLocal = s.config.Telegram != publicTelegram
	text := httpd.OneLine(n.Title)
	for _, part := range []string{n.Text, n.Link} {
		if part != "" {
			text += "\n\n" + part
		}
	}
	silent := n.Severity == Info
	if n.Image != nil && len([]rune(text)) <= maxCaption {
		body, contentType, err := telegramPhoto(to.Settings["chat"], text, silent, n.Image)
		if err != nil {
			return err
		}
		err = s.post(ctx, to, address+"/sendPhoto", http.Header{"Content-Type": {contentType}}, body)
		if failure, ok := err.(*Failure); !ok || !failure.Refused { //nolint:errorlint // post returns it bare
			return err
		} // it may dislike the picture; the words come all the same
	}
	body, err := json.Marshal(map[string]any{"chat_id": to.Settings["chat"], "text": shorten(text, maxPushText), "disable_notification": silent,
		"link_preview_options": map[string]bool{"is_disabled": true}})
	if err != nil {
		return err
	}
	return s.post(ctx, to, address+"/sendMessage", http.Header{"Content-Type": {"application/json"}}, body)
}

func telegramPhoto(chat, text string, silent bool, image []byte) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	fields := [][2]string{{"chat_id", chat}, {"caption", text}, {"disable_notification", fmt.Sprint(silent)}}
	for _, f := range fields {
		if err := form.WriteField(f[0], f[1]); err != nil {
			return nil, "", err
		}
	}
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="photo"; filename="chart.png"`}, "Content-Type": {"image/png"}})
	if err == nil {
		_, err = part.Write(image)
	}
	if err == nil {
		err = form.Close()
	}
	return b.Bytes(), form.FormDataContentType(), err
}
