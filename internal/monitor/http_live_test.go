package monitor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/monitor/feed"
)

// watchLive opens protocol 2 and insists on it; query begins with "?".
func watchLive(t *testing.T, address, query string) *peer {
	t.Helper()
	p, status, err := dialAt(address, "/live"+query)
	if err != nil || status != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: got %d, %v, want 101", status, err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// message is a frame of protocol 2, as a client reads it.
type message struct {
	Schema    *feed.Schema
	Complete  *bool
	Ticks     [][]*float64
	Dashboard *Dashboard
}

func (p *peer) message() (m message, err error) {
	for {
		opcode, payload, err := p.frame()
		if err != nil {
			return m, err
		}
		if opcode == 1 {
			return readMessage(payload)
		}
	}
}

func readMessage(payload []byte) (m message, err error) {
	if payload[0] == '[' {
		m.Ticks = make([][]*float64, 1)
		return m, json.Unmarshal(payload, &m.Ticks[0])
	}
	return m, json.Unmarshal(payload, &m)
}

// slot is the even second of a tick, of which the first of all and a late one come a little after.
func slot(at int64) int64 { return (at + 1000) / 2000 }

// ticksOf reads until so many ticks came, and returns their times.
func (p *peer) ticksOf(t *testing.T, n int) (list []int64) {
	t.Helper()
	for len(list) < n {
		m, err := p.message()
		if err != nil {
			t.Fatal(err)
		}
		for _, tick := range m.Ticks {
			list = append(list, int64(*tick[0]))
		}
	}
	return list
}

func TestLiveSendsSchemaTicksAndDashboard(t *testing.T) {
	address := openHouse(t, fixedUsage)
	p := watchLive(t, address, "?dashboard=1&metrics=cpu_percent,memory_percent")
	var order []string
	for range 5 {
		m, err := p.message()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case m.Schema != nil:
			order = append(order, "schema")
			if len(m.Schema.Series) != 2 || m.Schema.IntervalMS != 2000 || m.Schema.Series[1].Key != "memory_percent" || m.Complete == nil {
				t.Errorf("got schema %+v, complete %v", m.Schema, m.Complete)
			}
		case m.Dashboard != nil:
			order = append(order, "dashboard")
			if m.Dashboard.Storage.TotalFiles != 31 {
				t.Errorf("got %+v", m.Dashboard)
			}
		default:
			order = append(order, "tick")
			if len(m.Ticks) != 1 || len(m.Ticks[0]) != 3 || *m.Ticks[0][2] <= 0 {
				t.Errorf("got %v, want a tick of two values", m.Ticks)
			}
		}
	}
	if got := strings.Join(order, " "); got != "schema tick dashboard tick dashboard" {
		t.Errorf("got %s", got)
	}
}

func TestLiveStopsWith1001(t *testing.T) {
	var p *peer
	t.Run("house", func(t *testing.T) {
		address := openHouse(t, fixedUsage)
		var err error
		if p, _, err = dialAt(address, "/live"); err != nil {
			t.Fatal(err)
		}
		if _, err := p.message(); err != nil {
			t.Fatal(err)
		}
	})
	defer p.Close()
	if got := p.until(t, 8); len(got) < 2 || got[0] != 0x03 || got[1] != 0xe9 {
		t.Errorf("close: got %v, want 1001", got)
	}
}

func TestLiveRefusesStrangersOtherSitesAndNonsense(t *testing.T) {
	address := openHouse(t, fixedUsage)
	for _, test := range []struct {
		name, path, header string
		want               int
	}{
		{"own page", "/live", "Origin: http://" + address + "\r\n", 101},
		{"another site", "/live", "Origin: http://evil.example\r\n", 403},
		{"a stranger", "/live", "X-Stranger: 1\r\n", 401},
		{"no metric", "/live?metrics=nonsense", "", 422},
		{"a broken key", "/live?metrics=cpu_percent%7Bx", "", 422},
		{"too many keys", "/live?metrics=" + strings.Repeat("load_1,", 1200) + "load_1", "", 422},
		{"no time", "/live?since=yesterday", "", 422},
		{"a time before time", "/live?since=-2", "", 422},
	} {
		p, status, err := dialAt(address, test.path, test.header)
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
		if status != test.want {
			t.Errorf("%s: got %d, want %d", test.name, status, test.want)
		}
	}
	for header, want := range map[string]int{"Accept: text/event-stream": 200, "Accept: application/json": 426} {
		if got := openEvents(t, address, "/live", header, "").StatusCode; got != want {
			t.Errorf("%s: got %d, want %d", header, got, want)
		}
	}
	if got := openEvents(t, address, "/live", "Accept: text/event-stream", "X-Stranger: 1").StatusCode; got != 401 {
		t.Errorf("a stranger: got %d, want 401", got)
	}
	for origin, want := range map[string]int{"http://" + address: 200, "http://evil.example": 403, "null": 403} {
		if got := openEvents(t, address, "/live", "Accept: text/event-stream", "Origin: "+origin).StatusCode; got != want {
			t.Errorf("events for a page of %s: got %d, want %d", origin, got, want)
		}
	}
}

// openEvents asks for Server-Sent Events with some headers.
func openEvents(t *testing.T, address, path string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+prefix+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range headers {
		if name, value, found := strings.Cut(line, ": "); found {
			request.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// TestEventsGoOnWhereTheyEnded: the same as over a WebSocket, where those are blocked.
func TestEventsGoOnWhereTheyEnded(t *testing.T) {
	address := openHouse(t, fixedUsage)
	read := func(r *bufio.Reader, ticks int) (names []string, times []int64, last string) {
		name := ""
		for len(times) < ticks {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			switch field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); field {
			case "event":
				name = value
				names = append(names, value)
			case "id":
				last = value
			case "data":
				m, err := readMessage([]byte(value))
				if err != nil {
					t.Fatalf("%s: %v: %s", name, err, value)
				}
				for _, tick := range m.Ticks {
					times = append(times, int64(*tick[0]))
				}
			}
		}
		return names, times, last
	}
	first := openEvents(t, address, "/live?metrics=cpu_percent&dashboard=1", "Accept: text/event-stream")
	names, times, last := read(bufio.NewReader(first.Body), 2)
	if got := strings.Join(names, " "); got != "schema tick dashboard tick" {
		t.Errorf("got events %s", got)
	}
	if last != strconv.FormatInt(times[1], 10) {
		t.Errorf("got id %s, want the tick's time %d", last, times[1])
	}
	first.Body.Close()
	p := watchLive(t, address, "")
	p.ticksOf(t, 3) // meanwhile
	again := openEvents(t, address, "/live?metrics=cpu_percent", "Accept: text/event-stream", "Last-Event-ID: "+last)
	_, more, _ := read(bufio.NewReader(again.Body), 3)
	all := slices.Concat(times[1:], more)
	for i := range len(all) - 1 {
		if slot(all[i+1])-slot(all[i]) != 1 {
			t.Errorf("got ticks at %v, want one every 2 s: nothing twice and nothing missing", all)
		}
	}
}

// TestThousandComeBackAtOnce: all that were cut off at once get what they missed, each tick once.
func TestThousandComeBackAtOnce(t *testing.T) {
	const clients = 1000
	address := openHouse(t, fixedUsage)
	var mu sync.Mutex
	seen := make([][]int64, clients)
	everybody := func(ticks int) {
		begin := make(chan struct{}, 32) // handshakes under way: the backlog of a listener is limited
		var group sync.WaitGroup
		for i := range clients {
			group.Go(func() {
				query := ""
				if n := len(seen[i]); n > 0 {
					query = fmt.Sprintf("?since=%d", seen[i][n-1])
				}
				begin <- struct{}{}
				p, status, err := dialAt(address, "/live"+query)
				<-begin
				if err != nil || status != http.StatusSwitchingProtocols {
					t.Errorf("handshake: got %d, %v", status, err)
					return
				}
				defer p.Close()
				for had := len(seen[i]); len(seen[i]) < had+ticks; {
					m, err := p.message()
					if err != nil {
						t.Errorf("client %d: %v", i, err)
						return
					}
					mu.Lock()
					for _, tick := range m.Ticks {
						seen[i] = append(seen[i], int64(*tick[0]))
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
	}
	everybody(2)
	p := watchLive(t, address, "")
	p.ticksOf(t, 3) // everybody is away for about 4 s
	start := time.Now()
	everybody(3)
	t.Logf("%d came back and got 3 ticks each within %v", clients, time.Since(start))
	for i, times := range seen {
		for j := 1; j < len(times)-1; j++ { // the first of all may come shortly before the second
			if slot(times[j+1])-slot(times[j]) != 1 {
				t.Fatalf("client %d: got ticks at %v, want one every 2 s, once", i, times)
			}
		}
	}
}

// TestLiveViewerWhoDoesNotRead costs nobody anything, and no goroutine once it is given up.
func TestLiveViewerWhoDoesNotRead(t *testing.T) {
	address := openHouse(t, fixedUsage)
	before := runtime.NumGoroutine()
	var stalled []*peer
	for range 20 {
		stalled = append(stalled, watchLive(t, address, "?dashboard=1")) // and never reads
	}
	p := watchLive(t, address, "")
	times := p.ticksOf(t, 2)[1:] // the first of all may come shortly before the second
	start := time.Now()
	times = append(times, p.ticksOf(t, 2)...)
	if took := time.Since(start); took < 2*time.Second || took > 5*time.Second || slot(times[2])-slot(times[0]) != 2 {
		t.Errorf("two ticks took %v beside stalled viewers, at %v; want 4 s", took, times)
	}
	for _, one := range append(stalled, p) {
		one.Close()
	}
	look, deadline := time.NewTicker(50*time.Millisecond), time.After(patience)
	defer look.Stop()
	for runtime.NumGoroutine() > before+5 {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("got %d goroutines after all had gone, want about %d", runtime.NumGoroutine(), before)
		}
	}
}

// TestStalledLiveViewerIsSlowOnlyForItself: one whose connection takes nothing more is behind, and
// gets everything once it reads.
func TestStalledLiveViewerIsSlowOnlyForItself(t *testing.T) {
	m := take(t, every2s(3)...)
	l := m.feed.Listen(feed.Newest)
	defer l.Close()
	var got []int64
	for n := 3; n < 200; n++ {
		m.publish(tickAt(2 * n)) // never waits for l
	}
	for more := true; more; {
		b := l.Take()
		if len(b.Ticks) > 60 {
			t.Errorf("got %d ticks in one message", len(b.Ticks))
		}
		for _, tick := range b.Ticks {
			at, _, _ := strings.Cut(string(tick[1:]), ",")
			n, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		more = b.More
	}
	if len(got) != 198 || !slices.IsSorted(got) || len(slices.Compact(got)) != 198 {
		t.Errorf("got %d ticks, want the 198 since it came, in order", len(got))
	}
}
