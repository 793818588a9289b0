package monitor

import (
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

// network reads the counts of the network cards (en0, en1 ...). Virtual machines' and
// AirDrop's interfaces (vmenet, awdl, llw, anpi, ap) ride on those.
func (s *source) network() ([]counters, error) {
	raw, err := unix.SysctlRaw("net", unix.AF_ROUTE, 0, 0, unix.NET_RT_IFLIST2, 0)
	if err != nil {
		return nil, fmt.Errorf("interface list: %w", err)
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	names := make(map[int]string, len(interfaces))
	for _, i := range interfaces {
		names[i.Index] = i.Name
	}
	return parseInterfaceList(raw, func(index int) (string, bool) {
		name := names[index]
		return name, strings.HasPrefix(name, "en")
	})
}
