package machine

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

// ipLink is an interface as ip(8) shows it.
type ipLink struct {
	Name  string `json:"ifname"`
	State string `json:"operstate"`
	MTU   float64
	Index int `json:"ifindex"`
	Stats struct {
		RX, TX ipCounts
	} `json:"stats64"`
}

type ipCounts struct {
	Bytes, Packets, Errors, Dropped float64
	Missed                          float64 `json:"missed_errors"`
}

// ipLinks asks ip(8).
func ipLinks(t *testing.T) (list []ipLink) {
	t.Helper()
	if err := json.Unmarshal([]byte(output(t, "ip", "-s", "-s", "-j", "link")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("ip shows no interface")
	}
	return list
}

// counts are those of an interface under node_exporter's names.
func (i ipLink) counts() map[string]float64 {
	return map[string]float64{
		"receive_bytes": i.Stats.RX.Bytes, "receive_packets": i.Stats.RX.Packets, "receive_errs": i.Stats.RX.Errors, "receive_drop": i.Stats.RX.Dropped + i.Stats.RX.Missed,
		"transmit_bytes": i.Stats.TX.Bytes, "transmit_packets": i.Stats.TX.Packets, "transmit_errs": i.Stats.TX.Errors, "transmit_drop": i.Stats.TX.Dropped,
	}
}

// TestMatchesIP: what each interface carried as ip(8) shows it just before and just after, and its state.
func TestMatchesIP(t *testing.T) {
	metrics := metric.New()
	n := NewNetwork("/", metrics)
	defer n.Close()
	before := map[string]map[string]float64{}
	for _, i := range ipLinks(t) {
		before[i.Name] = i.counts()
	}
	_, got := emitted(t, n)
	_, links := emitted(t, NewLinks("/", metrics))
	for _, i := range ipLinks(t) {
		labels := "{" + Labels("device", i.Name) + "}"
		for what, most := range i.counts() {
			if v := got["node_network_"+what+"_total"+labels]; v < before[i.Name][what] || v > most {
				t.Errorf("%s %s: got %v, ip says %v and then %v", i.Name, what, v, before[i.Name][what], most)
			}
		}
		within(t, i.Name+" MTU", links["node_network_mtu_bytes"+labels], i.MTU, 0)
		within(t, i.Name+" state", links["node_network_up"+labels], truth(i.State == "UP"), 0)
	}
}

// ownNetwork marks the copy of the test that runs in a network of its own, in which nobody else says
// anything.
const ownNetwork = "HOMESERVER_TEST_OWN_NETWORK"

// TestTrafficMatchesIP: what went over a link between two looks is exactly what ip(8) counted, of bytes,
// packets and what was dropped, in both directions.
func TestTrafficMatchesIP(t *testing.T) {
	if os.Getenv(ownNetwork) != "" {
		trafficMatchesIP(t)
		return
	}
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--net", os.Args[0], "-test.run=^TestTrafficMatchesIP$", "-test.v")
	cmd.Env = append(os.Environ(), ownNetwork+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestTrafficMatchesIP") {
		t.Errorf("%v\n%s", err, out)
	}
}

func trafficMatchesIP(t *testing.T) {
	output(t, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
	for _, name := range []string{"eth0", "eth1"} {
		output(t, "ip", "link", "set", name, "addrgenmode", "none", "up") // no neighbours are looked for
	}
	n := NewNetwork("/", metric.New())
	defer n.Close()
	first := ipLinks(t)
	emitted(t, n)
	index := map[string]int{}
	for _, i := range first {
		index[i.Name] = i.Index
	}
	send(t, index["eth0"], 50, 1000)
	send(t, index["eth1"], 7, 300)
	var last []ipLink
	for now := ipLinks(t); !reflect.DeepEqual(now, last); now = ipLinks(t) {
		last = now // until all has arrived
	}
	got, _ := emitted(t, n)
	compareTraffic(t, first, last, got, n.clock.seconds())
}

// compareTraffic holds the rates over so many seconds against what ip counted before and after.
func compareTraffic(t *testing.T, before, now []ipLink, got map[string]float64, seconds float64) {
	t.Helper()
	carried := 0.0
	for i := range now {
		if now[i].Name == "lo" {
			continue
		}
		old := before[i].counts()
		for what, count := range now[i].counts() {
			name := map[string]string{
				"receive_bytes": metric.NetworkReceivedBytesPerSecond, "receive_packets": metric.NetworkReceivedPacketsPerSecond, "receive_errs": metric.NetworkReceiveErrorsPerSecond,
				"receive_drop": metric.NetworkReceiveDropsPerSecond, "transmit_bytes": metric.NetworkSentBytesPerSecond, "transmit_packets": metric.NetworkSentPacketsPerSecond,
				"transmit_errs": metric.NetworkSendErrorsPerSecond, "transmit_drop": metric.NetworkSendDropsPerSecond,
			}[what]
			carried += count - old[what]
			within(t, now[i].Name+" "+what, got[metric.Key(name, now[i].Name)]*seconds, count-old[what], 1e-6)
		}
	}
	if carried < 50*1000+7*300 {
		t.Errorf("only %v was carried", carried)
	}
}

// send sends frames that nobody understands, and so are dropped where they arrive.
func send(t *testing.T, link, frames, size int) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	frame := make([]byte, size)
	copy(frame, "\xff\xff\xff\xff\xff\xff")
	binary.BigEndian.PutUint16(frame[12:], 0x88b5) // for experiments (IEEE 802)
	for range frames {
		if err := unix.Sendto(socket, frame, 0, &unix.SockaddrLinklayer{Ifindex: link}); err != nil {
			t.Fatal(err)
		}
	}
}
