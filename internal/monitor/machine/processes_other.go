//go:build !linux

package machine

import (
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// Processes asks for every process. It is not a question of the sampler's: it costs too much.
type Processes struct{}

// NewProcesses makes the reader; there is no other root than the machine's.
func NewProcesses(string) *Processes { return &Processes{} }

// Look takes every process as it is now.
func (p *Processes) Look() (Look, error) {
	all, err := process.Processes()
	if err != nil {
		return Look{}, err
	}
	look := Look{At: time.Now(), processes: make(map[processID]Process, len(all))}
	for _, found := range all {
		one := Process{PID: int(found.Pid), readBytes: unknown, writtenBytes: unknown}
		if one.Name, err = found.Name(); err != nil {
			continue // it has just ended, or is nobody's business
		}
		one.User, _ = found.Username()
		if parent, err := found.Ppid(); err == nil {
			one.Parent = int(parent)
		}
		if threads, err := found.NumThreads(); err == nil {
			one.Threads = int(threads)
		}
		if started, err := found.CreateTime(); err == nil {
			one.start = uint64(started)
		}
		if times, err := found.Times(); err == nil {
			one.cpu = times.User + times.System
		}
		if memory, err := found.MemoryInfo(); err == nil && memory != nil {
			one.MemoryBytes = memory.RSS
		}
		if io, err := found.IOCounters(); err == nil && io != nil {
			one.readBytes, one.writtenBytes = int64(io.ReadBytes), int64(io.WriteBytes)
		}
		look.processes[processID{one.PID, one.start}] = one
	}
	return look, nil
}

// CommandLine is how a process was started; it may hold secrets.
func (p *Processes) CommandLine(pid int) string {
	found, err := process.NewProcess(int32(pid))
	if err != nil {
		return ""
	}
	line, _ := found.Cmdline()
	return line
}
