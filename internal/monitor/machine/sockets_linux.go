package machine

import (
	"path/filepath"
	"regexp"
	"strings"

	"homeserver/internal/monitor/metric"
)

// netstatFields are the counts of the network's protocols that node_exporter tells.
var netstatFields = regexp.MustCompile(`^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$`)

// splitName parts the names of /proc/net/snmp6 (Ip6InOctets) into protocol and field.
var splitName = regexp.MustCompile(`^(\D*6)(\w+)$`)

// Sockets reads what the network's protocols count: connections, errors, sockets in use. Only
// Prometheus is told of it, when it asks.
type Sockets struct {
	files  [5]procFile // netstat, snmp, snmp6, sockstat, sockstat6
	values present[socketCount]
}

// socketCount is one of them.
type socketCount struct {
	wanted bool
	value  float64
	raw    *RawSeries
}

// NewSockets makes the reader of the tree under root.
func NewSockets(root string, _ *metric.Registry) *Sockets {
	s := &Sockets{}
	for i, name := range [...]string{"netstat", "snmp", "snmp6", "sockstat", "sockstat6"} {
		s.files[i].path = filepath.Join(root, "proc/net", name)
	}
	return s
}

// Close lets go of the files.
func (s *Sockets) Close() {
	for i := range s.files {
		s.files[i].close()
	}
}

// Read reads the files. What a kernel does not have is left out.
func (s *Sockets) Read() error {
	s.values.begin()
	defer s.values.end()
	for i := range s.files {
		text, err := s.files[i].all()
		if err != nil {
			if i == 0 {
				return err
			}
			continue
		}
		switch i {
		case 0, 1:
			s.pairs(string(text))
		case 2:
			for line := range strings.Lines(string(text)) {
				fields := strings.Fields(line)
				if parts := splitName.FindStringSubmatch(fields[0]); parts != nil && len(fields) == 2 {
					s.set(parts[1]+"_"+parts[2], fields[1])
				}
			}
		default:
			s.sockstat(string(text))
		}
	}
	return nil
}

// pairs reads lines of names followed by lines of values: "Tcp: A B" and "Tcp: 1 2".
func (s *Sockets) pairs(text string) {
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(names) > 0 && len(names) == len(fields) && names[0] == fields[0] {
			for i := 1; i < len(fields); i++ {
				s.set(strings.TrimSuffix(names[0], ":")+"_"+names[i], fields[i])
			}
			names = nil
			continue
		}
		names = fields
	}
}

// sockstat reads "TCP: inuse 5 mem 2"; memory is counted in pages.
func (s *Sockets) sockstat(text string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		for i := 1; i+1 < len(fields); i += 2 {
			name := strings.TrimSuffix(fields[0], ":") + "_" + fields[i]
			one := s.values.get([]byte("sockstat "+name), func(string) socketCount {
				help := "Number of " + strings.TrimSuffix(fields[0], ":") + " sockets in state " + fields[i] + "."
				if name == "sockets_used" {
					help = "Number of IPv4 sockets in use."
				}
				return socketCount{wanted: true, raw: raw("node_sockstat_"+name, Gauge, help)}
			})
			one.value, _ = decimal([]byte(fields[i+1]))
			if fields[i] == "mem" {
				pages := s.values.get([]byte("sockstat "+name+"_bytes"), func(string) socketCount {
					return socketCount{wanted: true, raw: raw("node_sockstat_"+name+"_bytes", Gauge, "Number of "+strings.TrimSuffix(fields[0], ":")+" sockets in state mem_bytes.")}
				})
				pages.value = one.value * pageSize
			}
		}
	}
}

func (s *Sockets) set(name, value string) {
	one := s.values.get([]byte(name), func(string) socketCount {
		if !netstatFields.MatchString(name) {
			return socketCount{}
		}
		return socketCount{wanted: true, raw: raw("node_netstat_"+name, Untyped, "Statistic "+strings.ReplaceAll(name, "_", "")+".")}
	})
	if one.wanted {
		one.value, _ = decimal([]byte(value))
	}
}

// Emit says what was counted.
func (s *Sockets) Emit(to *Batch) {
	s.values.each(func(one *socketCount) {
		if one.wanted {
			to.AddRaw(one.raw, one.value)
		}
	})
}
