package outward

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestAddressesAreJudged(t *testing.T) {
	d := New(Config{Interfaces: func() ([]netip.Prefix, error) {
		return []netip.Prefix{netip.MustParsePrefix("198.41.0.4/24"), netip.MustParsePrefix("2a02:8109:1:2::5/64"), netip.MustParsePrefix("192.168.1.7/24")}, nil
	}})
	const never, own, public = "which no service can have", "in your own network", ""
	for address, want := range map[string]string{
		"1.1.1.1": public, "2606:4700::1111": public, "198.41.0.5": public, "2a02:8109:1:3::1": public, "64:ff9b::101:101": public, "2002:101:101::1": public,
		"127.0.0.1": own, "::1": own, "10.1.2.3": own, "172.16.0.1": own, "192.168.1.1": own, "100.64.0.1": own, "fd12::1": own, "198.18.0.1": own, "::ffff:127.0.0.1": own, "::ffff:10.0.0.1": own,
		"198.41.0.4": own, "2a02:8109:1:2::5": own, "2a02:8109:1:2:aaaa::1": own, "64:ff9b::c0a8:101": own, "2002:c0a8:101::1": own, "::192.168.1.1": own,
		"0.0.0.0": never, "::": never, "0.1.2.3": never, "169.254.169.254": never, "fe80::1": never, "fe80::1%eth0": never, "224.0.0.1": never, "ff02::1": never, "255.255.255.255": never, "fd00:ec2::254": never,
		"100.100.100.200": never, "168.63.129.16": never, "192.0.0.192": never, "::ffff:169.254.169.254": never, "64:ff9b::a9fe:a9fe": never,
	} {
		err := d.Judge(netip.MustParseAddr(address), false)
		if want == public && err != nil || want != public && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", address, err, want)
		}
		if err := d.Judge(netip.MustParseAddr(address), true); (err != nil) != (want == never) {
			t.Errorf("%s where local addresses are allowed: got %v", address, err)
		}
	}
}

// TestTheAddressIsJudgedWhereTheConnectionIsMade uses a name that leads inwards: the text of the
// address shows nothing of it.
func TestTheAddressIsJudgedWhereTheConnectionIsMade(t *testing.T) {
	called := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	defer inside.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	address := "http://localhost:" + port
	d := New(Config{})
	if err := d.CheckURL("The address", address, false); err != nil {
		t.Fatal(err)
	}
	_, err := d.Call(t.Context(), false, "POST", address, nil, nil)
	if err == nil || !strings.Contains(Sentence(err), "in your own network, so nothing was sent") || called != 0 {
		t.Errorf("got %v and %d calls", err, called)
	}
	if answer, err := d.Call(t.Context(), true, "POST", address, nil, nil); err != nil || answer.Status != 200 || called != 1 {
		t.Errorf("where it is allowed: got %v %v", answer, err)
	}
}

func TestRedirectsLeadNowhereElse(t *testing.T) {
	stolen := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen++ }))
	defer other.Close()
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), http.StatusTemporaryRedirect)
		case "/within":
			http.Redirect(w, r, "/here", http.StatusPermanentRedirect)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusTemporaryRedirect)
		default:
			_, _ = w.Write(body)
		}
	}))
	defer first.Close()
	d := New(Config{})
	_, err := d.Call(t.Context(), true, "POST", first.URL+"/away", http.Header{"X-Gotify-Key": {"secret"}}, nil)
	if err == nil || !strings.Contains(Sentence(err), "sends the request on to localhost") || stolen != 0 {
		t.Errorf("to another host: got %v", err)
	}
	if _, err := d.Call(t.Context(), true, "POST", first.URL+"/round", nil, nil); err == nil || !strings.Contains(Sentence(err), "in circles") {
		t.Errorf("in circles: got %v", err)
	}
	if answer, err := d.Call(t.Context(), true, "POST", first.URL+"/within", nil, []byte("whole")); err != nil || string(answer.Body) != "whole" {
		t.Errorf("within: got %s %v", answer.Body, err)
	}
}

func TestTheProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	proxied := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied++ }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	if _, err := New(Config{}).Call(t.Context(), false, "GET", "http://192.168.254.254/", nil, nil); err == nil || proxied != 0 {
		t.Errorf("got %v through the proxy", err)
	}
}

func TestSentencesHideTheAddress(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := New(Config{}).Call(ctx, true, "GET", "http://127.0.0.1:1/bot-secret-token", nil, nil)
	if sentence := Sentence(err); sentence == "" || strings.Contains(sentence, "secret") {
		t.Errorf("got %q", sentence)
	}
	if err := New(Config{}).CheckURL("The address", "http://user:pass@example.org/", false); err == nil {
		t.Error("a name and password in an address were taken")
	}
	for _, address := range []string{"file:///etc/passwd", "gopher://x/", "http://", "//x", "http://10.0.0.1/", "http://[::1]/"} {
		if err := New(Config{}).CheckURL("The address", address, false); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}
