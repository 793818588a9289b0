package contract

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"homeserver/test/server"
)

const monitoring = "/api/v1/monitoring"

// system are the figures of the machine and the decimals they are rounded to.
func system() map[string]int {
	return map[string]int{
		"cpu_percent": 1, "memory_percent": 1, "memory_used_gb": 2, "memory_total_gb": 2,
		"disk_percent": 1, "disk_used_gb": 2, "disk_total_gb": 2, "disk_free_gb": 2,
	}
}

func checkSystem(t *testing.T, body []byte, got map[string]any) {
	t.Helper()
	value := map[string]float64{}
	for name, most := range system() {
		number, ok := got[name].(float64)
		if !ok || number < 0 || strings.HasSuffix(name, "percent") && number > 100 {
			t.Errorf("%s: got %v, want a number", name, got[name])
		}
		if n := decimals(t, body, name); n > most {
			t.Errorf("%s: got %d decimals, want at most %d", name, n, most)
		}
		value[name] = number
	}
	near := func(what string, got, want, within float64) {
		if math.Abs(got-want) > within {
			t.Errorf("%s: got %v, want about %v", what, got, want)
		}
	}
	// as df: used of what is used or available to users; shares of small disks are coarse in GB
	share := value["disk_used_gb"] / (value["disk_used_gb"] + value["disk_free_gb"]) * 100
	near("disk_percent", value["disk_percent"], share, 0.2)
	near("memory_percent", value["memory_percent"], value["memory_used_gb"]/value["memory_total_gb"]*100, 0.3)
	if value["disk_total_gb"] < value["disk_used_gb"] || value["memory_total_gb"] <= 0 {
		t.Errorf("totals do not fit: %v", value)
	}
}

func testSystem(t *testing.T, s target) {
	answer := s.Get(t, monitoring+"/system").Expect(t, 200)
	checkSystem(t, answer.Body, answer.Object(t))
}

func testStorage(t *testing.T, s target) {
	s.uploaded(t, text("counted.txt", "counted"))
	answer := s.Get(t, monitoring+"/storage").Expect(t, 200)
	got := answer.Object(t)
	fields(t, got, map[string]string{"total_files": "number", "total_size_gb": "number", "storage_path": "string", "total_size_bytes": "number"})
	if n := decimals(t, answer.Body, "total_size_gb"); n > 4 {
		t.Errorf("total_size_gb: got %d decimals, want at most 4", n)
	}
	files, _ := got["total_files"].(float64)
	bytes, _ := got["total_size_bytes"].(float64)
	size, _ := got["total_size_gb"].(float64)
	if files < 1 || files != math.Trunc(files) || bytes < 7 {
		t.Errorf("got %v files of %v bytes, want at least the one just uploaded", files, bytes)
	}
	if math.Abs(size-bytes/(1<<30)) > 0.00005001 {
		t.Errorf("total_size_gb: got %v, want %v bytes in GB", size, bytes)
	}
	if path, _ := got["storage_path"].(string); s.storage != "" && filepath.Clean(path) != s.storage {
		t.Errorf("storage_path: got %q, want %q", path, s.storage)
	}
}

func checkDashboard(t *testing.T, body []byte) float64 {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v: %.300s", err, body)
	}
	fields(t, got, map[string]string{"system": "object", "storage": "object", "uptime_seconds": "number"})
	figures, _ := got["system"].(map[string]any)
	checkSystem(t, body, figures)
	storage, _ := got["storage"].(map[string]any)
	fields(t, storage, map[string]string{"total_files": "number", "total_size_gb": "number", "storage_path": "string"})
	if n := decimals(t, body, "uptime_seconds"); n > 1 {
		t.Errorf("uptime_seconds: got %d decimals, want at most 1", n)
	}
	uptime, _ := got["uptime_seconds"].(float64)
	return uptime
}

func testDashboard(t *testing.T, s target) {
	first := checkDashboard(t, s.Get(t, monitoring+"/dashboard").Expect(t, 200).Body)
	server.Eventually(t, 10*time.Second, "the uptime to grow", func() error {
		if second := checkDashboard(t, s.Get(t, monitoring+"/dashboard").Expect(t, 200).Body); second <= first {
			return context.DeadlineExceeded
		}
		return nil
	})
}

// dial opens the live feed with the client's credentials.
func dial(t *testing.T, s target) *websocket.Conn {
	t.Helper()
	header := http.Header{}
	if s.Key != "" {
		header.Set("X-API-Key", s.Key)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(s.Base, "http", "ws", 1)+monitoring+"/ws", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatalf("WebSocket: %v", err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	return conn
}

// testLive expects a frame at once and then one every 2 s.
func testLive(t *testing.T, s target) {
	const more = 4 // frames after the first two
	start := time.Now()
	conn := dial(t, s)
	var second, last time.Time
	for n := range 2 + more {
		kind, frame, err := conn.Read(t.Context())
		if err != nil || kind != websocket.MessageText {
			t.Fatalf("frame %d: type %v, %v", n+1, kind, err)
		}
		last = time.Now()
		checkDashboard(t, frame)
		switch n {
		case 0:
			if waited := last.Sub(start); waited > time.Second {
				t.Errorf("the first frame came after %v, want at once", waited)
			}
		case 1:
			second = last
		}
	}
	if mean := last.Sub(second) / more; mean < 1800*time.Millisecond || mean > 2200*time.Millisecond {
		t.Errorf("frames come every %v, want 2s ±10%%", mean)
	}
}

// testLiveUpkeep pings, sends messages nobody asked for, and says goodbye.
func testLiveUpkeep(t *testing.T, s target) {
	conn := dial(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	read := make(chan error, 1)
	go func() {
		for {
			if _, _, err := conn.Read(context.Background()); err != nil {
				read <- err
				return
			}
		}
	}()
	if err := conn.Ping(ctx); err != nil {
		t.Fatalf("ping: %v", err)
	}
	for range 5 {
		if err := conn.Write(ctx, websocket.MessageText, []byte("hello?")); err != nil {
			t.Fatalf("sending: %v", err)
		}
	}
	if err := conn.Ping(ctx); err != nil {
		t.Fatalf("ping after messages: %v", err)
	}
	start := time.Now()
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("closing: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the close was answered after %v, want at once (the original took 34s)", took)
	}
	<-read
}
