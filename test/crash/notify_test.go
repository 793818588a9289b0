package crash

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"homeserver/test/server"
)

// inbox is a webhook's other end: the ids and titles of what it was told.
type inbox struct {
	mu  sync.Mutex
	got [][2]string
}

func (i *inbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var told struct{ ID, Title string }
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, [2]string{told.ID, told.Title})
}

func (i *inbox) all() [][2]string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([][2]string(nil), i.got...)
}

// TestNotifications kills the server between what is raised and what is sent. The notification
// arrives after the restart: once if it had not been sent, and otherwise again under its id, by
// which the receiver can tell.
func TestNotifications(t *testing.T) {
	t.Parallel()
	for point, want := range map[string]int{"notify-claimed": 1, "notify-sent": 2} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			server.OnEach(t, func(t *testing.T, env map[string]string) {
				in := &inbox{}
				hook := httptest.NewServer(in)
				t.Cleanup(hook.Close)
				s := server.New(t, server.Options{Tags: "failpoint", Env: env})
				s.Start()
				const base = "/api/v1/notifications"
				s.JSON(t, "POST", base+"/channels", map[string]any{"kind": "webhook", "name": "hook", "allow_local": true, "settings": map[string]string{"url": hook.URL}}).Expect(t, 200)
				s.Stop()

				s.Setenv("HOMESERVER_FAILPOINT", point)
				s.Start()
				s.JSON(t, "POST", base+"/messages", map[string]any{"title": "raised", "key": "k", "state": "raised", "severity": "critical"}).Expect(t, 204)
				select {
				case <-s.Exited():
				case <-time.After(patience):
					t.Fatalf("the server did not reach %s", point)
				}
				s.Kill()
				s.Edit(`UPDATE notify_channels SET held_until = 0`) // the dead one's lease, which would end by itself
				s.Setenv("HOMESERVER_FAILPOINT", "")
				s.Start()
				var outbox struct{ Deliveries []struct{ ID, State string } }
				server.Eventually(t, patience, "the notification is sent", func() error {
					s.Get(t, base+"/outbox").Expect(t, 200).Decode(t, &outbox)
					if len(outbox.Deliveries) != 1 || outbox.Deliveries[0].State != "sent" {
						return fmt.Errorf("got %+v", outbox)
					}
					return nil
				})
				got := in.all()
				if len(got) != want {
					t.Errorf("got %v, want it %d times", got, want)
				}
				for _, one := range got {
					if one != [2]string{outbox.Deliveries[0].ID, "raised"} {
						t.Errorf("got %v, want the id %s", one, outbox.Deliveries[0].ID)
					}
				}
			})
		})
	}
}
