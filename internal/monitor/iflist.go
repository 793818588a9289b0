package monitor

import (
	"encoding/binary"
	"fmt"
)

// What of macOS' interface list (sysctl NET_RT_IFLIST2, <net/if.h> and <net/route.h>) is read.
const (
	ifMessage      = 0x12 // RTM_IFINFO2: an interface with 64-bit counts
	ifMessageBytes = 112  // up to and with the bytes sent
	ifTypeOffset   = 32   // kind of interface, first byte of if_data64
	ifIndexOffset  = 12
	ifInOffset     = 96  // bytes received
	ifOutOffset    = 104 // bytes sent
	ifTypeEthernet = 0x06
)

// parseInterfaceList reads the interface list of macOS, which is cheap, where `netstat` as
// others run it is a process each time. Wired and wireless cards are Ethernet to macOS;
// loopback, tunnels and bridges are not and would count traffic twice. name tells an
// interface's name by its index, and whether it counts.
func parseInterfaceList(raw []byte, name func(index int) (string, bool)) ([]counters, error) {
	var list []counters
	for len(raw) > 0 {
		if len(raw) < 4 {
			return nil, fmt.Errorf("interface list: %d bytes too many", len(raw))
		}
		size := int(binary.LittleEndian.Uint16(raw))
		if size < 4 || size > len(raw) {
			return nil, fmt.Errorf("interface list: a message of %d bytes in the last %d", size, len(raw))
		}
		message := raw[:size]
		raw = raw[size:]
		if message[3] != ifMessage || size < ifMessageBytes || message[ifTypeOffset] != ifTypeEthernet {
			continue
		}
		label, ok := name(int(binary.LittleEndian.Uint16(message[ifIndexOffset:])))
		if !ok {
			continue
		}
		list = append(list, counters{label,
			binary.LittleEndian.Uint64(message[ifInOffset:]), binary.LittleEndian.Uint64(message[ifOutOffset:])})
	}
	return list, nil
}
