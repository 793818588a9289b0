//go:build !linux && !darwin

package monitor

import (
	"fmt"
	"strings"

	psnet "github.com/shirou/gopsutil/v4/net"
)

// network sums the interfaces that are not plainly virtual.
func (s *source) network() ([]counters, error) {
	all, err := psnet.IOCounters(true)
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	var list []counters
	for _, n := range all {
		if strings.Contains(n.Name, "Loopback") || strings.HasPrefix(n.Name, "vEthernet") || strings.HasPrefix(n.Name, "isatap") {
			continue
		}
		list = append(list, counters{n.Name, n.BytesRecv, n.BytesSent})
	}
	return list, nil
}
