package monitor

import (
	"fmt"
	"runtime"
	"strings"
)

// Whose processor and memory figures a snapshot holds.
const (
	scopeHost      = "host"
	scopeContainer = "container"
)

// setting is what decides whose numbers these are.
type setting struct {
	container  bool   // the server runs in a container
	ownFigures bool   // /proc is the container's own (LXCFS)
	ownNetwork bool   // no network hardware in sight: the container's own network
	machine    string // the virtual machine this is, when the person at the keyboard sees another one around it
	limit      uint64 // bytes of memory the server may take at most, 0 for no limit
}

// scope names whose processor and memory figures these are.
func (s setting) scope() string {
	if s.container && s.ownFigures {
		return scopeContainer
	}
	return scopeHost
}

// note says in one sentence whose numbers these are.
func (s setting) note() string {
	var b strings.Builder
	around := "the whole machine around it"
	if s.machine != "" {
		around = s.machine
	}
	switch {
	case s.container && s.ownFigures:
		b.WriteString("HomeServer runs in a container: processor and memory figures are the container's own, disk figures those of " + around)
	case s.container:
		b.WriteString("HomeServer runs in a container: processor, memory and disk figures are those of " + around)
	case s.machine != "":
		b.WriteString("These are the figures of " + s.machine)
	default:
		b.WriteString("These are the figures of the machine that HomeServer runs on")
	}
	if s.container && s.ownNetwork {
		b.WriteString(", network figures those of the container's own network")
	}
	if s.limit > 0 {
		fmt.Fprintf(&b, "; HomeServer itself may use at most %.2f GB of memory", float64(s.limit)/gigabyte)
	}
	b.WriteByte('.')
	return b.String()
}

// fallbackHost is what is known without asking the system.
func fallbackHost() Host {
	return Host{OS: runtime.GOOS, Platform: runtime.GOOS, Architecture: runtime.GOARCH, CPUs: runtime.NumCPU(),
		Scope: scopeHost, Note: setting{}.note()}
}
