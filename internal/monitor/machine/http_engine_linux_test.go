package machine

import (
	"fmt"
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

// shortRoot is a folder for a machine in which sockets lie, whose paths must be short.
func shortRoot(t *testing.T) string {
	t.Helper()
	root, err := os.MkdirTemp("", "engine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	putFile(t, root, "sys/fs/cgroup/cgroup.controllers", "cpu io memory\n")
	return root
}

// startEngine is a container engine that listens at a place and knows some containers: pairs of id
// and name, "" for none. It returns how often it was asked.
func startEngine(t *testing.T, root, place string, known ...string) *atomic.Int64 {
	t.Helper()
	socket := filepath.Join(root, place)
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for i := 0; i < len(known); i += 2 {
		names := `"/` + known[i+1] + `"`
		if known[i+1] == "" {
			names = ""
		}
		list = append(list, fmt.Sprintf(`{"Id":%q,"Names":[%s],"Image":"x"}`, known[i], names))
	}
	asked := &atomic.Int64{}
	engine := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/containers/json" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("[" + strings.Join(list, ",") + "]"))
	}))
	_ = engine.Listener.Close()
	engine.Listener = listener
	engine.Start()
	t.Cleanup(engine.Close)
	return asked
}

// TestNamesOfContainers: containers bear the names that their engine gives them, are asked for once
// and not at every look, and bear short ids where the engine says nothing.
func TestNamesOfContainers(t *testing.T) {
	root := shortRoot(t)
	known, unknown := strings.Repeat("a", 64), strings.Repeat("b", 64)
	for _, id := range []string{known, unknown} {
		putFile(t, root, "sys/fs/cgroup/machine.slice/libpod-"+id+".scope/cpu.stat", "usage_usec 1000\n")
	}
	asked := startEngine(t, root, "run/podman/podman.sock", known, "photos", "cc", "")
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

// TestContainersOfPersons: what a person runs without being root is seen as well: Podman's for a unit
// of systemd's (Quadlet) and otherwise, Docker's. Each has a series of its own, also where two are
// called the same, and nobody names what the machine's own engine has named.
func TestContainersOfPersons(t *testing.T) {
	root := shortRoot(t)
	id := func(c string) string { return strings.Repeat(c, 64) }
	const person = "sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/"
	for _, group := range []string{
		"sys/fs/cgroup/system.slice/docker-" + id("a") + ".scope",
		"sys/fs/cgroup/system.slice/photos.service/libpod-payload-" + id("b"),
		person + "app.slice/photos.service/libpod-payload-" + id("c"),
		person + "user.slice/libpod-" + id("d") + ".scope", person + "user.slice/libpod-conmon-" + id("d") + ".scope",
		person + "user.slice/docker-" + id("e") + ".scope",
	} {
		putFile(t, root, group+"/cpu.stat", "usage_usec 1000\n")
	}
	putFile(t, root, person+"app.slice/photos.service/runtime/cpu.stat", "usage_usec 1000\n") // what starts it
	startEngine(t, root, "run/docker.sock", id("a"), "web")
	startEngine(t, root, "run/podman/podman.sock", id("b"), "photos")
	startEngine(t, root, "run/user/1000/podman/podman.sock", id("c"), "photos", id("d"), "news", id("a"), "mine")
	startEngine(t, root, "run/user/1000/docker.sock", id("e"), strings.Repeat("x", 300))
	c := NewContainers(root, metric.New())
	defer c.Close()
	for range 2 {
		figures, _ := emitted(t, c)
		for _, name := range []string{"web", "photos", "photos cccccccccccc", "news", "eeeeeeeeeeee"} {
			if _, ok := figures[metric.Key(metric.ContainerCPUPercent, name)]; !ok {
				t.Errorf("got %v, want %s", figures, name)
			}
		}
		if len(figures) != 5*4 {
			t.Errorf("got %d figures, want those of 5 containers: %v", len(figures), figures)
		}
	}
}
