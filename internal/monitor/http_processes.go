package monitor

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"homeserver/internal/monitor/machine"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// processesInput is the query of GET /processes.
type processesInput struct {
	Sort  string    `query:"sort" default:"cpu" enum:"cpu,memory,io" doc:"Which come first"`
	Limit int       `query:"limit" default:"20" minimum:"1" maximum:"200" doc:"How many"`
	At    time.Time `query:"at" doc:"Those that were frozen near this moment, when an alert was raised; now if left out"`
}

type processesBody struct {
	At        time.Time     `json:"at" doc:"When they were looked at; year 1 when none were kept near the moment asked for"`
	Seconds   float64       `json:"seconds" example:"1.002" doc:"Between the two looks that rates were measured by"`
	Count     int           `json:"count" example:"312" doc:"How many there are in all"`
	Frozen    bool          `json:"frozen" doc:"Whether these are those that are kept when an alert is raised"`
	Processes []processInfo `json:"processes" nullable:"false"`
}

type processInfo struct {
	PID         int      `json:"pid" example:"4711"`
	Parent      int      `json:"parent" example:"1" doc:"The process that started it"`
	Name        string   `json:"name" example:"postgres" doc:"Its program"`
	User        string   `json:"user" example:"postgres" doc:"Whom it belongs to"`
	State       string   `json:"state" example:"S" doc:"R running, S sleeping, D waiting for a disk, T stopped, Z ended but not fetched; empty where not known"`
	Threads     int      `json:"threads" example:"8"`
	CPUPercent  *float64 `json:"cpu_percent" example:"3.2" doc:"Processor time between the two looks; 100 is one core. null when it had just begun"`
	MemoryBytes uint64   `json:"memory_bytes" example:"52428800" doc:"Resident memory"`
	Read        *float64 `json:"read_bytes_per_second" example:"4096" doc:"Read from disks; null where the server may not know"`
	Written     *float64 `json:"write_bytes_per_second" example:"8192" doc:"Written to disks; null where the server may not know"`
	CommandLine string   `json:"command_line,omitempty" example:"postgres: writer" doc:"How it was started; for administrators who signed in or whose token may manage, as it may hold secrets"`
}

// processRoutes mounts the list of processes.
func (m *Monitor) processRoutes(r *httpd.Router) {
	httpd.Register(r, describe("/processes", "list-processes", "Processes",
		"The processes that use most of the processor, of memory or of disks. They are looked at only while somebody asks; whoever asks first waits a second, in which rates are measured. "+
			"Command lines are shown to administrators only, not to tokens that only read, and to nobody where nobody is asked who they are. "+
			"When an alert is raised the foremost are kept: `at` asks for those of up to 5 minutes around. Where there are none the list is empty."), m.getProcesses)
}

func (m *Monitor) getProcesses(ctx context.Context, in *processesInput) (*answer[processesBody], error) {
	if !in.At.IsZero() {
		return m.frozen(ctx, in)
	}
	top, err := m.TopProcesses(ctx, ProcessOrder(in.Sort), in.Limit)
	if err != nil {
		return nil, err
	}
	body := processesBody{At: top.At.UTC(), Seconds: top.Seconds, Count: top.Count, Processes: make([]processInfo, 0, len(top.List))}
	all := seesCommandLines(identity.From(ctx))
	for _, p := range top.List {
		one := infoOf(p)
		if all {
			one.CommandLine = m.processes.reader.CommandLine(p.PID)
		}
		body.Processes = append(body.Processes, one)
	}
	return answerOf(body), nil
}

// seesCommandLines reports whether command lines, which may hold secrets, are for p: for administrators
// who are known to be one, and not by a token that may do less.
func seesCommandLines(p identity.Principal) bool {
	return identity.Refusal(p, identity.ManageMonitoring) == nil && p.Method != identity.None
}

// infoOf is a process as clients see it, without its command line.
func infoOf(p machine.Process) processInfo {
	return processInfo{PID: p.PID, Parent: p.Parent, Name: p.Name, User: p.User, State: p.State, Threads: p.Threads, MemoryBytes: p.MemoryBytes,
		CPUPercent: known(p.CPUPercent, percentDecimals), Read: known(p.ReadBytesPerSecond, 0), Written: known(p.WriteBytesPerSecond, 0)}
}

// frozen answers with what was kept near a moment.
func (m *Monitor) frozen(ctx context.Context, in *processesInput) (*answer[processesBody], error) {
	h, err := m.long(ctx)
	if err != nil {
		return nil, err
	}
	list, err := h.Frozen(ctx, in.At, frozenNear)
	if err != nil {
		return nil, err
	}
	if list == nil {
		return answerOf(processesBody{Frozen: true, Processes: []processInfo{}}), nil
	}
	var body processesBody
	if err := json.Unmarshal(list, &body); err != nil {
		return nil, err
	}
	weight := func(p processInfo) float64 {
		switch ProcessOrder(in.Sort) {
		case ByMemory:
			return float64(p.MemoryBytes)
		case ByIO:
			return orNothing(p.Read) + orNothing(p.Written)
		}
		return orNothing(p.CPUPercent)
	}
	slices.SortStableFunc(body.Processes, func(a, b processInfo) int { return cmp.Compare(weight(b), weight(a)) })
	body.Processes = body.Processes[:min(in.Limit, len(body.Processes))]
	return answerOf(body), nil
}

func orNothing(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}
