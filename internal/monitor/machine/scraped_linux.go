package machine

import "homeserver/internal/monitor/metric"

// Scraped makes the questions that are asked when Prometheus asks, and at no other time: what only
// it is told, and once more, by readers of their own, what counts. A rate is worked out from two
// counts and the times of two scrapes, so a count that is some seconds old makes a wrong one. They
// read the kernel's own files only, which do not hang: a file system, a disk or a tool is never
// asked for a scrape.
func Scraped(root string, metrics *metric.Registry) []Question {
	list := []Question{
		{Name: "cpu", Reader: NewCPU(root, metrics)},
		{Name: "memory", Reader: NewMemory(root, metrics)},
		{Name: "load", Reader: NewLoad(root, metrics)},
		{Name: "disk throughput", Reader: NewDisks(root, metrics)},
		{Name: "network", Reader: NewNetwork(root, metrics)},
		{Name: "pressure", Reader: NewPressure(root, metrics)},
		{Name: "uptime", Reader: NewUptime(root, metrics)},
		{Name: "server", Reader: NewServer(root, metrics)},
		{Name: "sockets", Reader: NewSockets(root, metrics)},
		{Name: "names", Reader: NewNames(root, metrics)},
	}
	for _, one := range []struct {
		name string
		look func(*told) error
	}{
		{"neighbours", neighbours}, {"connections", connections}, {"packets", packets}, {"waiting datagrams", waitingDatagrams}, {"strays", strays},
		{"randomness", randomness}, {"clock sources", clockSources}, {"process limits", ownLimits}, {"scheduler", scheduler}, {"frequencies", frequencies}, {"throttles", throttles},
		{"cooling", cooling}, {"chips", chips}, {"arrays", arrays}, {"memory errors", memoryErrors}, {"energy", energy}, {"bonds", bonds}, {"ZFS", zfsCounts},
	} {
		list = append(list, Question{Name: one.name, Reader: &told{root: root, look: one.look}})
	}
	for i := range list {
		list[i].Class = EveryTick // it is waited for
	}
	return list
}
