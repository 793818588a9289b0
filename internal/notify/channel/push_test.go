package channel

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// call is one request that a service got.
type call struct {
	method, path string
	header       http.Header
	body         []byte
}

// service is a real HTTP server in a service's place. It refuses the first of its answers that
// are not 200.
func service(t *testing.T, answers ...int) (url string, calls *[]call) {
	t.Helper()
	calls = &[]call{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*calls = append(*calls, call{r.Method, r.URL.Path, r.Header, body})
		if n := len(*calls); n <= len(answers) && answers[n-1] != 200 {
			w.WriteHeader(answers[n-1])
			_, _ = io.WriteString(w, `{"code":1,"error":"no: `+r.URL.Path+`","description":"no: `+r.URL.Path+`"}`)
			return
		}
		_, _ = io.WriteString(w, `{"ok":true,"id":1}`)
	}))
	t.Cleanup(s.Close)
	return s.URL, calls
}

func note() Note {
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	return Note{ID: "id-1", Key: "disk", State: "raised", Severity: Critical, Title: "Platte „voll“", Text: "97 %\nseit gestern", At: at, Since: at.Add(-time.Hour), Times: 2, Link: "https://home.example.org/x"}
}

func send(t *testing.T, s *Senders, kind string, n Note, settings ...string) error {
	t.Helper()
	to := Target{Kind: kind, AllowLocal: true, Settings: map[string]string{}}
	for i := 0; i+1 < len(settings); i += 2 {
		to.Settings[settings[i]] = settings[i+1]
	}
	to, err := s.Complete(to)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Send(t.Context(), to, n)
	return err
}

func TestNtfy(t *testing.T) {
	url, calls := service(t)
	if err := send(t, New(Config{}), KindNtfy, note(), "server", url+"/", "topic", "alerts", "token", "tk_secret"); err != nil {
		t.Fatal(err)
	}
	got := (*calls)[0]
	title, _ := new(mime.WordDecoder).DecodeHeader(got.header.Get("X-Title"))
	if got.method != "POST" || got.path != "/alerts" || title != "Platte „voll“" || string(got.body) != "97 %\nseit gestern" || got.header.Get("X-Priority") != "5" ||
		got.header.Get("X-Click") != "https://home.example.org/x" || got.header.Get("Authorization") != "Bearer tk_secret" || got.header.Get("X-Sequence-Id") != "id-1" || got.header.Get("X-Tags") != "rotating_light" {
		t.Errorf("got %+v", got)
	}
	// A picture is the body; a server that takes none gets the words.
	url, calls = service(t, 400)
	n := note()
	n.Image = []byte("picture")
	if err := send(t, New(Config{}), KindNtfy, n, "server", url, "topic", "alerts", "user", "ada", "password", "ntfy-secret"); err != nil {
		t.Fatal(err)
	}
	first, second := (*calls)[0], (*calls)[1]
	text, _ := new(mime.WordDecoder).DecodeHeader(first.header.Get("X-Message"))
	if string(first.body) != "picture" || text != `97 %\nseit gestern` || first.header.Get("X-Filename") != "chart.png" || string(second.body) != "97 %\nseit gestern" {
		t.Errorf("got %+v", *calls)
	}
	if user, password, _ := (&http.Request{Header: second.header}).BasicAuth(); user != "ada" || password != "ntfy-secret" {
		t.Errorf("got %s %s", user, password)
	}
}

func TestWebhook(t *testing.T) {
	url, calls := service(t)
	n := note()
	n.Image = []byte("picture")
	if err := send(t, New(Config{}), KindWebhook, n, "url", url+"/hook?token=abc"); err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal((*calls)[0].body, &body); err != nil {
		t.Fatal(err)
	}
	if body["id"] != "id-1" || body["key"] != "disk" || body["state"] != "raised" || body["severity"] != "critical" || body["since"] != "2026-11-26T11:00:00Z" || body["times"] != 2.0 ||
		body["image_png"] != base64.StdEncoding.EncodeToString([]byte("picture")) || (*calls)[0].header.Get("Idempotency-Key") != "id-1" {
		t.Errorf("got %v", body)
	}
}

func TestGotify(t *testing.T) {
	url, calls := service(t)
	if err := send(t, New(Config{}), KindGotify, note(), "server", url+"/gotify/", "token", "Asecret"); err != nil {
		t.Fatal(err)
	}
	got := (*calls)[0]
	if got.path != "/gotify/message" || got.header.Get("X-Gotify-Key") != "Asecret" || !strings.Contains(string(got.body), `"priority":8`) || !strings.Contains(string(got.body), `"client::notification":{"click":{"url":"https://home.example.org/x"}}`) {
		t.Errorf("got %s %s", got.path, got.body)
	}
}

func TestTelegram(t *testing.T) {
	url, calls := service(t, 200, 400)
	senders := New(Config{Telegram: url})
	settings := []string{"token", "123456:secret-of-the-bot", "chat", "-100"}
	if err := send(t, senders, KindTelegram, note(), settings...); err != nil {
		t.Fatal(err)
	}
	n := note()
	n.Image = []byte("picture")
	if err := send(t, senders, KindTelegram, n, settings...); err != nil { // the picture is refused
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal((*calls)[0].body, &body); err != nil || body["chat_id"] != "-100" || body["text"] != "Platte „voll“\n\n97 %\nseit gestern\n\nhttps://home.example.org/x" || body["disable_notification"] != false {
		t.Errorf("got %v %v", body, err)
	}
	if len(*calls) != 3 || (*calls)[0].path != "/bot123456:secret-of-the-bot/sendMessage" || (*calls)[1].path != "/bot123456:secret-of-the-bot/sendPhoto" || !bytes.Contains((*calls)[1].body, []byte("picture")) || (*calls)[2].path != "/bot123456:secret-of-the-bot/sendMessage" {
		t.Errorf("got %+v", *calls)
	}
}

// TestErrorsAreSentencesWithoutSecrets has services repeat the address in their errors.
func TestErrorsAreSentencesWithoutSecrets(t *testing.T) {
	for status, want := range map[int]string{401: "The service answered 401 Unauthorized: no: ", 413: "413 Request Entity Too Large", 500: "500 Internal Server Error", 302: "302 Found"} {
		all := []int{status, status}
		telegram, _ := service(t, all...)
		hook, _ := service(t, all...)
		senders := New(Config{Telegram: telegram})
		errTelegram := send(t, senders, KindTelegram, note(), "token", "123456:secret-of-the-bot", "chat", "1")
		errHook := send(t, senders, KindWebhook, note(), "url", hook+"/secret-path/secret-too?key=secret-key", "token", "secret-token")
		for _, err := range []error{errTelegram, errHook} {
			failure, ok := err.(*Failure) //nolint:errorlint // that is what is promised
			if !ok || !strings.Contains(failure.Sentence, want) || strings.Contains(failure.Sentence, "secret") || failure.Refused != (status == 413) {
				t.Errorf("%d: got %#v", status, err)
			}
		}
	}
	err := send(t, New(Config{Telegram: "http://127.0.0.1:1"}), KindTelegram, note(), "token", "123456:secret-of-the-bot", "chat", "1")
	if err == nil || err.Error() != "The connection was refused: nothing listens there." {
		t.Errorf("got %v", err)
	}
}

func TestSettingsAreJudged(t *testing.T) {
	for name, to := range map[string]Target{
		"unknown":          {Kind: "pigeon"},
		"unknown setting":  {Kind: KindNtfy, Settings: map[string]string{"topic": "x", "colour": "red"}},
		"no topic":         {Kind: KindNtfy},
		"line break":       {Kind: KindGotify, Settings: map[string]string{"server": "https://gotify.example.org", "token": "a\r\nb"}},
		"telegram token":   {Kind: KindTelegram, Settings: map[string]string{"token": "../../x", "chat": "1"}},
		"mail port":        {Kind: KindEmail, Settings: map[string]string{"host": "h", "port": "0", "from": "a@b.org", "to": "a@b.org"}},
		"mail recipients":  {Kind: KindEmail, Settings: map[string]string{"host": "h", "from": "a@b.org", "to": "nobody"}},
		"mail in clear":    {Kind: KindEmail, Settings: map[string]string{"host": "h", "security": "none", "user": "x", "from": "a@b.org", "to": "a@b.org"}},
		"local":            {Kind: KindEmail, Settings: map[string]string{"host": "192.168.1.1", "from": "a@b.org", "to": "a@b.org"}},
		"shoutrrr smtp":    {Kind: KindShoutrrr, Settings: map[string]string{"url": "smtp://u:p@host/?from=a@b.org&to=a@b.org"}},
		"shoutrrr mqtt":    {Kind: KindShoutrrr, Settings: map[string]string{"url": "mqtt://host/topic"}},
		"shoutrrr nothing": {Kind: KindShoutrrr, Settings: map[string]string{"url": "nothing"}},
		"ntfy port":        {Kind: KindNtfy, Settings: map[string]string{"topic": "x", "server": "https://ntfy.example.org:99999"}},
		"ntfy query":       {Kind: KindNtfy, Settings: map[string]string{"topic": "x", "server": "https://ntfy.example.org?x=1"}},
		"gotify port":      {Kind: KindGotify, Settings: map[string]string{"token": "x", "server": "https://gotify.example.org:0"}},
		"gotify fragment":  {Kind: KindGotify, Settings: map[string]string{"token": "x", "server": "https://gotify.example.org/#/"}},
		"webhook port":     {Kind: KindWebhook, Settings: map[string]string{"url": "https://example.org:99999/hook"}},
		"webhook name":     {Kind: KindWebhook, Settings: map[string]string{"url": "https://example..org/hook"}},
		"mail high port":   {Kind: KindEmail, Settings: map[string]string{"host": "h", "port": "99999", "from": "a@b.org", "to": "a@b.org"}},
		"mail host":        {Kind: KindEmail, Settings: map[string]string{"host": "smtp.example.org:587", "from": "a@b.org", "to": "a@b.org"}},
		"shoutrrr port":    {Kind: KindShoutrrr, Settings: map[string]string{"url": "gotify://gotify.example.org:99999/token"}},
		"shoutrrr custom":  {Kind: KindShoutrrr, Settings: map[string]string{"url": "generic+https://x.example.org"}},
	} {
		if _, err := New(Config{}).Complete(to); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}
