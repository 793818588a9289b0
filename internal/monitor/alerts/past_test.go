package alerts

import (
	"testing"
	"time"
)

// TestPast: a span has the alerts of which some part lies in it, open ones too, and no others.
func TestPast(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		told := 0
		h.alerts.lent.Raised = func() { told++ }
		h.rule()
		h.tick(3, key, 50.0)
		h.tick(6, key, 93.0) // raised
		if told != 1 {
			t.Errorf("told %d times that an alert was raised", told)
		}
		raised := h.list()[0].Raised
		past := func(from, to time.Time) int {
			t.Helper()
			list, err := h.alerts.Past(t.Context(), from, to, 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if n := past(raised.Add(-time.Hour), raised.Add(-time.Second)); n != 0 {
			t.Errorf("before it was raised: got %d alerts", n)
		}
		if n := past(raised.Add(time.Hour), raised.Add(2*time.Hour)); n != 1 {
			t.Errorf("while it is open: got %d alerts", n)
		}
		h.tick(12, key, 50.0)
		cleared := h.list()[0].Cleared
		if n := past(cleared.Add(-time.Second), cleared.Add(time.Hour)); n != 1 {
			t.Errorf("over its end: got %d alerts", n)
		}
		if n := past(cleared.Add(time.Second), cleared.Add(time.Hour)); n != 0 {
			t.Errorf("after its end: got %d alerts", n)
		}
	})
}
