package notify

import (
	"strings"
	"testing"
)

// TestNamesOfChannelsAreOneLine: a name with control characters is refused, and of one that was kept
// before one line is made.
func TestNamesOfChannelsAreOneLine(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		d, r := newDoor(t, h), newReceiver(t)
		channel := func(name string) map[string]any {
			return map[string]any{"name": name, "kind": "webhook", "allow_local": true, "settings": map[string]string{"url": r.URL}}
		}
		for _, name := range []string{"phone\r\nBcc: eve@example.org", "pho\nne", "pho\tne", "pho\x7fne", "pho\u0085ne", "pho\u009bne"} {
			if answer := d.ask("POST", "/channels", channel(name), 422, nil); !strings.Contains(answer, "The name of a channel is one line, without control characters.") {
				t.Errorf("%q: got %s", name, answer)
			}
		}
		var made channelBody
		d.ask("POST", "/channels", channel(" Zoë’s phone 📱\n"), 200, &made)
		if made.Name != "Zoë’s phone 📱" {
			t.Errorf("got %q", made.Name)
		}
		_, err := h.store.db.Exec(t.Context(), `UPDATE notify_channels SET name = $1`, "one\r\nof before")
		h.must(err)
		if c := h.channel(made.ID); c.Name != "one of before" {
			t.Errorf("got %q", c.Name)
		}
	})
}

// TestTitlesAreOneLine: what becomes a subject, and a line of a digest, begins no other.
func TestTitlesAreOneLine(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		h.say(Message{Title: " Disk\r\nBcc: eve@example.org\r\n\r\nfull\x1b[31m ", Text: "first\nsecond"})
		h.settle()
		if got := r.all(); len(got) != 1 || got[0].Title != "Disk Bcc: eve@example.org full [31m" || got[0].Text != "first\nsecond" {
			t.Errorf("got %+v", got)
		}
		if h.Send(t.Context(), Message{Title: "\r\n\t"}) == nil {
			t.Error("a title of nothing was taken")
		}
	})
}
