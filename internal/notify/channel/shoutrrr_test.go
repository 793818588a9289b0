package channel

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
)

// addresses are shoutrrr's addresses as its documentation gives them, with secrets made up.
func addresses() map[string]string {
	return map[string]string{
		"bark":       "bark://:devicekey-secret@bark.example.org",
		"discord":    "discord://token-secret@1234567890",
		"generic":    "generic://hook.example.org/secret-path",
		"googlechat": "googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=secret-bar&token=secret-baz",
		"gotify":     "gotify://gotify.example.org/Aaaaaaaa.bbb.cc",
		"hangouts":   "hangouts://chat.googleapis.com/v1/spaces/FOO/messages?key=secret-bar&token=secret-baz",
		"ifttt":      "ifttt://key-secret/?events=event1&value1=x",
		"join":       "join://shoutrrr:key-secret@join/?devices=device1",
		"lark":       "lark://open.feishu.cn/token-secret?secret=secret-x",
		"matrix":     "matrix://user:pass-secret@matrix.example.org/?rooms=!roomID1",
		"mattermost": "mattermost://user@mattermost.example.org/token-secret/channel",
		"notifiarr":  "notifiarr://apikey-secret",
		"ntfy":       "ntfy://user:pass-secret@ntfy.example.org/topic",
		"opsgenie":   "opsgenie://api.opsgenie.com/token-secret",
		"pagerduty":  "pagerduty://events.pagerduty.com/eb243592faa24ba2a5511afdf565c889",
		"pushbullet": "pushbullet://o.5PCdqwfc5FQAcnTPkY5q3mvNkXbZnkbQ",
		"pushover":   "pushover://shoutrrr:token-secret@userkey/?devices=device1",
		"rocketchat": "rocketchat://user@rocketchat.example.org/token-secret/token-secret2/channel",
		"signal":     "signal://user:pass-secret@signal.example.org:8080/+1234567890/+0987654321",
		"slack":      "slack://hook:WNA3PBYV6-F20DUQND3RQ-Webc4MAvoacrpPakR8phF0zi@webhook",
		"teams":      "teams://?host=https%3A%2F%2Fprod-00.westus.logic.azure.com%3A443%2Fworkflows%2Fabc123%2Ftriggers%2Fmanual%2Fpaths%2Finvoke%3Fsig%3Dsecret",
		"telegram":   "telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw@telegram?chats=@channel",
		"twilio":     "twilio://ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:token-secret@+15551234567/+15559876543",
		"wecom":      "wecom://693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
		"zulip":      "zulip://bot@zulip.example.org:key-secret@zulip.example.org/?stream=stream&topic=topic",
	}
}

// counting counts requests and lets none out.
type counting struct{ n atomic.Int64 }

func (c *counting) RoundTrip(*http.Request) (*http.Response, error) {
	c.n.Add(1)
	return nil, errors.New("no way out")
}

// TestShoutrrrMakesEveryConnectionByOurClient holds the list of services against the library:
// each makes its requests by the client it is given, and by no other.
func TestShoutrrrMakesEveryConnectionByOurClient(t *testing.T) {
	var escaped atomic.Int64
	old := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = old })
	http.DefaultTransport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		escaped.Add(1)
		return nil, errors.New("escaped")
	}}
	for _, scheme := range schemes() {
		address, known := addresses()[scheme]
		if !known {
			t.Errorf("%s is not tried", scheme)
			continue
		}
		u, err := url.Parse(address)
		if err != nil {
			if u, err = url.Parse(strings.Replace(address, "bot@", "bot%40", 1)); err != nil {
				t.Fatal(err)
			}
		}
		client := &counting{}
		seen := &watched{ctx: t.Context(), next: client}
		err = useShoutrrr(&http.Client{Transport: seen}, u, note())
		if client.n.Load() == 0 || seen.what() == nil {
			t.Errorf("%s: got %d requests by our client, and %v, %v", scheme, client.n.Load(), err, seen.what())
		}
	}
	if escaped.Load() != 0 {
		t.Errorf("%d connections were made by another client", escaped.Load())
	}
	for _, scheme := range router.SupportedSchemas() {
		if !slices.Contains(schemes(), scheme) && !slices.Contains([]string{"logger", "mqtt", "mqtts", "smtp"}, scheme) {
			t.Errorf("the library has the service %s, of which nothing is said here", scheme)
		}
	}
}

func TestShoutrrrIsKeptFromTheOwnNetwork(t *testing.T) {
	address, calls := service(t)
	host := strings.TrimPrefix(address, "http://")
	senders := New(Config{})
	to := Target{Kind: KindShoutrrr, Settings: map[string]string{"url": "generic://" + host + "/secret-path?disabletls=yes"}}
	if _, err := senders.Send(t.Context(), to, note()); err == nil || !strings.Contains(err.Error(), "in your own network") || len(*calls) != 0 {
		t.Errorf("got %v and %d calls", err, len(*calls))
	}
	to.AllowLocal = true
	if _, err := senders.Send(t.Context(), to, note()); err != nil || len(*calls) != 1 || !strings.Contains(string((*calls)[0].body), "97 %") {
		t.Errorf("where it is allowed: got %v and %+v", err, *calls)
	}
	// A service that signs in while it begins.
	to = Target{Kind: KindShoutrrr, Settings: map[string]string{"url": "matrix://user:pass-secret@" + host + "/?rooms=!r&disableTLS=yes"}}
	if _, err := senders.Send(t.Context(), to, note()); err == nil || !strings.Contains(err.Error(), "in your own network") || len(*calls) != 1 {
		t.Errorf("matrix: got %v and %d calls", err, len(*calls))
	}
	refusing, _ := service(t, 403)
	to = Target{Kind: KindShoutrrr, AllowLocal: true, Settings: map[string]string{"url": "generic://" + strings.TrimPrefix(refusing, "http://") + "/secret-path?disabletls=yes"}}
	if _, err := senders.Send(t.Context(), to, note()); err == nil || err.Error() != "The service answered 403 Forbidden." {
		t.Errorf("got %v", err)
	}
	to.Settings["url"] = "discord://nonsense"
	if _, err := senders.Send(t.Context(), to, note()); err == nil || !strings.Contains(err.Error(), "does not understand this address") {
		t.Errorf("got %v", err)
	}
}
