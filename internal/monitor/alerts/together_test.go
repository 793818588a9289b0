package alerts

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// putSeen changes a rule as somebody does who saw it with an etag, and returns the status and type
// of the answer.
func (h *household) putSeen(url, etag string, fields RuleFields) (status int, problem string) {
	h.t.Helper()
	raw, err := json.Marshal(fields)
	if err != nil {
		h.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPut, url, strings.NewReader(string(raw)))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("If-Match", etag)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	var body struct{ Type string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		h.t.Fatal(err)
	}
	return response.StatusCode, body.Type
}

// TestTwoAdministrators: who changes a rule that somebody else has changed meanwhile is told so, and
// undoes nothing unseen. A default is no different.
func TestTwoAdministrators(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		base := h.serve() + "/alert-rules"
		var own ruleBody
		h.ask("POST", base, fieldsOf(memoryRule()), &own, 200)
		for _, id := range []string{own.ID, "memory-full"} {
			var rules rulesBody
			h.ask("GET", base, nil, &rules, 200)
			var seen ruleBody
			for _, r := range rules.Rules {
				if r.ID == id {
					seen = r
				}
			}
			theirs, mine := seen.RuleFields, seen.RuleFields
			theirs.Raise = 98
			mine.Enabled = false
			if status, _ := h.putSeen(base+"/"+id, seen.ETag, theirs); status != 200 {
				t.Fatalf("%s: the first got %d", id, status)
			}
			if status, problem := h.putSeen(base+"/"+id, seen.ETag, mine); status != 412 || problem != "urn:homeserver:changed" {
				t.Errorf("%s: the second got %d %s, want 412", id, status, problem)
			}
			r, err := h.alerts.rule(t.Context(), id)
			if err != nil || r.Raise != 98 || !r.Enabled {
				t.Errorf("%s: got %+v, %v", id, r, err)
			}
			if status, _ := h.putSeen(base+"/"+id, r.etag(), mine); status != 200 { // who has looked again
				t.Errorf("%s: after another look got %d", id, status)
			}
			h.ask("PUT", base+"/"+id, theirs, nil, 200) // a program that does not care
		}
		if status, _ := h.putSeen(base+"/own-nonsense", own.ETag, own.RuleFields); status != 404 {
			t.Errorf("no rule: got %d, want 404", status)
		}
	})
}

// TestADeletedRuleStaysDeleted though somebody saves it at that very moment; and of two who change a
// rule at once the second is told.
func TestADeletedRuleStaysDeleted(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		own := h.rule()
		_, kept, err := h.alerts.keptRule(t.Context(), own.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.alerts.dropRule(t.Context(), own.ID); err != nil {
			t.Fatal(err)
		}
		if err := h.alerts.saveRule(t.Context(), own, kept, kept, ""); err == nil {
			t.Error("a rule that was deleted was changed")
		}
		if _, err := h.alerts.rule(t.Context(), own.ID); err == nil {
			t.Error("it came back")
		}
		const one, other = `{"raise":90,"clear":80}`, `{"raise":91,"clear":80}`
		r := &Rule{ID: "memory-full"}
		for _, c := range []struct {
			body, was string
			fine      bool
		}{{one, "", true}, {other, "", false}, {other, one, true}, {one, one, false}} {
			if err := h.alerts.saveRule(t.Context(), r, c.body, c.was, ""); (err == nil) != c.fine {
				t.Errorf("%s in the place of %q: got %v", c.body, c.was, err)
			}
		}
	})
}
