package alerts

import (
	"strings"
	"testing"

	"homeserver/internal/monitor/metric"
)

// TestNamesAreOneLine: a rule's name is a subject of mails one day, and is refused when it could not
// be one. Of a name that was kept before, and of what the system calls its things, one line is made.
func TestNamesAreOneLine(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		base := h.serve()
		for _, name := range []string{"Memory\r\nBcc: eve@example.org", "Mem\nory", "Mem\rory", "Mem\tory", "Mem\x1b[31mory", "Mem\x7fory", "Mem\u0085ory", "Mem\u009bory", "\x01"} {
			fields := fieldsOf(memoryRule())
			fields.Name = name
			var problem struct{ Detail string }
			h.ask("POST", base+"/alert-rules", fields, &problem, 422)
			if !strings.HasPrefix(problem.Detail, "The name of a rule is one line, without control characters") {
				t.Errorf("%q: got %q", name, problem.Detail)
			}
		}
		fields := fieldsOf(memoryRule())
		fields.Name, fields.Advice = "  Mémory 👩‍🚒\r\n", "Look.\r\n\tThen act.\n" // what surrounds a name is left out
		var made ruleBody
		h.ask("POST", base+"/alert-rules", fields, &made, 200)
		if made.Name != "Mémory 👩‍🚒" || made.Advice != fields.Advice {
			t.Errorf("got %q and %q", made.Name, made.Advice)
		}
		fields.Advice = "Look\x1b[31m"
		h.ask("POST", base+"/alert-rules", fields, nil, 422)
		h.ask("PUT", base+"/alert-rules/"+made.ID, fields, nil, 422)

		h.exec(`UPDATE alert_rules SET body = replace(body, 'Mémory', 'Mem\r\nBcc: ory')`)
		h.alerts.reload(t.Context())
		disk := metric.Key(metric.PoolUnhealthy, "tank\r\nTo: eve")
		h.tick(6, key, 95.0, disk, 1.0)
		h.wantSent("raised Pool is not healthy: tank To: eve; raised Mem Bcc: ory 👩‍🚒")
		h.exec(`UPDATE alerts SET rule_name = replace(rule_name, 'Bcc', $1)`, "\r\nBcc") // one of before
		h.start()
		h.tick(40, key, 40.0)
		if sent := h.sent(); !strings.HasSuffix(sent, "; recovered Over: Mem Bcc: ory 👩‍🚒") {
			t.Errorf("got %q", sent)
		}
	})
}
