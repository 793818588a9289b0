package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// neighbours counts the addresses that the machine knows on its own networks.
func neighbours(t *told) error {
	lines, err := t.lines("proc/net/arp")
	if err != nil {
		return err
	}
	entries := map[string]float64{}
	for _, fields := range lines[min(1, len(lines)):] { // after the heading
		if len(fields) > 0 {
			entries[fields[len(fields)-1]]++
		}
	}
	for device, n := range entries {
		t.add("node_arp_entries", Gauge, "ARP entries by device", n, "device", device)
	}
	return nil
}

// conntrackHelp are the columns of /proc/net/stat/nf_conntrack that node_exporter tells.
var conntrackHelp = map[string]string{
	"found": "Number of searched entries which were successful.", "invalid": "Number of packets seen which can not be tracked.",
	"ignore": "Number of packets seen which are already connected to a conntrack entry.", "insert": "Number of entries inserted into the list.",
	"insert_failed": "Number of entries for which list insertion was attempted but failed.", "drop": "Number of packets dropped due to conntrack failure.",
	"early_drop":     "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
	"search_restart": "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
}

// connections counts those that the firewall follows.
func connections(t *told) error {
	now, ok := t.number("proc/sys/net/netfilter/nf_conntrack_count")
	most, known := t.number("proc/sys/net/netfilter/nf_conntrack_max")
	if !ok || !known {
		return fmt.Errorf("no connections are followed: %w", ErrUnsupported)
	}
	t.add("node_nf_conntrack_entries", Gauge, "Number of currently allocated flow entries for connection tracking.", now)
	t.add("node_nf_conntrack_entries_limit", Gauge, "Maximum size of connection tracking table.", most)
	lines, err := t.lines("proc/net/stat/nf_conntrack")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // not every kernel has it
	}
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return nil
	}
	for column, name := range lines[0] {
		help, wanted := conntrackHelp[name]
		if !wanted {
			continue
		}
		sum, err := sumHex(lines[1:], column)
		if err != nil {
			return fmt.Errorf("nf_conntrack: %s: %w", name, err)
		}
		t.add("node_nf_conntrack_stat_"+name, Gauge, help, sum)
	}
	return nil
}

// sumHex adds a column of hexadecimal numbers up.
func sumHex(lines [][]string, column int) (sum float64, err error) {
	for _, fields := range lines {
		if column >= len(fields) {
			return 0, errors.New("a column is missing")
		}
		n, err := strconv.ParseUint(fields[column], 16, 64)
		if err != nil {
			return 0, err
		}
		sum += float64(n)
	}
	return sum, nil
}

// softnetColumns are those of /proc/net/softnet_stat; "" is one that is always 0. The last ones
// came with later kernels.
var softnetColumns = [...]struct {
	name, help string
	kind       RawType
}{
	{"processed_total", "Number of processed packets", Counter},
	{"dropped_total", "Number of dropped packets", Counter},
	{"times_squeezed_total", "Number of times processing packets ran out of quota", Counter},
	{}, {}, {}, {}, {},
	{"cpu_collision_total", "Number of collision occur while obtaining device lock while transmitting", Counter},
	{"received_rps_total", "Number of times cpu woken up received_rps", Counter},
	{"flow_limit_count_total", "Number of times flow limit has been reached", Counter},
	{"backlog_len", "Softnet backlog status", Gauge},
}

// softnetCPU is the column that tells which processor a line is of, on kernels that tell it.
const softnetCPU = 12

// packets counts what each processor took from the network cards.
func packets(t *told) error {
	lines, err := t.lines("proc/net/softnet_stat")
	if err != nil {
		return err
	}
	for i, fields := range lines {
		cpu := strconv.Itoa(i)
		if len(fields) > softnetCPU {
			n, err := strconv.ParseUint(fields[softnetCPU], 16, 32)
			if err != nil {
				return fmt.Errorf("softnet_stat: %w", err)
			}
			cpu = strconv.FormatUint(n, 10)
		}
		for column, of := range softnetColumns {
			if of.name == "" || column >= len(fields) {
				continue
			}
			n, err := strconv.ParseUint(fields[column], 16, 64)
			if err != nil {
				return fmt.Errorf("softnet_stat: %w", err)
			}
			t.add("node_softnet_"+of.name, of.kind, of.help, float64(n), "cpu", cpu)
		}
	}
	return nil
}

// waitingDatagrams adds up what waits in the queues of UDP sockets, in bytes.
func waitingDatagrams(t *told) error {
	for _, of := range [...]struct{ file, ip string }{{"udp", "v4"}, {"udp6", "v6"}} {
		lines, err := t.lines("proc/net/" + of.file)
		if err != nil {
			if of.ip == "v6" {
				continue // switched off
			}
			return err
		}
		var sent, received float64
		for _, fields := range lines[min(1, len(lines)):] {
			if len(fields) < 5 {
				return fmt.Errorf("%s: a line is too short", of.file)
			}
			tx, rx, _ := strings.Cut(fields[4], ":")
			out, err1 := strconv.ParseUint(tx, 16, 64)
			in, err2 := strconv.ParseUint(rx, 16, 64)
			if err := errors.Join(err1, err2); err != nil {
				return fmt.Errorf("%s: %w", of.file, err)
			}
			sent, received = sent+float64(out), received+float64(in)
		}
		const help = "Number of allocated memory in the kernel for UDP datagrams in bytes."
		t.add("node_udp_queues", Gauge, help, sent, "ip", of.ip, "queue", "tx")
		t.add("node_udp_queues", Gauge, help, received, "ip", of.ip, "queue", "rx")
	}
	return nil
}

// strays counts packets that came to an interface that takes none.
func strays(t *told) error {
	for _, file := range t.glob("sys/class/net/*/statistics/rx_nohandler") {
		if n, ok := t.number(file); ok {
			t.add("node_network_receive_nohandler_total", Counter, "Network device statistic receive_nohandler.", n, "device", strings.Split(file, "/")[3])
		}
	}
	return nil
}

// bonds counts the interfaces of each bond, and those that are up.
func bonds(t *told) error {
	masters := strings.Fields(readText(t.path("sys/class/net/bonding_masters")))
	if len(masters) == 0 {
		return fmt.Errorf("no interfaces are bonded: %w", ErrUnsupported)
	}
	for _, master := range masters {
		slaves := strings.Fields(readText(t.path("sys/class/net/" + master + "/bonding/slaves")))
		active := 0.0
		for _, slave := range slaves {
			for _, folder := range [...]string{"lower_", "slave_"} { // by the kernel's age
				if readText(t.path("sys/class/net/"+master+"/"+folder+slave+"/bonding_slave/mii_status")) == "up" {
					active++
					break
				}
			}
		}
		t.add("node_bonding_slaves", Gauge, "Number of configured slaves per bonding interface.", float64(len(slaves)), "master", master)
		t.add("node_bonding_active", Gauge, "Number of active slaves per bonding interface.", active, "master", master)
	}
	return nil
}
