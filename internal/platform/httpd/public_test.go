package httpd

import (
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	for _, public := range []string{"8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.0.9", "198.17.0.1", "198.20.0.1",
		"2a00:1450::1", "2002:808:808::1", "2001::1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"} {
		if !Public(netip.MustParseAddr(public)) {
			t.Errorf("%s: got not public", public)
		}
	}
	for _, private := range []string{"0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.1.1", "172.16.0.1", "172.31.255.255",
		"192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.251", "240.0.0.1", "255.255.255.255",
		"::", "::1", "64:ff9b:1::1", "100::1", "2001:2::1", "2001:db8::1", "3fff::1", "5f00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "ff02::fb", "::ffff:192.168.1.1"} {
		if Public(netip.MustParseAddr(private)) {
			t.Errorf("%s: got public", private)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address: got public")
	}
}

func TestPublicAddress(t *testing.T) {
	var machine []netip.Addr
	for _, text := range []string{"127.0.0.1", "192.168.1.5", "::1", "fe80::1%eth0", "2a00:1450::5", "8.8.4.4"} {
		machine = append(machine, netip.MustParseAddr(text))
	}
	for _, c := range []struct {
		host  string
		addrs []netip.Addr
		want  string
	}{
		{"0.0.0.0", machine, "8.8.4.4"},
		{"0.0.0.0", machine[:5], ""}, // IPv6 is not listened on
		{"::", machine, "2a00:1450::5"},
		{"", machine, "2a00:1450::5"},
		{"", machine[:4], ""},
		{"127.0.0.1", machine, ""},
		{"192.168.1.5", machine, ""},
		{"2a00:1450::5", nil, "2a00:1450::5"},
		{"8.8.8.8", nil, "8.8.8.8"},
		{"nas.local", machine[1:2], ""},
		{"home.example.org", machine[5:], "8.8.4.4"},
	} {
		got, public := PublicAddress(c.host, c.addrs)
		if public != (c.want != "") || public && got.String() != c.want {
			t.Errorf("HOST=%q on %v: got %v %v, want %q", c.host, c.addrs, got, public, c.want)
		}
	}
}

func TestListensPublicly(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		if addr, public, err := ListensPublicly(t.Context(), host); err != nil || public {
			t.Errorf("%s: got %v %v (%v)", host, addr, public, err)
		}
	}
	if _, _, err := ListensPublicly(t.Context(), "0.0.0.0"); err != nil {
		t.Error(err)
	}
	if _, _, err := ListensPublicly(t.Context(), "no..name"); err == nil {
		t.Error("a name that is none: got no error")
	}
}
