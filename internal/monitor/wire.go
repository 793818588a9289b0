package monitor

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// gigabyte is the GB of the API: 1024^3 bytes, as in the original.
const gigabyte = 1 << 30

// Decimals of the API, rounded when encoding and not before.
const (
	percentDecimals = 1
	gbDecimals      = 2
	libraryDecimals = 4 // total_size_gb
	uptimeDecimals  = 1
	loadDecimals    = 2
)

// System is the machine as clients see it. The first eight fields are the original's.
type System struct {
	CPUPercent    float64 `json:"cpu_percent" example:"12.5" doc:"Share of processor time in use since the sample before, in percent"`
	MemoryPercent float64 `json:"memory_percent" example:"41.3" doc:"Memory in use, in percent of the total"`
	MemoryUsedGB  float64 `json:"memory_used_gb" example:"6.61" doc:"Total less available memory, in GB (1024^3 bytes)"`
	MemoryTotalGB float64 `json:"memory_total_gb" example:"16" doc:"Main memory in GB"`
	DiskPercent   float64 `json:"disk_percent" example:"26.3" doc:"Used in percent of used and available, as df shows it, of the file system that holds the files"`
	DiskUsedGB    float64 `json:"disk_used_gb" example:"23.96" doc:"Used in GB"`
	DiskTotalGB   float64 `json:"disk_total_gb" example:"251.97" doc:"Size in GB"`
	DiskFreeGB    float64 `json:"disk_free_gb" example:"67.12" doc:"Available to users in GB"`

	Load1       *float64 `json:"load_1" example:"0.52" doc:"Mean run queue of 1 minute; null where the platform has none"`
	Load5       *float64 `json:"load_5" example:"0.48" doc:"Mean run queue of 5 minutes"`
	Load15      *float64 `json:"load_15" example:"0.4" doc:"Mean run queue of 15 minutes"`
	CPUCount    *int     `json:"cpu_count" example:"8" doc:"Processors online"`
	SwapUsedGB  *float64 `json:"swap_used_gb" example:"0" doc:"Swap in use in GB"`
	SwapTotalGB *float64 `json:"swap_total_gb" example:"2" doc:"Swap in GB"`
	DiskRead    *float64 `json:"disk_read_bytes_per_second" example:"104857" doc:"Read from all disks, in bytes per second; null through a gap"`
	DiskWrite   *float64 `json:"disk_write_bytes_per_second" example:"2097152" doc:"Written to all disks, in bytes per second"`
	NetReceived *float64 `json:"network_received_bytes_per_second" example:"52428" doc:"Received by all network cards, in bytes per second"`
	NetSent     *float64 `json:"network_sent_bytes_per_second" example:"8192" doc:"Sent by all network cards, in bytes per second"`
	Scope       string   `json:"scope" enum:"host,container" example:"host" doc:"Whose processor and memory figures these are: a container usually sees its host's"`
	Stale       []string `json:"stale,omitempty" nullable:"false" example:"[\"disk\"]" doc:"Figures that could not be measured just now and show the last known value: cpu, memory, disk"`
}

// Storage is the library as clients see it.
type Storage struct {
	TotalFiles  int64   `json:"total_files" example:"31" doc:"Files in the library"`
	TotalSizeGB float64 `json:"total_size_gb" example:"0.0213" doc:"Their size in GB (1024^3 bytes)"`
	TotalBytes  int64   `json:"total_size_bytes" example:"22870523" doc:"Their size in bytes"`
	StoragePath string  `json:"storage_path" example:"/data/storage" doc:"Directory that holds them"`
}

// HostInfo says which machine the figures belong to.
type HostInfo struct {
	Hostname     string `json:"hostname" example:"attic" doc:"Name of the machine"`
	OS           string `json:"os" example:"linux" doc:"Operating system"`
	Platform     string `json:"platform" example:"Debian GNU/Linux 12 (bookworm)" doc:"Distribution or release"`
	Kernel       string `json:"kernel" example:"6.1.0-28-amd64" doc:"Release of the kernel"`
	Architecture string `json:"architecture" example:"amd64" doc:"Kind of processor"`
	Container    bool   `json:"container" example:"false" doc:"Whether the server runs in a container"`
	ScopeNote    string `json:"scope_note" example:"These are the figures of the machine that HomeServer runs on." doc:"One sentence saying whose numbers these are"`
}

// Dashboard is everything at one moment; the WebSocket sends it every 2 s.
type Dashboard struct {
	System        System    `json:"system"`
	Storage       Storage   `json:"storage"`
	UptimeSeconds float64   `json:"uptime_seconds" example:"741.9" doc:"Seconds since the server started"`
	SampledAt     time.Time `json:"sampled_at" example:"2026-11-24T10:00:02Z" doc:"When the system figures were measured"`
	Host          HostInfo  `json:"host"`
}

// Recent is the last minutes, column by column; position i of each belongs to time[i].
type Recent struct {
	IntervalSeconds int     `json:"interval_seconds" example:"2" doc:"Time between two samples"`
	Time            []int64 `json:"time" nullable:"false" example:"[1795514400000,1795514402000]" doc:"When each sample was taken, in milliseconds since 1970"`
	CPUPercent      column  `json:"cpu_percent" doc:"Processor time in use, in percent"`
	MemoryPercent   column  `json:"memory_percent" doc:"Memory in use, in percent"`
	DiskPercent     column  `json:"disk_percent" doc:"Disk in use, in percent"`
	DiskRead        column  `json:"disk_read_bytes_per_second" doc:"Read from all disks"`
	DiskWrite       column  `json:"disk_write_bytes_per_second" doc:"Written to all disks"`
	NetReceived     column  `json:"network_received_bytes_per_second" doc:"Received by all network cards"`
	NetSent         column  `json:"network_sent_bytes_per_second" doc:"Sent by all network cards"`
}

// column is one chart's values. A gap (NaN) is null.
type column []float32

// MarshalJSON writes one decimal at most and null for a gap.
func (c column) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 2+8*len(c))
	out = append(out, '[')
	for i, v := range c {
		if i > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(float64(v)) {
			out = append(out, "null"...)
			continue
		}
		out = strconv.AppendFloat(out, round(float64(v), percentDecimals), 'f', -1, 64)
	}
	return append(out, ']'), nil
}

// Schema describes a column to the API description.
func (c column) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Examples: []any{[]any{12.5, nil}},
		Items: &huma.Schema{Type: huma.TypeNumber, Nullable: true, Description: "null is a gap: not measured"}}
}

// system rounds a snapshot for clients.
func system(s *Snapshot) System {
	out := System{
		CPUPercent:    round(s.CPU, percentDecimals),
		MemoryPercent: round(s.Memory.percent(), percentDecimals),
		MemoryUsedGB:  gb(s.Memory.used()), MemoryTotalGB: gb(s.Memory.Total),
		DiskPercent: round(s.Disk.percent(), percentDecimals),
		DiskUsedGB:  gb(s.Disk.Used), DiskTotalGB: gb(s.Disk.Total), DiskFreeGB: gb(s.Disk.Free),
		Load1: known(s.Load.One, loadDecimals), Load5: known(s.Load.Five, loadDecimals), Load15: known(s.Load.Fifteen, loadDecimals),
		DiskRead: known(s.DiskRead, 0), DiskWrite: known(s.DiskWrite, 0),
		NetReceived: known(s.NetReceived, 0), NetSent: known(s.NetSent, 0),
		Scope: s.Host.Scope, Stale: s.Stale,
	}
	if s.Host.CPUs > 0 {
		out.CPUCount = &s.Host.CPUs
	}
	if s.fresh(nameMemory) {
		used, total := gb(s.Memory.SwapTotal-min(s.Memory.SwapFree, s.Memory.SwapTotal)), gb(s.Memory.SwapTotal)
		out.SwapUsedGB, out.SwapTotalGB = &used, &total
	}
	return out
}

// storage asks the library for its size of this very moment.
func (m *Monitor) storage() Storage {
	files, bytes := m.usage()
	return Storage{TotalFiles: files, TotalSizeGB: round(float64(bytes)/gigabyte, libraryDecimals), TotalBytes: bytes, StoragePath: m.config.StoragePath}
}

// dashboard joins a snapshot with what is true this very moment.
func (m *Monitor) dashboard(s *Snapshot) Dashboard {
	h := s.Host
	return Dashboard{
		System: system(s), Storage: m.storage(), SampledAt: s.At,
		UptimeSeconds: round(time.Since(m.config.Started).Seconds(), uptimeDecimals),
		Host: HostInfo{Hostname: h.Hostname, OS: h.OS, Platform: h.Platform, Kernel: h.Kernel, Architecture: h.Architecture,
			Container: h.Container, ScopeNote: h.Note},
	}
}

// frame encodes the dashboard for the live feed.
func (m *Monitor) frame(s *Snapshot) []byte {
	encoded, err := json.Marshal(m.dashboard(s))
	if err != nil {
		m.log.Error("cannot encode the dashboard", "error", err)
		return nil
	}
	return encoded
}

// round keeps so many decimals.
func round(x float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(x*scale) / scale
}

func gb(bytes uint64) float64 { return round(float64(bytes)/gigabyte, gbDecimals) }

// known rounds x, nil for NaN.
func known(x float64, decimals int) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	x = round(x, decimals)
	return &x
}
