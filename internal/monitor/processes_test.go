package monitor

import (
	"context"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/identity"
)

// TestCommandLines: command lines, which may hold secrets, are for administrators who proved that they
// are one, and not for their tokens that only read.
func TestCommandLines(t *testing.T) {
	m := New(Config{StoragePath: t.TempDir(), Started: time.Now()}, fixedUsage, quiet())
	administrator := func(method identity.Method, scopes ...identity.Scope) identity.Principal {
		return identity.Principal{Method: method, Name: "ada", UserID: "1", Role: identity.Administrator, Scopes: scopes}
	}
	member := administrator(identity.Session)
	member.Role = identity.Member
	for _, c := range []struct {
		name string
		who  identity.Principal
		sees bool
	}{
		{"an administrator who signed in", administrator(identity.Session), true},
		{"the API key", administrator(identity.APIKey), true},
		{"an administrator's token for everything", administrator(identity.Token, identity.ScopeMonitoringRead, identity.ScopeAdmin), true},
		{"an administrator's token for reading", administrator(identity.Token, identity.ScopeMonitoringRead), false},
		{"a member", member, false},
		{"anybody, where nobody is asked", identity.Household(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if identity.Refusal(c.who, identity.ReadMonitoring) != nil {
				t.Fatal("they may not see processes at all")
			}
			got, err := m.getProcesses(identity.With(context.Background(), c.who), &processesInput{Sort: "memory", Limit: ProcessesMost})
			if err != nil {
				t.Fatal(err)
			}
			lines := 0
			for _, p := range got.Body.Processes {
				if strings.Contains(p.CommandLine, ".test") { // this program, at the least
					lines++
				}
			}
			if (lines > 0) != c.sees || !c.sees && anyCommandLine(got.Body.Processes) {
				t.Errorf("got %d command lines of this program, want some: %t", lines, c.sees)
			}
		})
	}
}

func anyCommandLine(list []processInfo) bool {
	for _, p := range list {
		if p.CommandLine != "" {
			return true
		}
	}
	return false
}
