package machine

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"homeserver/internal/monitor/metric"
)

// TestNamesOfContainers: containers bear the names that their engine gives them, are asked for once
// and not at every look, and bear short ids where the engine says nothing.
func TestNamesOfContainers(t *testing.T) {
	root, err := os.MkdirTemp("", "engine") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	known, unknown := strings.Repeat("a", 64), strings.Repeat("b", 64)
	for _, id := range []string{known, unknown} {
		dir := filepath.Join(root, "sys/fs/cgroup/machine.slice/libpod-"+id+".scope")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "cpu.stat"), []byte("usage_usec 1000\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "sys/fs/cgroup/cgroup.controllers"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(root, "run/podman/podman.sock")
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	engine := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/containers/json" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(`[{"Id":"` + known + `","Names":["/photos"],"Image":"x"},{"Id":"cc","Names":[]}]`))
	}))
	_ = engine.Listener.Close()
	engine.Listener = listener
	engine.Start()
	defer engine.Close()

	c := NewContainers(root, metric.New())
	defer c.Close()
	for range 3 {
		figures, raws := emitted(t, c)
		if _, ok := figures["container_cpu_percent{photos}"]; !ok {
			t.Errorf("got %v, want the name photos", figures)
		}
		if _, ok := figures["container_cpu_percent{bbbbbbbbbbbb}"]; !ok {
			t.Errorf("got %v, want a short id", figures)
		}
		if _, ok := raws[`container_cpu_usage_seconds_total{id="`+known+`",name="photos"}`]; !ok {
			t.Errorf("got %v", raws)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the engine was asked %d times in three looks, want once", n)
	}
}
