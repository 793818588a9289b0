package crash

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"homeserver/test/server"
)

// mayLose is how much of the figures' history a kill may take.
const mayLose = 30 * time.Second

// TestHistory kills a server that does nothing but remember its figures, at several moments
// between two writes: after the restart all are there but the last 30 s, and the file is whole.
func TestHistory(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{23 * time.Second, 31 * time.Second, 39 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			s := server.Start(t, server.Options{})
			began := time.Now()
			timer := time.NewTimer(after)
			defer timer.Stop()
			<-timer.C
			s.Kill()
			killed := time.Now()
			s.Start()
			var body struct {
				From        time.Time `json:"from"`
				StepSeconds int64     `json:"step_seconds"`
				Series      []struct {
					Count []int64 `json:"count"`
				} `json:"series"`
			}
			ask := fmt.Sprintf("/api/v1/monitoring/history?metrics=memory_percent&points=200&from=%s&to=%s",
				url.QueryEscape(began.UTC().Format(time.RFC3339)), url.QueryEscape(killed.UTC().Format(time.RFC3339)))
			s.Get(t, ask).Expect(t, 200).Decode(t, &body)
			kept := began
			for i, n := range body.Series[0].Count {
				if n > 0 {
					kept = body.From.Add(time.Duration(int64(i)*body.StepSeconds) * time.Second)
				}
			}
			t.Logf("killed after %s: the last %s are lost", after, killed.Sub(kept).Round(time.Second))
			if lost := killed.Sub(kept); lost > mayLose {
				t.Errorf("%s of the history are lost, want at most %s", lost, mayLose)
			}
			if out, problem, code := s.CLI("history", "verify"); code != 0 {
				t.Errorf("history verify: exit %d: %s%s", code, out, problem)
			}
		})
	}
}
