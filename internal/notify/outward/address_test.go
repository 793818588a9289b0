package outward

import (
	"strings"
	"testing"

	"homeserver/internal/platform/errs"
)

// TestImpossibleAddresses: what nothing can ever be at is refused before it is kept, in a sentence.
func TestImpossibleAddresses(t *testing.T) {
	d := New(Config{})
	const none, port, name = "is not an address such as", "; ports are from 1 to 65535.", "is neither a name"
	for address, want := range map[string]string{
		"https://example.org": "", "https://example.org/a?b=c#d": "", "https://example.org.": "", "http://nas": "", "http://my_box-2:8080/x": "", "https://bücher.example:443": "",
		"https://example.org:": "", "https://example.org:65535": "", "http://192.168.1.7:1": "", "http://[fd12::1]:8080": "", "https://xn--bcher-kva.example": "", "https://4chan.example.1a": "",
		"":                                              none,
		"example.org":                                   none,
		"ftp://example.org":                             none,
		"https://":                                      none,
		"https:///path":                                 none,
		"https://exam ple.org":                          none,
		"https://example.org:http":                      none,
		"https://example.org:-1":                        none,
		"https://[fd12::1":                              none,
		"https://user:pass@example.org":                 "holds a name or password",
		"https://example.org:99999":                     port,
		"https://example.org:65536/path":                port,
		"https://example.org:0":                         port,
		"http://192.168.1.7:70000":                      port,
		"http://[fd12::1]:123456789012345":              port,
		"https://example..org":                          name,
		"https://.example.org":                          name,
		"https://..":                                    name,
		"https://exam!ple.org":                          name,
		"https://*.example.org":                         name,
		"https://256.1.1.1":                             name,
		"https://1.2.3.4.5":                             name,
		"https://127.1":                                 name,
		"https://0x7f000001":                            name,
		"https://2130706433:80":                         name,
		"https://" + strings.Repeat("a", 64) + ".org":   name,
		"https://" + strings.Repeat("abc.", 64) + "org": name,
	} {
		err := d.CheckURL("The address", address, true)
		if want == "" && err != nil || want != "" && (!errs.Is(err, errs.Invalid) || !strings.Contains(errs.Detail(err), want)) {
			t.Errorf("%s: got %v, want %q", address, err, want)
		}
	}
	for host, fine := range map[string]bool{"smtp.example.org": true, "192.168.1.7": true, "fd12::1": true, "smtp.example.org:587": false, "https:": false, "a b": false} {
		if err := d.JudgeHost(host, true); (err == nil) != fine {
			t.Errorf("%s: got %v", host, err)
		}
	}
}
